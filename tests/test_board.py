"""The board: a value that each event changes, and how it is shown."""

from datetime import UTC, datetime, timedelta

import pytest

from wsops.board import Board, Lane
from wsops.history import Forecast
from wsops.models import Job
from wsops.rollout import Event
from wsops.rows import ItemRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLOCK = 1000.0
ATTACK = "<script>alert(1)</script>\u202e\x1b[31m"


def row(number=1, **fields):
    usual = {
        "item_id": f"i-{number:02d}",
        "run_id": "run-1",
        "seq": number,
        "endpoint": "e",
        "project_id": "p",
        "pool_id": f"p{number}",
        "pool_name": f"eng-{number:02d}",
        "state": "planned",
        "targets": {},
        "desktops": {},
    }
    return ItemRow.model_validate(usual | fields)


def clock(instant):
    return CLOCK - (NOW - instant).total_seconds()


def board(*rows, forecasts=None):
    rows = rows or (row(1), row(2))
    return Board.of("run-1", rows, {"i-01": 5, "i-02": 7}, forecasts or {}, clock)


def played(start, *events):
    """Give the board after events, each a minute after the one before."""
    for number, event in enumerate(events):
        start = start.after(event, CLOCK + 60 * number)
    return start


def job(share, item=None, text="2 of 5 desktops, 0 failed"):
    return Event("job", text, item or row(1), Job(id="j"), share)


def test_a_board_begins_with_the_items_as_they_stand():
    """A run that is taken up again shows what it did before, with the time that took."""
    done = row(
        1,
        state="ended",
        verdict="done",
        sent_at=NOW - timedelta(minutes=30),
        ended_at=NOW - timedelta(minutes=10),
    )
    out = row(2, state="accepted", job_id="j", sent_at=NOW - timedelta(minutes=5))
    first, second = board(done, out).lanes.values()

    assert (first.state, first.share, first.ended - first.began) == ("done", 1.0, 1200)
    assert (second.state, second.job_id, CLOCK - second.began) == ("running", "j", 300)
    assert "20 min" in board(done, out).html(CLOCK)
    assert board(done, out).plain() == "run-1: 1 of 2 pools; "


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("item", "sending"),
        ("sent", "running"),
        ("adopted", "running"),
        ("job", "running"),
        ("verifying", "reading_back"),
        ("unknown", "unknown"),
        ("parked", "unknown"),
        ("running", "running"),
        ("not_sent", "not_sent"),
        ("a word to come", "planned"),
    ],
)
def test_each_event_has_its_state(kind, state):
    """One pool moves, the other stays."""
    after = board().after(Event(kind, "eng-01: text", row(1)), CLOCK)

    assert [lane.state for lane in after.lanes.values()] == [state, "planned"]
    assert kind == "job" or after.says == "eng-01: text"


def test_a_pool_goes_from_its_send_to_its_verdict():
    """Progress, note, elapsed time and end."""
    over = row(1, state="ended", verdict="left_in_use", reason="1 left in use")
    after = played(
        board(),
        Event("item", "eng-01: 5 desktops", row(1)),
        Event("sent", "eng-01: job j", row(1, job_id="j")),
        job(0.5),
        Event("verifying", "eng-01: reading back", row(1), None, 1.0),
        Event("item_ended", "eng-01: left in use", over),
    )
    lane = after.lanes["i-01"]

    assert (lane.state, lane.share, lane.note) == ("left_in_use", 1.0, "1 left in use")
    assert (lane.job_id, lane.ended - lane.began) == ("j", 240)
    assert lane.left(CLOCK + 999) is None
    assert after.plain() == "run-1: 1 of 2 pools; eng-01: left in use"


def test_reading_back_is_not_the_end():
    """A job that is through is not a pool that is done."""
    after = played(board(), job(1.0), Event("verifying", "eng-01: …", row(1), None, 1.0))

    assert after.plain().startswith("run-1: 0 of 2 pools")


def test_why_nobody_knows_stands_beside_the_pool():
    """An unknown outcome, a request that was not sent, a job that is not followed: each its why."""
    for kind in ("parked", "not_sent", "running"):
        after = played(board(), job(0.3), Event(kind, "x", row(1, reason="the answer was lost")))
        assert after.lanes["i-01"].note == "the answer was lost"
        assert "the answer was lost" in after.html(CLOCK)
        assert kind == "running" or after.lanes["i-01"].left(CLOCK + 99) is None


def test_what_is_left_goes_by_its_own_pace_and_early_by_the_past():
    """Half done in ten minutes: ten more. Hardly begun: what the past took."""
    lane = Lane("eng", 5, "running", 0.5, began=CLOCK, forecast=Forecast(3600, 5400, 3))
    early = Lane("eng", 5, "running", 0.0, began=CLOCK, forecast=Forecast(3600, 5400, 3))

    assert lane.left(CLOCK + 600) == 600
    assert early.left(CLOCK + 600) == 3000
    assert early.left(CLOCK + 9999) == 0
    assert Lane("eng", 5, "running", 0.0, began=CLOCK).left(CLOCK + 600) is None
    assert Lane("eng", 5).left(CLOCK) is None


def test_the_end_of_a_run_is_its_verdict():
    """The last event ends the board; others say what is going on."""
    after = board().after(Event("ended", "partial: 1 done; 1 not sent", verdict="partial"), CLOCK)

    assert after.ended
    assert ">partial</b>" in after.html(CLOCK)
    assert "1 done; 1 not sent" in after.html(CLOCK)
    assert not board().after(Event("run", "run-1: 12 desktops"), CLOCK).ended


def test_an_event_of_another_run_changes_nothing():
    """A board knows its own items only."""
    assert board().after(Event("sent", "x", row(9)), CLOCK) == board()


def test_a_run_without_items_has_a_board_as_well():
    """Nothing is divided by nothing."""
    assert "run-0" in Board("run-0").html(CLOCK)
    assert Board("run-0").plain() == "run-0: 0 of 0 pools; "


def test_of_many_pools_those_that_matter_are_drawn():
    """Under way and in trouble first, then the next; the rest is counted by state."""
    lanes = {str(n): Lane(f"eng-{n:04d}", 9, "done", ended=CLOCK) for n in range(1000)}
    lanes |= {str(n): Lane(f"eng-{n:04d}", 9) for n in range(1000, 2000)}
    lanes["5"] = Lane("eng-0005", 9, "failed", ended=CLOCK)
    lanes["1000"] = Lane("eng-1000", 9, "running", began=CLOCK)
    page = Board("run-1", lanes).html(CLOCK)

    assert page.count("<progress") == 100
    for name in ("eng-0005", "eng-1000", "eng-1098"):
        assert name in page
    assert "eng-1099" not in page
    assert "and 1,900 pools more: 999 ✓ done, 901 · planned" in page
    assert "more:" not in board().html(CLOCK)


def test_names_of_pools_and_reasons_stay_text():
    """Whatever a server says."""
    item = row(1, pool_name=ATTACK + "x" * 300, reason=ATTACK)
    page = played(board(item), Event("parked", ATTACK, item)).html(CLOCK)

    assert "<script" not in page
    assert not set("\u202e\x1b") & set(page)
    assert "\\u202e" in page
