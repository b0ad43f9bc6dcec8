"""Runs as real processes: signals, a stop from another shell, closed pipes."""

import json
import os
import signal
import subprocess
import sys

import pytest

SLOW = {"speed": 120}
"""A desktop takes two or three seconds to rebuild."""


@pytest.fixture
def running(fleet, at, planned, start, until, sent):
    """Give an `apply` of two pools whose first request has just been sent."""
    place = at(fleet(**SLOW), polling={"stall_after": 60})
    path, plan = planned("fin-office-01", "callcentre-01")
    child = start("apply", path, "--yes", "--digest", plan["digest"], "--json")
    until(lambda: sent(place) == 1)
    until(lambda: any(entry.operation == "ShowJob" for entry in place.ledger))
    return place, plan, child


def ended(child):
    try:
        out, err = child.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGABRT)  # it then says where it hangs
        pytest.fail(child.communicate()[1])
    assert "Traceback" not in err, err
    return child.returncode, json.loads(out), err


@pytest.mark.parametrize("way", ["closed", "full"])
def test_whoever_does_not_listen_to_the_progress_ends_no_run(place, planned, way):
    """Behind `2> >(head)`, or with the log on a full disk: the outcome comes on stdout."""
    path, plan = planned()
    reader, writer = os.pipe()
    ear = writer if way == "closed" else os.open("/dev/full", os.O_WRONLY)
    os.close(reader)
    command = [sys.executable, "-m", "wsops", "apply", str(path), "--yes", "--json"]
    digest = ("--digest", plan["digest"])
    done = subprocess.run(
        [*command, *digest], stdout=subprocess.PIPE, stderr=ear, check=False, timeout=60
    )
    os.close(ear)

    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] in {"done", "left_in_use"}


def test_a_stop_from_another_shell_sends_no_further_pool(running, wsops, sent):
    """The pool that is running is followed to its end; the next one is not sent."""
    place, plan, child = running
    wsops("stop", f"run-{plan['plan_id']}")
    code, document, _ = ended(child)
    assert code == 4
    assert [item["verdict"] for item in document["items"]] == ["done", "planned"]
    assert sent(place) == 1


def test_status_from_another_shell_says_running(running, wsops):
    """While a run is on, its status is running, with exit code 3."""
    _, _, child = running
    document = wsops("status", "--json", code=3).document
    assert document["verdict"] == "running"
    assert document["items"][0]["job_id"]
    child.kill()


def test_a_second_driver_is_refused(running, wsops, sent):
    """One process drives a run: another `resume` is refused and names the first."""
    place, plan, child = running
    done = wsops("resume", f"run-{plan['plan_id']}", "--continue", code=5)
    assert f"held by process {child.pid}" in done.err
    assert sent(place) == 1
    child.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_detaches(running, wsops, sent, number, code):
    """Ctrl-C and SIGTERM leave the job alone, say how to go on, and keep their exit codes."""
    place, plan, child = running
    child.send_signal(number)
    ended_with, document, err = ended(child)
    assert ended_with == code
    assert f"wsops resume run-{plan['plan_id']}" in err
    assert document["items"][0]["verdict"] == "running"
    place.cloud.advance(30)
    after = wsops("resume", "--continue", "--json").document
    assert {item["verdict"] for item in after["items"]} == {"done"}
    assert sent(place) == 2


def test_a_kill_loses_nothing(running, wsops, sent):
    """After SIGKILL the run goes on from the journal alone."""
    place, _, child = running
    child.kill()
    child.wait()
    place.cloud.advance(30)
    after = wsops("resume", "--continue", "--json").document
    assert {item["verdict"] for item in after["items"]} == {"done"}
    assert sent(place) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_an_audit_soon(fleet, at, start, until, number, code):
    """A service that does not answer cannot hold back Ctrl-C."""
    place = at(fleet())
    place.cloud.faults.add("hang", operation="ListPoolDesktopsDetail", args={"seconds": 60})
    child = start("audit", "--full")
    until(lambda: any(entry.operation == "ListPoolDesktopsDetail" for entry in place.ledger))
    child.send_signal(number)
    try:
        _, err = child.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        pytest.fail("it did not end within 5 s")
    assert child.returncode == code
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_crash(place, start):
    """`wsops audit | head -1` ends without a traceback."""
    child = start("audit", "--json")
    child.stdout.close()
    err = child.stderr.read()
    child.wait(20)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
