"""The commands, run as processes or in this process, against a simulation on a socket."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from wsops import pace
from wsops.cli import main

POLLING = {
    "first": 0.02,
    "longest": 0.05,
    "verify_every": 0.02,
    "verify_within": 3,
    "reconcile_every": 0.02,
    "reconcile_within": 0.1,
    "settle_seconds": 0,
    "settle_reads": 1,
    "not_found_seconds": 0.2,
    "stall_after": 2,
}
PACE = {"reads_per_second": 100_000, "write_every": 0, "throttled_wait": 0}
_WITHIN = 60


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said on each channel."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self):
        """The error of that document."""
        return self.document["error"]


@pytest.fixture(autouse=True)
def quiet_process(monkeypatch):
    """Put back what a command changes in its process, and wait for no jitter of retries."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(pace, "full_jitter", lambda *_, **__: 0.0)
    yield
    signal.signal(signal.SIGTERM, before)
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("wsops").setLevel(logging.NOTSET)


@pytest.fixture
def at(monkeypatch):
    """Give a function that makes a simulation the place where the commands work."""

    def go(simulation, **more):
        values = {
            "WSOPS_ENDPOINT": simulation.endpoint,
            "WSOPS_IAM_ENDPOINT": simulation.iam_endpoint,
            "WSOPS_PROJECT_ID": simulation.project_id,
            "WSOPS_REGION": simulation.cloud.region_name,
            "WSOPS_TOKEN": simulation.token,
            "WSOPS_OPERATOR": "tester",
            "WSOPS_POLLING": json.dumps(POLLING | more.pop("polling", {})),
            "WSOPS_PACE": json.dumps(PACE | more.pop("pace", {})),
        }
        for key, value in (values | more).items():
            monkeypatch.setenv(key, value)
        return simulation

    return go


@pytest.fixture
def place(sim, at):
    """Give the usual simulation, with the commands working there."""
    return at(sim)


@pytest.fixture
def wsops():
    """Give a function that runs a command in this process and checks its exit code, if any."""

    def run(*arguments, code=0, typed=None):
        done = CliRunner().invoke(main, [str(one) for one in arguments], input=typed)
        said = f"{done.stdout}\n{done.stderr}"
        fits = code is None or done.exit_code == code
        assert fits, f"exit {done.exit_code}: {said}\n{done.exception!r}"
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert "Traceback" not in said
        if "--json" in arguments and done.stdout:
            json.loads(done.stdout)
        return Ran(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def refused(wsops, sim):
    """Give a function that runs a command that must fail, and judges how it says so.

    One sentence and a remedy on stderr, the same in the JSON error, and nothing was sent.
    """

    def run(*arguments, code, says):
        rebuilds = sends(sim)
        human = wsops(*arguments, code=code)
        first, remedy = human.err.strip().split("\n  to do: ")
        assert first.startswith("error: ")
        assert says in human.err
        assert remedy
        assert human.out == ""
        told = wsops(*arguments, "--json", code=code)
        assert says in told.error["message"] + told.error["remedy"]
        assert told.error["remedy"]
        assert sends(sim) == rebuilds
        return told.error

    return run


@pytest.fixture
def process():
    """Give a function that runs a command as a process of its own and checks its exit code."""

    def run(*arguments, code=0, **changes):
        with started(*arguments, **changes) as child:
            out, err = child.communicate(timeout=_WITHIN)
        assert child.returncode == code, f"exit {child.returncode}: {out}\n{err}"
        assert "Traceback" not in out + err
        return Ran(child.returncode, out, err)

    return run


@pytest.fixture
def start():
    """Give a function that starts a command as a process of its own; ended with the test."""
    children = []

    def begin(*arguments, **changes):
        child = popen(*arguments, **changes)
        children.append(child)
        return child

    yield begin
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def planned(place, wsops, tmp_path):
    """Give a function that plans a repair into a file, and returns the file and its content."""

    def make(*arguments, name="plan.json"):
        path = tmp_path / name
        document = wsops("plan", "repair", *arguments, "-o", path, "--json").document
        return path, document

    return make


@pytest.fixture
def applied(planned, wsops):
    """Give a function that plans a repair and applies it; returns what `--json` says of it."""

    def go(*arguments, code=0):
        path, plan = planned(*arguments)
        return wsops(
            "apply", path, "--yes", "--digest", plan["digest"], "--json", code=code
        ).document

    return go


@pytest.fixture
def sent():
    """Give the function that counts the changing requests that a simulation received."""
    return sends


@pytest.fixture
def until():
    """Give a function that waits until something is so."""

    def wait(so, within=20.0):
        end = time.monotonic() + within
        while not so():
            assert time.monotonic() < end, "it did not come about"
            time.sleep(0.01)

    return wait


@pytest.fixture
def behind():
    """Give the functions that find the pools with mismatches, and the mismatches of one."""

    def pools(simulation):
        return [pool for pool in simulation.cloud.pools.values() if differing(pool)]

    return pools


def differing(pool):
    return [one for one in pool.desktops if one.image_id != pool.image_id]


def sends(simulation):
    """Count the requests that change something."""
    return sum(1 for entry in simulation.ledger if entry.path.endswith(("/rebuild", "/actions")))


def popen(*arguments, **changes):
    environment = os.environ | {"PYTHONFAULTHANDLER": "1"} | changes.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "wsops", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **changes,
    )


@contextmanager
def started(*arguments, **changes):
    child = popen(*arguments, stdin=subprocess.DEVNULL, **changes)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
