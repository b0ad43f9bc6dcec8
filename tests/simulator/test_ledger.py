from __future__ import annotations

import threading

from wsops.simulator.clock import Clock, iso, zoneless
from wsops.simulator.ledger import Ledger


def note(ledger):
    return ledger.note(
        at=0.0,
        method="GET",
        path="/",
        query="",
        body=None,
        body_sha256="",
        operation="ListImages",
        request_id="r",
    )


def test_numbers_are_given_once_whatever_the_threads_do() -> None:
    """Eight writers leave no gap and no double."""
    ledger = Ledger()
    threads = [
        threading.Thread(target=lambda: [note(ledger) for _ in range(100)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.seq for entry in ledger] == list(range(1, 801))


def test_an_entry_is_open_until_amended() -> None:
    """A request without an answer has no status; amending leaves the others alone."""
    ledger = Ledger()
    first, second = note(ledger), note(ledger)
    ledger.amend(second, status=200, executed=True)

    assert [(e.status, e.executed) for e in ledger.entries()] == [(None, False), (200, True)]
    assert [e.seq for e in ledger.entries(since=first)] == [second]
    assert ledger.entries("ShowJob") == []
    assert len(ledger) == 2


def test_instants_have_two_faces() -> None:
    """ISO with Z, and the older form that hides its zone."""
    assert (iso(1.5), zoneless(1.5)) == ("1970-01-01T00:00:01.500Z", "1970-01-01 00:00:01")


def test_skipped_time_adds_to_the_real_one() -> None:
    """The clock goes on from where it was moved to."""
    clock = Clock(lambda: 100.0)
    clock.advance(50)
    clock.advance(0)

    assert clock.now() == 150.0
