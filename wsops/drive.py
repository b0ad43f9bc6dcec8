"""Drives a run in a thread of its own, or in the caller's, and can let go of it.

What was sent goes on in the cloud and stands in the journal, whoever looks: letting go is what
Ctrl-C is to `wsops apply`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from datetime import datetime

from wsops.board import Board
from wsops.detaching import Detached, Detaching
from wsops.errors import JournalError, WsopsError
from wsops.history import forecast
from wsops.journal import Journal
from wsops.membership import attempt_here
from wsops.models import utc_now
from wsops.plan import Plan
from wsops.rollout import Event, Rollout
from wsops.rows import ItemRow, RunRow
from wsops.workbench import Workbench

Tell = Callable[[Board], None]

_driven: dict[str, Drive] = {}
_PATIENCE = 5  # seconds that a drive which was let go of has to end


class Drive:
    """A run on its way; `tell` gets each new board, from the thread that drives."""

    def __init__(self, bench: Workbench, run_id: str, *, resume: bool) -> None:
        self.bench, self.run_id = bench, run_id
        self.board = Board(run_id)
        self.error: Exception | None = None
        self._resume = resume
        self._claim = threading.Lock()
        self._detaching = Detaching()
        self._over = False
        self._told = threading.Event()
        self._tells: list[Tell] = []

    @property
    def started(self) -> bool:
        """Whether somebody drives, or has driven."""
        return self._claim.locked()

    @property
    def over(self) -> bool:
        """Whether nobody drives any more: ended, let go of, or failed."""
        return self._over

    @property
    def detached(self) -> bool:
        """Whether it was let go of before its end."""
        return self._detaching.asked and not self.board.ended

    def watch(self, tell: Tell) -> None:
        """Call `tell` with the board as it is, and with each that follows."""
        self._tells.append(tell)
        tell(self.board)

    def start(self) -> None:
        """Drive in a thread of its own; it dies with its process, as the journal is made for.

        Raises:
            JournalError: it was started before.
        """
        self._claimed()
        threading.Thread(target=self._guarded, name=f"wsops {self.run_id}", daemon=True).start()

    def run(self) -> None:
        """Drive in this thread, to the end.

        Raises:
            JournalError: it was started before.
            WsopsError: the run could not be driven on.
            KeyboardInterrupt: it was interrupted; what was sent goes on in the cloud.
        """
        self._claimed()
        with self._detaching.listening():
            self._drive()

    def detach(self) -> None:
        """Let go of the run; returns at once, the thread ends when the run next waits.

        A read that is under way comes to its end first, and is tried again where it fails.
        """
        self._detaching.let_go()

    def join(self, seconds: float) -> bool:
        """Wait until it is over and told, `seconds` at the most; tells whether that is so."""
        return self._told.wait(seconds)

    def _claimed(self) -> None:
        """Take this drive, once and for all: a second one would send what the first has left."""
        if not self._claim.acquire(blocking=False):
            msg = f"{self.run_id} was taken up before"
            raise JournalError(msg, remedy="run the cell that follows it again")

    def _guarded(self) -> None:
        with suppress(Detached, Exception):  # kept in `error`, which the board shows
            self._drive()

    def _drive(self) -> None:
        try:
            with self.bench.journal() as journal:
                self._drain(journal)
        except Exception as error:
            self.error = error
            raise
        finally:
            self._over = True
            try:
                self._tell()
            finally:
                self._told.set()

    def _drain(self, journal: Journal) -> None:
        run = journal.run(self.run_id)
        rollout = Rollout(self.bench.ws, journal, run, timing=self._detaching.timing)
        self.board = _first_board(journal, run, rollout.plan)
        self._tell()
        with closing(self._events(rollout)) as events:
            for event in events:
                self.board = self.board.after(event, time.monotonic())
                self._tell()
                self._detaching.heed()

    def _events(self, rollout: Rollout) -> Generator[Event, None, None]:
        return rollout.resume() if self._resume else rollout.apply()

    def _tell(self) -> None:
        for tell in tuple(self._tells):
            try:
                tell(self.board)
            except Exception:  # noqa: BLE001  (a face that breaks must not end the run)
                self._tells.remove(tell)


def begin(bench: Workbench, plan: Plan, approval: str) -> Drive:
    """Consume an approved plan: it becomes a run, to be driven by what is given back.

    Raises:
        PlanUsed: it is a run already.
        JournalError: the journal cannot be written.
    """
    with bench.journal(create=True) as journal:
        run = journal.start_run(plan, approval, bench.settings.operator, attempt_here())
    return _known(Drive(bench, run.run_id, resume=False))


def follow(bench: Workbench, run_id: str) -> Drive:
    """Take a run up that is not finished: follows and looks, sends nothing.

    The one that this process drives already is given as it is; one that was let go of has a moment
    to end first. One that was begun and never driven would send: it is not taken.
    """
    driven = _driven.get(run_id)
    if driven is not None and driven.detached:
        driven.join(_PATIENCE)
    elif driven is not None and driven.started and not driven.over:
        return driven
    return _known(Drive(bench, run_id, resume=True))


def driven_here(plan: Plan) -> Drive | None:
    """Give the drive of a plan that this process has begun, if any."""
    driven = _driven.get(f"run-{plan.plan_id}")
    return driven if driven is not None and driven.started else None


def why(error: Exception) -> str:
    """Say what went wrong, with what to do next."""
    return f"{error}; {error.remedy}" if isinstance(error, WsopsError) else repr(error)


def _known(drive: Drive) -> Drive:
    _driven[drive.run_id] = drive
    return drive


def _first_board(journal: Journal, run: RunRow, plan: Plan) -> Board:
    desktops = {item.item_id: len(item.targets) for item in plan.items}
    past = _past(journal, run)
    forecasts = {item_id: forecast(past, number) for item_id, number in desktops.items()}
    now, at = time.monotonic(), utc_now()

    def clock(instant: datetime) -> float:
        return now - (at - instant).total_seconds()

    return Board.of(run.run_id, journal.items(run.run_id), desktops, forecasts, clock)


def _past(journal: Journal, run: RunRow) -> tuple[ItemRow, ...]:
    """Give the jobs of the past; none where they cannot be read: a forecast stops no run."""
    try:
        return journal.followed_items(run.endpoint, run.project_id)
    except JournalError:
        return ()
