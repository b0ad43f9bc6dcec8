"""Batches that really die: whoever drives one, what forks its kernels, and a kernel of it."""

import json
import os
import signal
import time

import pytest

from tests.batch.conftest import NOTEBOOKS, NOTES, Fleet, alive, below, children, noted, words

SLEEP = "import time\ntime.sleep(4 if n <= 2 else 0)"


@pytest.fixture
def begun(start, until, book, numbers, tmp_path):
    """Give a function that starts a batch of six rows, two of which take long, two at once."""

    def begin():
        rows = ("--params", numbers(6), "--workers", "2", "--json")
        child = start("batch", "run", book(NOTES, SLEEP), *rows, start_new_session=True)
        until(lambda: noted(tmp_path) == [1, 2], within=60)
        return child

    return begin


def test_a_kill_of_the_driver_leaves_nothing_behind_and_resume_goes_on(
    begun, until, wsops, tmp_path
):
    """No kernel lives on; rows that were begun are said to be lost, the others run, none twice."""
    child = begun()
    there = below(child.pid)
    child.kill()
    child.communicate()
    until(lambda: not any(map(alive, there)), within=3)

    shown = wsops("batch", "status", "--json", code=3).document
    assert words(shown).count("running") == 2
    resumed = wsops("batch", "resume", "--json", code=4).document
    assert words(resumed) == ["died", "died", "done", "done", "done", "done"]
    assert "nobody saw its end" in resumed["runs"][0]["reason"]
    assert noted(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_kill_of_what_forks_kernels_ends_those_runs_alone(begun, until, tmp_path):
    """The batch goes on with another one; the two are said to have died."""
    child = begun()
    [zygote] = children(child.pid)
    os.kill(zygote, signal.SIGKILL)
    out, err = child.communicate(timeout=60)

    assert child.returncode == 4, err
    assert words(json.loads(out)) == ["died", "died", "done", "done", "done", "done"]
    assert noted(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_once_lets_what_runs_end_and_resume_does_the_rest(begun, wsops, tmp_path):
    """Exit code 130; rows that were not begun wait for a resume."""
    child = begun()
    began = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)

    assert child.returncode == 130, err
    assert words(json.loads(out)) == ["done", "done"] + ["waiting"] * 4
    assert time.monotonic() - began > 1
    assert words(wsops("batch", "resume", "--json").document) == ["done"] * 6
    assert noted(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_twice_interrupts_what_runs(begun, until):
    """At once: they say that they were interrupted."""
    child = begun()
    os.killpg(child.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)

    assert child.returncode == 130, err
    assert words(json.loads(out))[:2] == ["interrupted", "interrupted"]


def test_sigterm_ends_a_batch_soon_and_with_its_own_code(begun, until):
    """As a service manager ends it; nothing is left behind."""
    child = begun()
    there = below(child.pid)
    child.terminate()
    child.communicate(timeout=30)

    assert child.returncode == 143
    until(lambda: not any(map(alive, there)), within=3)


def test_a_second_driver_of_one_batch_is_refused(begun, wsops, monkeypatch, tmp_path):
    """It names who drives it, and begins no row; whatever it calls home, or the journal."""
    begun()
    told = wsops("batch", "resume", code=5)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    told_there = wsops("batch", "resume", code=5)
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "journal.sqlite")
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "link.sqlite"))
    told_by_link = wsops("batch", "resume", code=5)

    for refusal in (told, told_there, told_by_link):
        assert "is held by process" in refusal.err


@pytest.mark.parametrize("kernels", ["warm", pytest.param("fresh", marks=pytest.mark.soak)])
def test_nothing_is_sent_after_the_death_of_the_driver(
    kernels, calm, at, audited, start, until, wsops
):
    """Killed while rows apply: no request comes afterwards, and each pool had one at the most."""
    fleet = Fleet(at(calm(pools=5, desktops=6, mismatch=0.8, speed=400)))
    rows = ("--from-audit", audited(), "--apply", "--max-desktops", fleet.total)
    repair = NOTEBOOKS / "20_repair_mismatches.ipynb"
    child = start("batch", "run", repair, *rows, "--workers", "3", "--kernels", kernels)
    until(lambda: len(fleet.posts) >= 2, within=60)
    child.kill()
    child.communicate()
    sent = len(fleet.posts)
    time.sleep(2.5)

    assert len(fleet.posts) == sent
    for _ in range(3):  # a request whose answer was lost with its sender may stay unknown
        resumed = wsops("batch", "resume", "--json", code=None).document
        for line in resumed["next"]:
            if line.startswith("wsops resume"):
                wsops(*line.split()[1:], code=None)
    assert "running" not in words(resumed)
    counts = [entry.pool_id for entry in fleet.posts]
    assert len(counts) == len(set(counts))
