"""Runs the rows of a batch: one canary first where rows apply, then several at once.

The ledger is written before a row begins and after it has ended; whoever reads it in between, or
after a kill, knows which rows were begun. Nothing here is tried again: a run may have sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from wsops import locks
from wsops.batch.amounts import of_batch, spoils, taught
from wsops.batch.folder import place_of
from wsops.batch.hands import Hands
from wsops.batch.ledger import BatchRow, Ledger
from wsops.batch.reading import OPEN, Standing, settled
from wsops.batch.records import Attempt
from wsops.batch.task import Task, run_one
from wsops.errors import JournalError
from wsops.journal import Journal
from wsops.membership import batch_key
from wsops.models import utc_now
from wsops.outcome import standing
from wsops.settings import Limits
from wsops.text import instant
from wsops.verdicts import reason_to_stop

_LOOK_EVERY = 0.2  # seconds between two looks at signals and at a stop
_STOPPED, _ENOUGH, _KILL = 1, 2, 3  # how often Ctrl-C was pressed


@dataclass
class Brake:
    """How often somebody has asked to stop: once starts nothing more, twice interrupts what runs.

    The third time the kernels are ended. Set by signal handlers, looked at between two rows.
    """

    asked: int = 0
    seen: int = 0

    def press(self, *_: object) -> None:
        """Ask once more."""
        self.asked += 1


@dataclass(frozen=True)
class Happening:
    """Something that happened: began or ended (with its attempt), stop or interrupted."""

    kind: str
    text: str = ""
    attempt: Attempt | None = None


@dataclass
class Runner:
    """One drive of a batch over the rows that wait; `run` gives what happens."""

    ledger: Ledger
    journal: Journal
    batch: BatchRow
    hands: Hands
    limits: Limits
    brake: Brake = field(default_factory=Brake)
    stop: str = ""
    _spoilt: str = ""

    def __post_init__(self) -> None:
        self._rows = {row.number: row for row in self.batch.spec.rows}

    def run(self) -> Iterator[Happening]:
        """Run the rows that wait, until none is left or the batch has stopped.

        Raises:
            JournalError: another process drives this batch, or the record cannot be written.
        """
        with locks.held(*batch_key(self.batch.batch_id), what=self.batch.batch_id):
            yield from self._take_up()
            yield from self._drain()
            self._close()

    def _take_up(self) -> Iterator[Happening]:
        """Judge what an earlier process did not see the end of, and what was open when it ended."""
        for attempt in self._attempts():
            if attempt.state == "running":
                yield self._ended(lost(attempt, Path(self.batch.folder)))
            elif attempt.verdict in OPEN:
                self._ended(attempt)

    def _drain(self) -> Iterator[Happening]:
        waiting = deque(one for one in self._attempts() if one.state == "waiting")
        under_way: dict[Future[dict[str, Any]], Attempt] = {}
        canary = self.batch.spec.apply and not self._has_canary()
        while waiting or under_way:
            yield from self._braked()
            while waiting and self._may_start(len(under_way), canary=canary):
                worker = _first_free(one.worker for one in under_way.values())
                attempt = self.ledger.start(waiting.popleft().attempt_id, worker)
                under_way[self.hands.executor.submit(run_one, self._task(attempt))] = attempt
                yield Happening("began", attempt=attempt)
            if not under_way:
                break
            done, _ = wait(under_way, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
            for future in done:
                happened = self._ended(_result(future, under_way.pop(future)))
                yield happened
                canary = canary and self._still_canary(happened)
        if waiting and self.stop:
            yield Happening("stop", self.stop)

    # -- whether to go on ---------------------------------------------------------------------

    def _may_start(self, under_way: int, *, canary: bool) -> bool:
        if under_way >= (1 if canary else self.hands.width):
            return False
        self.stop = self._reason_to_stop()
        return not self.stop

    def _reason_to_stop(self) -> str:
        """Say why no further row may be started; "" where one may."""
        if self.brake.asked:
            return "interrupted: what was under way was let end"
        asked = self.ledger.stop_requested(self.batch.batch_id)
        if asked:
            return f"stopped {instant(asked)}, as requested"
        if self._spoilt or not self.batch.spec.apply:
            return self._spoilt
        return reason_to_stop((), self.limits, self.ledger.items_sent(self.batch))

    def _has_canary(self) -> bool:
        """Tell whether a row of this round was the canary already, before a resume."""
        sent = {row.run_id for row in self.ledger.items_sent(self.batch)}
        return any(taught(one, sent=bool(sent & set(one.rollouts))) for one in self._attempts())

    def _still_canary(self, happened: Happening) -> bool:
        """Tell whether the next row is the canary, after one that was to be it has ended."""
        attempt = happened.attempt
        assert attempt is not None  # noqa: S101  (an attempt that has ended)
        if spoils(attempt):
            word = attempt.verdict.replace("_", " ")
            self._spoilt = f"the canary, row {attempt.row} ({attempt.label}), ended {word}"
        sent = {row.run_id for row in self.ledger.items_sent(self.batch)}
        return not taught(attempt, sent=bool(sent & set(attempt.rollouts)))

    def _braked(self) -> Iterator[Happening]:
        while self.brake.seen < self.brake.asked:
            self.brake.seen += 1
            if self.brake.seen == _STOPPED:
                yield Happening("stop", "no further row is started; what runs is let end")
            elif self.brake.seen <= _KILL:
                self.hands.interrupt(kill=self.brake.seen == _KILL)
                yield Happening("interrupted", "what runs is interrupted")

    # -- one attempt --------------------------------------------------------------------------

    def _attempts(self) -> tuple[Attempt, ...]:
        return self.ledger.attempts(self.batch.batch_id, self.batch.round)

    def _task(self, attempt: Attempt) -> dict[str, Any]:
        spec, folder = self.batch.spec, Path(self.batch.folder)
        task = Task(
            attempt=attempt,
            folder=str(folder),
            place=place_of(attempt),
            notebook=str(folder / spec.notebook),
            parameters=self._rows[attempt.row].parameters,
            warm=spec.kernels == "warm",
            deadline=spec.deadline,
            memory=spec.memory,
            working_folder=str(Path.cwd()),
        )
        return task.model_dump(mode="json")

    def _ended(self, attempt: Attempt) -> Happening:
        """Keep how an attempt ended: by its files and, where it has sent, by the journal."""
        begun = self.ledger.attempt(attempt.attempt_id).rollouts
        told = settled(attempt, [self._standing(run_id) for run_id in begun])
        self.ledger.finish(told)
        return Happening("ended", attempt=self.ledger.attempt(told.attempt_id))

    def _standing(self, run_id: str) -> Standing:
        return standing(self.journal, run_id)

    def _close(self) -> None:
        """Keep how the batch stands; rows that will not be started any more say so."""
        final = bool(self.stop) and not self.brake.asked
        for attempt in self._attempts():
            if attempt.state == "waiting" and final:
                over: dict[str, Any] = {"state": "ended", "verdict": "not_started"}
                over |= {"reason": self.stop, "ended_at": utc_now()}
                self.ledger.finish(attempt.model_copy(update=over))
        verdict, _ = of_batch(self._attempts(), self.stop)
        self.ledger.end(self.batch.batch_id, verdict, self.stop if final else "")


def _first_free(taken: Iterable[str]) -> str:
    """Give the name of the first worker that has nothing to do."""
    busy = set(taken)
    return next(name for number in count(1) if (name := f"worker {number}") not in busy)


def lost(attempt: Attempt, folder: Path) -> Attempt:
    """Give an attempt whose process is gone, as its folder shows it: nobody saw it end."""
    notebook = folder / place_of(attempt) / folder_notebook(folder)
    files = {"notebook": str(notebook.relative_to(folder))} if notebook.is_file() else {}
    over: dict[str, Any] = {"state": "ended", "ended_at": utc_now(), "verdict": "died"}
    reason = "whoever ran it was killed, and it with it; nobody saw its end"
    return attempt.model_copy(update=over | files | {"reason": reason})


def folder_notebook(folder: Path) -> str:
    """Give the name of the notebook of a batch's folder."""
    return next((path.name for path in sorted(folder.glob("*.ipynb"))), "")


def _result(future: Future[dict[str, Any]], attempt: Attempt) -> Attempt:
    """Give the attempt that a worker gave back; one whose worker is gone has died with it."""
    try:
        return Attempt.model_validate(future.result())
    except JournalError:
        raise
    except BaseException as error:  # noqa: BLE001  (whatever an executor says of a lost worker)
        over: dict[str, Any] = {"state": "ended", "ended_at": utc_now(), "verdict": "died"}
        reason = f"its worker ended: {type(error).__name__}: {error}"[:400]
        return attempt.model_copy(update=over | {"reason": reason})
