"""Batches on a real Dask scheduler and real workers, each a process on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.batch.conftest import NOTEBOOKS, NOTES, Fleet, noted, words

_DASK = [sys.executable, "-m", "dask"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Cluster:
    """A scheduler, its workers, and their processes."""

    def __init__(self, folder, allowed, workers):
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        host, _, port = self.address.partition(":")
        setting = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed)}
        words = ("scheduler", "--host", host, "--port", port, "--no-dashboard")
        self.scheduler = self._start(*words, **setting)
        plain = (
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(folder),
        )
        self.workers = [self._start("worker", self.address, *plain) for _ in range(workers)]

    @property
    def hands(self):
        return ("--executor", f"dask://{self.address}", "--workers", "2")

    def _start(self, *words, **setting):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(
            [*_DASK, *words], cwd=self.folder, env=os.environ | setting, **quiet
        )

    def wait(self):
        from distributed import Client

        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with Client(f"tcp://{self.address}", timeout=5, set_as_default=False) as client:
                    client.wait_for_workers(len(self.workers), timeout=30)
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise AssertionError("the workers did not come")  # noqa: EM101, TRY003

    def close(self):
        """End them all, by force where a worker waits for a scheduler that is gone."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(20)


@pytest.fixture
def cluster(tmp_path):
    """Give a function that starts a cluster; ended with the test."""
    begun = []

    def begin(allowed=0, workers=1):
        begun.append(Cluster(tmp_path, allowed, workers))
        begun[-1].wait()
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def test_rows_run_on_workers_and_a_dead_worker_is_reported(
    cluster, book, numbers, start, until, tmp_path, wsops
):
    """One worker is killed in the middle: its row says so, no row runs twice, the batch ends."""
    here = cluster(workers=2)
    slow = "import os, time\nprint(os.getppid())\ntime.sleep(5 if n <= 2 else 0)"
    notebook = book(NOTES, slow, name="slow.ipynb")
    child = start("batch", "run", notebook, "--params", numbers(6), *here.hands, "--json")
    until(lambda: noted(tmp_path) == [1, 2], within=60)
    os.kill(here.workers[0].pid, signal.SIGKILL)
    out, err = child.communicate(timeout=90)

    assert child.returncode == 4, out + err
    document = wsops("batch", "status", "--json", code=4).document
    assert sorted(words(document)) == ["died"] + ["done"] * 5
    [dead] = [run for run in document["runs"] if run["verdict"] == "died"]
    assert "its worker ended" in dead["reason"]
    assert noted(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_rows_that_apply_run_on_workers_of_this_host(cluster, calm, at, audited, wsops):
    """They share the journal: canary first, one request a pool, all repaired."""
    fleet = Fleet(at(calm(pools=4, desktops=6, mismatch=0.6)))
    rows = ("--from-audit", audited(), "--apply", "--max-desktops", fleet.total)
    pools = len(fleet.pools)
    here = cluster(workers=2)
    repair = NOTEBOOKS / "20_repair_mismatches.ipynb"
    document = wsops("batch", "run", repair, *rows, *here.hands, "--json").document

    assert set(words(document)) == {"done"}
    assert len(fleet.posts) == pools
    assert fleet.pools == []


def test_rows_that_apply_do_not_run_on_other_hosts(cluster, calm, at, audited, wsops, monkeypatch):
    """They could not share the journal: refused before a batch is made."""
    fleet = Fleet(at(calm(pools=2, desktops=6, mismatch=0.6)))
    monkeypatch.setattr("wsops.batch.dask._hosts", lambda _: {"127.0.0.1", "192.0.2.7"})
    rows = ("--from-audit", audited(), "--apply", "--max-desktops", fleet.total)
    repair = NOTEBOOKS / "20_repair_mismatches.ipynb"

    assert "on other hosts" in wsops("batch", "run", repair, *rows, *cluster().hands, code=5).err
    assert fleet.posts == []
    wsops("batch", "list", code=5)


def test_a_scheduler_that_would_run_a_task_again_is_refused(cluster, book, numbers, wsops):
    """As Dask does where nobody has told it otherwise; no row is begun."""
    here = cluster(allowed=3)
    told = wsops("batch", "run", book("n"), "--params", numbers(2), *here.hands, code=5)

    assert "would run a task again, 3 times" in told.err
    assert "ALLOWED_FAILURES=0" in told.err


@pytest.mark.parametrize(
    ("executor", "says"),
    [
        ("ray://127.0.0.1:1", "is neither local nor dask://HOST:PORT"),
        ("dask://127.0.0.1:1", "no Dask scheduler answers"),
    ],
)
def test_hands_that_are_not_there_are_said(executor, says, book, numbers, wsops, monkeypatch):
    """One sentence and a remedy, before a row begins."""
    monkeypatch.setattr("wsops.batch.dask._ANSWERS_WITHIN", 1)
    rows = ("--params", numbers(2), "--executor", executor)

    assert says in wsops("batch", "run", book("n"), *rows, code=5).err
