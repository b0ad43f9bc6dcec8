"""Processes that really die: the command in one process, the service in another.

A kill at a system call is strace's: it ends the process at the n-th fdatasync, sendto, recvfrom or
pwrite64, so that each step between intent and verdict is met exactly.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest

from wsops import connect
from wsops.choice import Choice
from wsops.errors import PlanError
from wsops.planning import plan_for

REBUILD = "RebuildDesktopPool"
WSOPS = [sys.executable, "-m", "wsops"]
SIMULATE = ["simulate", "--json", "--pools", "500", "--desktops", "3", "--mismatch", "1"]
FAST = {
    "WSOPS_POLLING__FIRST": "0.02",
    "WSOPS_POLLING__LONGEST": "0.05",
    "WSOPS_POLLING__VERIFY_EVERY": "0.02",
    "WSOPS_POLLING__RECONCILE_EVERY": "0.02",
    "WSOPS_POLLING__RECONCILE_WITHIN": "0.3",
    "WSOPS_PACE__WRITE_EVERY": "0",
    "WSOPS_PACE__THROTTLED_WAIT": "30",
}
SERVERS = {
    "normal": None,
    "lost": {"kind": "lost", "times": 1},
    "slow": {"kind": "latency", "args": {"seconds": 0.25}},
}
WEAK = """
import wsops.database
prepare = wsops.database._prepare

def weak(connection, record):
    prepare(connection, record)
    connection.execute("PRAGMA synchronous=NORMAL").close()

