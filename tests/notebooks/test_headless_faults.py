"""The notebooks while things go wrong: nothing is sent twice, nothing is hidden."""

import time
from threading import Thread

import pytest

from wsops.simulator import Options, Simulation

REBUILD = "RebuildDesktopPool"


def states(runs):
    return [[row.verdict or row.state for row in rows] for rows in runs.values()]


@pytest.fixture
def ill(cloud, lead):
    """Give a function that makes a fleet with a fault, to which all kernels are led."""

    def make(fault, *, settings=None, options=None, **script):
        here = cloud(**(options or {}))
        lead(here, **(settings or {}))
        here.faults.add(fault, **script)
        return here

    return make


@pytest.fixture
def other():
    """Give a simulation of its own, which may go away in the middle of a test."""
    options = Options(pools=3, desktops=6, mismatch=0.8, speed=300)
    with Simulation(options) as simulation:
        yield simulation


def test_an_answer_that_is_lost_is_found_again(ill, play, kept):
    """The job is adopted; each pool got one request, and all ends well."""
    here = ill("lost", operation=REBUILD, times=1, settings={"POLLING__RECONCILE_WITHIN": 5})
    pools = {desktop.pool_id for desktop in here.behind}
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "done"
    assert states(kept()) == [["done"] * len(pools)]
    assert len(here.posts) == len(pools)


def test_an_outcome_that_nobody_knows_is_settled_by_hand(ill, play, kept):
    """Unknown names the desktops and the command; 40 settles it where apply says so, once."""
    here = ill("cut", operation=REBUILD, times=1)
    first = play("20", **here.approval)
    [[row, *_]] = kept().values()
    named = {"settle_item": row.item_id, "not_sent": True, "evidence": "log of the gateway"}
    refused = play("40", **named)
    settled = play("40", **named, apply=True)

    assert first.error is None, first.plain
    assert first.summary.verdict == "unknown"
    assert {one.state for one in first.summary.unknown} == {"unknown"}
    assert len(first.summary.unknown) == len(row.targets)
    assert first.summary.next[0] == f"wsops resume {row.run_id}"
    assert f"{row.item_id} is not settled: apply is False" in refused.plain
    assert settled.error is None, settled.plain
    assert f"{row.item_id} is planned now" in settled.plain
    assert states(kept())[0][0] == "planned"
    assert len(here.posts) == 1


def test_what_was_lost_is_followed_by_the_next_notebook(ill, play, kept):
    """A job that shows too late for the first run is found and followed by 40; nothing is sent."""
    here = ill(
        "lost", operation=REBUILD, times=1, options={"list_delay": 1500}, settings={"OPERATOR": "b"}
    )
    first = play("20", **here.approval)
    sent = len(here.posts)
    followed = play("40")

    assert first.summary.verdict == "unknown"
    assert followed.error is None, followed.plain
    assert states(kept())[0][0] == "done"
    assert len(here.posts) == sent == 1


def test_a_job_that_never_ends_is_let_go_of(ill, play, kept):
    """Its deadline ends the notebook, not the job: it is running, and the command says how on."""
    short = {"BASE_DEADLINE": 0.3, "PER_DESKTOP": 0, "STALL_AFTER": 60}
    here = ill("stuck", settings={f"POLLING__{key}": value for key, value in short.items()})
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "running"
    assert played.summary.next[0] == f"wsops resume {played.summary.run_id}"
    assert states(kept())[0][0] == "accepted"
    assert len(here.posts) == 1


def test_a_job_that_stands_still_is_judged_by_its_desktops(ill, play):
    """What has not moved for long is named as stalled, and the run stops at its canary."""
    here = ill("stuck")
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "partial"
    assert {one.state for one in played.summary.help} == {"stalled"}
    assert len(here.posts) == 1


def test_throttling_is_waited_for(ill, play):
    """Reads are tried again; the request that wipes is not sent twice for it."""
    here = ill("throttle", times=4, options={"retry_after": 0})
    pools = {desktop.pool_id for desktop in here.behind}
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "done"
    assert len([entry for entry in here.posts if entry.executed]) == len(pools)


def test_a_service_that_cannot_be_reached_is_one_clear_error(cloud, lead, play, kept):
    """Two lines, what and what to do; no run."""
    here = cloud()
    lead(here, ENDPOINT="http://127.0.0.1:1")
    played = play("20", **here.approval)

    assert played.complaint.ename == "CloudUnreachable"
    assert len(played.complaint.traceback) == 2
    assert played.complaint.traceback[1].startswith("to do: ")
    assert (here.posts, kept()) == ([], {})


def test_a_service_that_goes_away_in_the_middle_is_followed_later(
    fleet_of, lead, play, kept, other
):
    """The run stays open with its job; when the service is back 40 brings it to its end."""
    here = fleet_of(other)
    lead(here, POLLING__BASE_DEADLINE=4, POLLING__PER_DESKTOP=0, PACE__CALL_DEADLINE=1)

    def leave():
        end = time.monotonic() + 60
        while not any(entry.status for entry in here.posts) and time.monotonic() < end:
            time.sleep(0.005)
        other.__exit__(None, None, None)

    watcher = Thread(target=leave)
    watcher.start()
    first = play("20", **here.approval)
    watcher.join()
    before = states(kept())
    other.__enter__()
    followed = play("40")

    assert first.error is None, first.plain
    assert first.summary.verdict == "running"
    assert before[0][0] == "accepted"
    assert followed.error is None, followed.plain
    assert states(kept())[0][0] == "done"
    assert len(here.posts) == 1


def test_a_job_of_which_a_desktop_fails_stops_the_run(cloud, lead, play):
    """The canary does not end well: the desktop is named with its reason, nothing more is sent."""
    here = cloud()
    lead(here)
    here.fail(here.behind)
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "partial"
    assert {one.reason for one in played.summary.help} == {"WKS.00010034 no capacity in the zone"}
    assert "canary" in played.summary.headline
    assert any(line.startswith("wsops handover run-") for line in played.summary.next)
    assert len(here.posts) == 1
