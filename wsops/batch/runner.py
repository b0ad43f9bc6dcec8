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
from wsops.batch.amounts import after_canary, of_batch
from wsops.batch.folder import place_of
from wsops.batch.hands import Hands
from wsops.batch.ledger import BatchRow, Ledger
from wsops.batch.reading import lost, settled
from wsops.batch.records import Attempt, latest_of
from wsops.batch.task import Task, run_one, sealed
from wsops.batch.words import NOT_BEGUN, OPEN
from wsops.journal import Journal
from wsops.membership import batch_key
from wsops.outcome import standing
from wsops.settings import Limits
from wsops.text import instant
from wsops.verdicts import errors_passed, reason_to_stop

_LOOK_EVERY = 0.2  # seconds between two looks at the brake and at a stop
_COUNT_EVERY = 5  # looks; errors are counted when a row has ended as well


@dataclass
class Brake:
    """How often somebody has asked to stop: once starts nothing more, twice interrupts what runs.

    The third time the kernels are ended. Pressed by signal handlers, obeyed between two rows.
    """

    asked: int = 0
    obeyed: int = 0

    def press(self) -> None:
        """Ask once more."""
        self.asked += 1


@dataclass(frozen=True)
class Began:
    """An attempt has begun."""

    attempt: Attempt


@dataclass(frozen=True)
class Ended:
    """An attempt has ended, and is in the ledger as it ended."""

    attempt: Attempt


@dataclass(frozen=True)
class Notice:
    """Something that concerns the whole batch."""

    text: str


Happening = Began | Ended | Notice


@dataclass
class Runner:
    """One drive of a batch over the rows that wait; `run` gives what happens.

    `stop` says why no further row is begun, "" where one may be.
    """

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
        self.stop = self.stop or self.batch.stop

    def run(self) -> Iterator[Happening]:
        """Run the rows that wait, until none is left or the batch has stopped.

        Raises:
            JournalError: another process drives this batch, or the record cannot be written.
        """
        batch_id, beside = self.batch.batch_id, locks.beside(self.ledger.place)
        with locks.held(*batch_key(batch_id), what=batch_id, folder=beside):
            yield from self._take_up()
            yield from self._drain()
            self._close()

    def _take_up(self) -> Iterator[Happening]:
        """Judge what an earlier process did not see the end of, and what was open when it ended."""
        for attempt in self.ledger.attempts(self.batch.batch_id):
            if attempt.state == "running":
                folder = Path(self.batch.folder)
                gone = lost(attempt, folder, self.batch.spec.notebook)
                yield Ended(self._judged(sealed(gone, folder / place_of(attempt))))
            elif attempt.verdict in OPEN:
                self._judged(attempt)

    def _drain(self) -> Iterator[Happening]:
        waiting = deque(one for one in self._attempts() if one.state == "waiting")
        under_way: dict[Future[dict[str, Any]], Attempt] = {}
        canary = self.batch.spec.apply and self._look_at_canary()
        done, looks = set[Future[dict[str, Any]]](), count()
        while waiting or under_way:
            yield from self._braked()
            if next(looks) % _COUNT_EVERY == 0 or done:
                self._count_errors()
            while waiting and len(under_way) < (1 if canary else self.hands.width):
                self.stop = self.stop or self._reason_to_stop()
                if self.stop:
                    break
                worker = _first_free(one.worker for one in under_way.values())
                attempt = self.ledger.start(waiting.popleft().attempt_id, worker)
                under_way[self.hands.executor.submit(run_one, self._task(attempt))] = attempt
                yield Began(attempt)
            if not under_way:
                break
            done, _ = wait(under_way, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
            for future in done:
                attempt = self._judged(_result(future, under_way.pop(future)))
                yield Ended(attempt)
                canary = canary and self._look_at_canary()
        if waiting and self.stop:
            yield Notice(self.stop)

    # -- whether to go on ---------------------------------------------------------------------

    def _count_errors(self) -> None:
        """Stop for good, runs that are under way included, once more failed than was approved.

        It is kept at once: what ends well afterwards raises the number of errors that are borne.
        """
        if self.batch.stop or not self.batch.spec.apply:
            return
        passed = errors_passed((), self.limits, self.ledger.items_sent(self.batch))
        if passed:
            self.ledger.end(self.batch.batch_id, "running", passed)
            self.batch = self.ledger.batch(self.batch.batch_id)
            self.stop = self.batch.stop

    def _reason_to_stop(self) -> str:
        """Say why no further row may be begun; "" where one may."""
        if self.brake.asked:
            return "interrupted: what was under way was let end"
        asked = self.ledger.stop_requested(self.batch.batch_id)
        if asked:
            return f"stopped {instant(asked)}, as requested"
        if self._spoilt or not self.batch.spec.apply:
            return self._spoilt
        return reason_to_stop((), self.limits, self.ledger.items_sent(self.batch))

    def _look_at_canary(self) -> bool:
        """Tell whether the next row has to be the canary, by all that have ended; one may spoil."""
        tried = [one for one in self._attempts() if one.word not in {*NOT_BEGUN, "running"}]
        wanted, self._spoilt = after_canary(tried, self.ledger.items_sent(self.batch))
        return wanted

    def _braked(self) -> Iterator[Notice]:
        while self.brake.obeyed < self.brake.asked:
            self.brake.obeyed += 1
            if self.brake.obeyed == 1:
                yield Notice("no further row is begun; what runs is let end")
            else:
                self.hands.interrupt(kill=self.brake.obeyed > 2)
                yield Notice("what runs is interrupted")

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
            notebook_sha256=spec.notebook_sha256,
            profile=spec.profile,
            parameters=self._rows[attempt.row].parameters,
            warm=spec.kernels == "warm",
            deadline=spec.deadline,
            memory=spec.memory,
            working_folder=str(Path.cwd()),
        )
        return task.model_dump(mode="json")

    def _judged(self, attempt: Attempt) -> Attempt:
        """Keep how an attempt ended: by its files and, where it has sent, by the journal."""
        begun = self.ledger.attempt(attempt.attempt_id).rollouts
        self.ledger.finish(settled(attempt, [standing(self.journal, one) for one in begun]))
        return self.ledger.attempt(attempt.attempt_id)

    def _close(self) -> None:
        """Keep how the batch stands; rows that will not be begun any more say so."""
        attempts = self._attempts()
        is_open = any(one.verdict in OPEN for one in attempts)  # it may yet prove to be well
        final = bool(self.stop) and (bool(self.batch.stop) or not (self.brake.asked or is_open))
        if final:  # before a row is closed: whoever comes after a kill begins nothing more
            self.ledger.end(self.batch.batch_id, "running", self.stop)
        for attempt in attempts:
            if attempt.state == "waiting" and final:
                self.ledger.finish(attempt.over("not_started", self.stop))
        verdict, _ = of_batch(latest_of(self.ledger.attempts(self.batch.batch_id)), self.stop)
        self.ledger.end(self.batch.batch_id, verdict, self.stop if final else "")


def _first_free(taken: Iterable[str]) -> str:
    """Give the name of the first worker that has nothing to do."""
    busy = set(taken)
    return next(name for number in count(1) if (name := f"worker {number}") not in busy)


def _result(future: Future[dict[str, Any]], attempt: Attempt) -> Attempt:
    """Give the attempt that a worker gave back; one whose worker is gone has died with it."""
    try:
        return Attempt.model_validate(future.result())
    except Exception as error:  # noqa: BLE001  (whatever an executor says of a lost worker)
        return attempt.over("died", f"its worker ended: {type(error).__name__}: {error}"[:400])
