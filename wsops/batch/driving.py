"""Drives a batch from a shell: signals, pages that are kept up to date, and its exit code."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console

from wsops.batch.amounts import exit_code
from wsops.batch.hands import Hands
from wsops.batch.ledger import Ledger, opened
from wsops.batch.pages import write_pages
from wsops.batch.progress import show
from wsops.batch.records import Batch
from wsops.batch.runner import Brake, Happening, Runner
from wsops.batch.view import as_it_stands
from wsops.errors import SettingsError
from wsops.journal import Journal
from wsops.settings import Settings

INTERRUPTED, TERMINATED = 130, 143
_SHARE = 20  # pages are written again after 20 times what writing them took, and 2 s at least
_LEAST = 2.0


@dataclass(frozen=True)
class Drove:
    """How a drive of a batch went: the batch as it stands now, and the exit code."""

    batch: Batch
    code: int


def drive(settings: Settings, batch_id: str, hands: Hands, console: Console) -> Drove:
    """Run the rows of a batch that wait, showing them; its pages are current when this returns.

    The first Ctrl-C starts no further row, the second interrupts what runs, the third ends it;
    SIGTERM is two of them at once.

    Raises:
        JournalError: another process drives the batch, or the record cannot be written.
        SettingsError: all has ended and is in the ledger, but its pages cannot be written.
    """
    place = settings.journal_place
    with opened(place) as ledger, _journal(place) as journal:
        batch = ledger.batch(batch_id)
        brake = Brake()
        runner = Runner(ledger, journal, batch, hands, settings.limits, brake)
        attempts = ledger.attempts(batch_id, batch.round)
        ended_before = sum(one.state == "ended" for one in attempts)
        with _braking(brake) as signals:
            try:
                happenings = _kept(runner.run(), ledger, batch_id)
                show(happenings, len(attempts), ended_before, console)
            except BaseException:
                hands.interrupt(kill=True)
                raise
        whole = as_it_stands(ledger, batch_id)
        write_pages(whole)
    return Drove(whole, signals.code or exit_code(whole.verdict))


@contextmanager
def _journal(place: str) -> Iterator[Journal]:
    journal = Journal.open(place)
    assert journal is not None  # noqa: S101  (only without create)
    with journal:
        yield journal


def _kept(happenings: Iterator[Happening], ledger: Ledger, batch_id: str) -> Iterator[Happening]:
    """Pass on what happens, and write the pages anew now and then: whoever looks sees how it is.

    A page that cannot be written ends no batch: the ledger has all that it says.
    """
    due = 0.0
    for one in happenings:
        if time.monotonic() >= due:
            began = time.monotonic()
            with suppress(SettingsError):
                write_pages(as_it_stands(ledger, batch_id))
            due = time.monotonic() + max(_LEAST, _SHARE * (time.monotonic() - began))
        yield one


@dataclass
class _Signals:
    """The exit code of the signals that came; 0 where none did."""

    code: int = 0


@contextmanager
def _braking(brake: Brake) -> Iterator[_Signals]:
    """Let Ctrl-C and SIGTERM press the brake for the block, instead of tearing through it."""
    came = _Signals()

    def interrupted(*_: object) -> None:
        came.code = came.code or INTERRUPTED
        brake.press()

    def terminated(*_: object) -> None:
        came.code = TERMINATED
        brake.press()
        brake.press()

    handlers = {signal.SIGINT: interrupted, signal.SIGTERM: terminated}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