wsops.database._prepare = weak
from wsops.cli import main
main(prog_name="wsops")
"""


def all_at_work(item):
    return all(target.in_use for target in item.targets)


class Service:
    """A simulator in a process of its own, and the pools of it that nobody has used yet."""

    def __init__(self, process):
        self._process = process
        self.connection = json.loads(process.stdout.readline())
        self.http = httpx.Client(base_url=self.connection["endpoint"], trust_env=False)
        self._unused = None

    def ws(self):
        wanted = ("endpoint", "iam_endpoint", "project_id", "region", "token")
        facts = {name: self.connection[name] for name in wanted}
        return connect(**facts, pace={"reads_per_second": 100_000})

    def plan(self, pools=1):
        """Plan a repair of pools that no plan has named before, each with an idle desktop.

        Where everybody is at work the service starts a job without a desktop, which leaves no
        trace: a lost answer of that one stays unknown, as it should.
        """
        with self.ws() as ws:
            if self._unused is None:
                self._unused = [pool.id for pool in ws.pools().rows if pool.desktop_count]
            chosen = []
            while True:
                chosen.append(self._unused.pop())
                try:
                    plan, _ = plan_for(ws, Choice(), chosen)
                except PlanError:
                    chosen.pop()
                    continue
                chosen = [item.pool_id for item in plan.items if not all_at_work(item)]
                if len(chosen) == len(plan.items) == pools:
                    return plan

    def fault(self, pool_id, kind, **how):
        row = {"kind": kind, "operation": REBUILD, "match": {"pool_id": pool_id}} | how
        assert self.http.post("/_sim/faults", json=row).status_code == 200

    def posts(self, pool_id):
        entries = self.http.get("/_sim/ledger", params={"operation": REBUILD}).json()["entries"]
        return [entry for entry in entries if entry["pool_id"] == pool_id]

    def close(self):
        self.http.close()
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def service():
    """Give a service in another process, 3,000 times as fast as the real one."""
    command = [*WSOPS, *SIMULATE, "--speed", "3000"]
    running = Service(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    yield running
    running.close()


class Shell:
    """An operator's shell: a journal, a plan file, and the commands."""

    def __init__(self, service, folder, plan):
        self.folder, self.plan = folder, plan
        self.service = service
        self.journal = folder / "book" / "journal.sqlite"
        (folder / "plan.json").write_text(json.dumps(plan.as_json()), encoding="utf-8")
        wanted = ("endpoint", "iam_endpoint", "project_id", "region", "token")
        facts = {f"WSOPS_{name.upper()}": service.connection[name] for name in wanted}
        # Nothing but the journal may write to the disk: the calls are counted.
        plain = {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE_")}
        self.environment = plain | facts | FAST | {"WSOPS_JOURNAL": str(self.journal)}
        self.apply = ["apply", "plan.json", "--yes", "--digest", plan.digest, "--json"]

    def begin(self, *words, under=(), program=WSOPS, **environment):
        """Start a command."""
        return subprocess.Popen(
            [*under, *program, *words],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words, **how):
        """Run a command to its end; gives its exit code, output and words."""
        with self.begin(*words, **how) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def resume(self, *words, **environment):
        """Resume with --json; gives the document, None where there is no such run."""
        run_id = f"run-{self.plan.plan_id}"
        code, out, err = self.run("resume", run_id, "--json", *words, **environment)
        assert "Traceback" not in err, err
        document = json.loads(out)
        if "error" in document:
            assert (code, document["error"]["type"]) == (5, "JournalError")
            return None
        return document

    def judge(self):
        """After any death: one execution at the most, no job lost, and the record is whole."""
        (item,) = self.plan.items
        document = self.resume()
        posts = self.service.posts(item.pool_id)
        executed = [entry for entry in posts if entry["executed"]]
        assert len(posts) <= 1
        if document is None:
            assert posts == []
            return "nothing"
        with closing(sqlite3.connect(self.journal)) as journal:
            assert journal.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (known,) = document["items"]
        if executed:
            assert known["job_id"] == executed[0]["job_id"]
            assert known["verdict"] in {"done", "left_in_use", "partial"}
        else:
            assert known["verdict"] in {"planned", "unknown"}
            assert known["job_id"] is None
        if known["verdict"] == "planned":
            again = self.resume("--continue")
            assert again["items"][0]["verdict"] in {"done", "left_in_use"}
            assert len(self.service.posts(item.pool_id)) == 1
        return known["verdict"]


@pytest.fixture
def shell(service, tmp_path):
    """Give a function that opens a shell with a plan for so many fresh pools."""

    def open_shell(pools=1):
        return Shell(service, tmp_path, service.plan(pools))

    return open_shell


@pytest.fixture(scope="session")
def strace():
    """Give the path of strace; skip where it is missing or may not trace."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    trial = subprocess.run([found, "-qq", "true"], capture_output=True, check=False)
    if trial.returncode:
        pytest.skip("strace may not trace here (ptrace is denied)")
    return found


def killed_at(shell, strace, call, number, server):
    """Apply under strace, which kills at the n-th call; judge what is left."""
    (item,) = shell.plan.items
    if SERVERS[server]:
        shell.service.fault(item.pool_id, **SERVERS[server])
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    under = [strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
    code, _, err = shell.run(*shell.apply, under=under)
    assert "Traceback" not in err, err
    return code, shell.judge()


POINTS = [
    ("fdatasync", 9, "normal"),
    ("fdatasync", 10, "normal"),
    ("fdatasync", 11, "normal"),
    ("sendto", 5, "normal"),
    ("sendto", 6, "normal"),
    ("recvfrom", 5, "slow"),
    ("fdatasync", 12, "lost"),
    ("fdatasync", 14, "normal"),
    ("sendto", 8, "lost"),
]
SWEEP = [
    (call, number, server)
    for server in SERVERS
    for call, numbers in (
        ("fdatasync", range(1, 18)),
        ("sendto", range(1, 15)),
        ("recvfrom", range(1, 15)),
        ("pwrite64", range(1, 120, 6)),
    )
    for number in numbers
]


@pytest.mark.parametrize(("call", "number", "server"), POINTS)
def test_a_kill_at_any_call_loses_nothing(shell, strace, call, number, server):
    """Killed at a system call around the send, the run resumes to one execution or to unknown."""
    code, _ = killed_at(shell(), strace, call, number, server)
    assert code == -signal.SIGKILL


@pytest.mark.soak
@pytest.mark.parametrize(("call", "number", "server"), SWEEP)
def test_a_kill_at_every_call_loses_nothing(shell, strace, call, number, server):
    """The same at every call from the first to the last, by three behaviours of the service."""
    killed_at(shell(), strace, call, number, server)


@pytest.mark.parametrize("server", SERVERS)
def test_a_kill_at_any_moment_loses_nothing(shell, server):
    """Killed after some time, the run resumes to one execution or to unknown."""
    killed_after(shell(), random.uniform(0.5, 1.2), server)


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("moment", range(40))
def test_a_kill_at_every_moment_loses_nothing(shell, server, moment):
    """The same over a second and a half, moment by moment."""
    killed_after(shell(), 0.2 + moment * 0.033, server)


def killed_after(shell, seconds, server):
    (item,) = shell.plan.items
    if SERVERS[server]:
        shell.service.fault(item.pool_id, **SERVERS[server])
    with shell.begin(*shell.apply) as process:
        time.sleep(seconds)
        process.kill()
        process.communicate()
    shell.judge()


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("moment", ["waiting to send", "request out", "watching"])
def test_a_signal_detaches(shell, name, code, moment):
    """Ctrl-C and SIGTERM end the command soon, with their own code; resume finishes."""
    here = shell()
    (item,) = here.plan.items
    faults = {
        "waiting to send": {"kind": "throttle", "times": 1},
        "request out": {"kind": "hang", "times": 1, "args": {"executed": True, "seconds": 20}},
    }
    if moment in faults:
        here.service.fault(item.pool_id, **faults[moment])
    slow = {"WSOPS_POLLING__FIRST": "30", "WSOPS_POLLING__LONGEST": "30"}
    with here.begin(*here.apply, **slow) as process:
        _wait_for(lambda: here.service.posts(item.pool_id))
        if moment != "request out":
            _wait_for(lambda: here.service.posts(item.pool_id)[0]["status"])
            time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=10)
        took = time.monotonic() - began
    assert process.returncode == code
    assert took < 5  # where the answer would come after 20
    assert "Traceback" not in err
    assert "detached" in err
    verdict = {"waiting to send": "unknown", "request out": "unknown", "watching": "running"}
    assert json.loads(out)["verdict"] == verdict[moment]
    # A job shows in the list a moment after it began, and this machine may be busy.
    resumed = here.resume("--continue", WSOPS_POLLING__RECONCILE_WITHIN="10")
    assert resumed["verdict"] in {"done", "left_in_use"}
    executed = [entry for entry in here.service.posts(item.pool_id) if entry["executed"]]
    assert len(executed) == 1


def _wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


# -- the order of things ------------------------------------------------------------------------

_WRITE = re.compile(r"pwrite64\((\d+), \"(.*?)\"(?:\.\.\.)?, \d+, \d+\)")
_SYNC = re.compile(r"fdatasync\((\d+)\)")
_OPEN = re.compile(r"openat\([^\"]*\"([^\"]*)\".*\) = (\d+)")
_SEND = re.compile(r"sendto\(\d+, \"POST [^ ]*/desktop-pools/([^/]+)/rebuild")


def sends_too_early(trace, bodies):
    """Give the pools of all sends, and of those whose intent was not on the disk before.

    `bodies` maps each pool to the SHA-256 of its request, which its intent must hold.
    """
    logs, unsynced, written = set(), {}, set()
    sent, early = [], []
    for line in trace.splitlines():
        if found := _OPEN.search(line):
            logs.discard(found[2])
            if found[1].endswith("-wal"):
                logs.add(found[2])
        elif found := _WRITE.search(line):
            if found[1] in logs:
                unsynced.setdefault(found[1], set()).update(
                    digest for digest in bodies.values() if digest in found[2]
                )
        elif found := _SYNC.search(line):
            written |= unsynced.pop(found[1], set())
        elif found := _SEND.search(line):
            sent.append(found[1])
            if bodies[found[1]] not in written or unsynced:
                early.append(found[1])
    return sent, early


def traced(shell, strace, program=WSOPS):
    """Apply under strace; give the trace."""
    calls = "trace=openat,pwrite64,fdatasync,sendto"
    place = shell.folder / "trace.txt"
    under = [strace, "-f", "-qq", "-s", "8192", "-o", str(place), "-e", calls]
    code, out, err = shell.run(*shell.apply, under=under, program=program)
    assert code == 0, out + err
    with closing(sqlite3.connect(shell.journal)) as journal:
        bodies = dict(journal.execute("SELECT pool_id, body_sha256 FROM items").fetchall())
    return sends_too_early(place.read_text(encoding="utf-8", errors="replace"), bodies)


@pytest.mark.parametrize("pools", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_no_request_leaves_before_its_intent_is_on_the_disk(shell, strace, pools):
    """Each rebuild is sent after an fdatasync of the log that holds its intent."""
    sent, early = traced(shell(pools), strace)
    assert len(sent) == pools
    assert early == []


def test_the_order_is_seen_to_break(shell, strace):
    """With a journal that does not sync at each commit, the same look finds sends too early."""
    sent, early = traced(shell(), strace, program=[sys.executable, "-c", WEAK])
    assert early == sent != []
