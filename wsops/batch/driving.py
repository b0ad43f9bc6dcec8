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
from wsops.batch.ledger import Ledger
from wsops.batch.pages import write_pages
from wsops.batch.progress import show
from wsops.batch.records import Batch
from wsops.batch.runner import Brake, Happening, Runner
from wsops.batch.view import as_it_stands
from wsops.errors import SettingsError
from wsops.journal import Journal
from wsops.settings import Settings

INTERRUPTED, TERMINATED, _NOT_ALL_WELL = 130, 143, 4
_SHARE = 20  # pages are written again after 20 times what writing them took, and 2 s at least
_LEAST = 2.0


@dataclass(frozen=True)
class Drove:
    """How a batch stands after a drive, the exit code, and what is wrong with its pages."""

    batch: Batch
    code: int
    problem: str = ""


def drive(settings: Settings, batch_id: str, hands: Hands, console: Console) -> Drove:
    """Run the rows of a batch that wait, showing them; its pages are current when this returns.

    The first Ctrl-C starts no further row, the second interrupts what runs, the third ends it;
    SIGTERM is two of them at once.

    Raises:
        JournalError: another process drives the batch, or the record cannot be written.
        BatchError: the batch was begun for another endpoint or project.
    """
    place = settings.journal_place
    with Ledger.open(place) as ledger, Journal.open(place) as journal:
        batch = ledger.batch(batch_id)
        batch.check_here(settings)
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
        problem = _written(whole)
    code = signals.code or exit_code(whole.verdict)
    return Drove(whole, code or (_NOT_ALL_WELL if problem else 0), problem)


def _written(whole: Batch) -> str:
    """Write the pages; says what is wrong where that fails: the ledger has all of it."""
    try:
        write_pages(whole)
    except SettingsError as error:
        return str(error)
    return ""


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
