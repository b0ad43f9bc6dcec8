"""Watches a job until it has ended: a bounded generator, with clock and sleep injected."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from wsops.client import Workspace
from wsops.errors import (
    BadAnswer,
    CloudError,
    CloudRefused,
    CloudUnreachable,
    JobFailed,
    JobOverdue,
    JobStalled,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
)
from wsops.models import Job, utc_now
from wsops.plan import Item
from wsops.settings import Polling


@dataclass(frozen=True)
class Timing:
    """The clocks and the sleep of everything that waits; a test puts its own in their place.

    `clock` is monotonic, in seconds; `now` is the present instant; `heed` raises what asks to let
    go, where somebody has asked.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now
    heed: Callable[[], None] = lambda: None

    def age(self) -> Callable[[], float]:
        """Give what tells how many seconds ago this was called, those of a sleep included."""
        began, slept = self.clock(), self.slept()
        return lambda: self.clock() - began + slept()

    def slept(self) -> Callable[[], float]:
        """Give what tells how many seconds this machine has slept since.

        Its date went on while its monotonic clock stood still.
        """
        began, at = self.clock(), self.now()

        def seconds() -> float:
            return max(0.0, (self.now() - at).total_seconds() - (self.clock() - began))

        return seconds


def deadline_of(polling: Polling, item: Item, now: datetime) -> datetime:
    """Give the instant until which the job of an item is followed, should it begin now."""
    return deadline_for(polling, len(item.targets), item.delay_minutes, now)


def deadline_for(polling: Polling, desktops: int, delay_minutes: int, now: datetime) -> datetime:
    """Give the instant until which a job of so many desktops is followed."""
    seconds = polling.base_deadline + polling.per_desktop * desktops + 60 * delay_minutes
    return now + timedelta(seconds=seconds)


def intervals(polling: Polling) -> Iterator[float]:
    """Give the seconds to wait before each poll: growing, jittered, for ever."""
    wait = polling.first
    while True:
        yield wait * random.uniform(1 - polling.jitter, 1 + polling.jitter)  # noqa: S311
        wait = min(polling.longest, wait * polling.factor)


def watch(  # noqa: PLR0913  (what is watched, how, and until when)
    ws: Workspace,
    job_id: str,
    pool_id: str = "",
    *,
    deadline_at: datetime,
    at_once: bool = False,
    ended: Callable[[Job], bool] = lambda job: job.finished,
    timing: Timing = Timing(),
) -> Iterator[Job]:
    """Yield the job as it is at every poll, until it and all its sub-jobs have ended.

    Errors of single polls are passed over: the next poll may go well.

    Args:
        ws: the connection.
        job_id: the job.
        pool_id: its pool, to find the job in the list of sub-jobs should it vanish.
        deadline_at: the instant at which to stop watching.
        at_once: poll first, then wait.
        ended: tells whether a job is at its end; one that is retried stands there before it begins.
        timing: clocks and sleep.

    Raises:
        JobOverdue: the deadline passed.
        JobStalled: nothing moved for `polling.stall_after` seconds.
        OutcomeUnknown: the service does not know the job any more.
        NotAllowed: the credentials are not good any more.
    """
    polling = ws.settings.polling
    end = timing.clock() + (deadline_at - timing.now()).total_seconds()
    movement = _Movement(polling.stall_after, timing.clock)
    missing = _Missing(polling, timing.clock)
    job = Job(id=job_id)
    for number, wait in enumerate(intervals(polling)):
        if number or not at_once:
            timing.sleep(min(wait, max(0.0, end - timing.clock())))
        seen = _poll(ws, job, pool_id, missing)
        if seen is not None:
            job = seen
            yield job
            if ended(job):
                return
            if movement.stopped(job):
                msg = f"job {job_id}: nothing moved for {polling.stall_after:.0f} s"
                raise JobStalled(msg, job)
        if timing.clock() >= end:
            msg = f"job {job_id} was still running at its deadline"
            raise JobOverdue(msg, job)


def wait(
    ws: Workspace,
    job_id: str,
    *,
    timeout: float,
    pool_id: str = "",
    timing: Timing = Timing(),
) -> Job:
    """Wait until a job has ended well, `timeout` seconds at the most.

    Raises:
        JobFailed: the job, or one of its sub-jobs, ended badly.
        OutcomeUnknown: it ended, and not all of its sub-jobs could be read.
        JobOverdue: it did not end in time.
        JobStalled: it does not move any more.
    """
    deadline_at = timing.now() + timedelta(seconds=timeout)
    polls = watch(ws, job_id, pool_id, deadline_at=deadline_at, at_once=True, timing=timing)
    job = deque(polls, maxlen=1).pop()
    refuse_badly_ended(job)
    return job


def refuse_badly_ended(job: Job) -> None:
    """Raise an error unless a job that has ended did so well, with all its sub-jobs.

    Raises:
        JobFailed: it, or one of its sub-jobs, ended badly.
        OutcomeUnknown: not all of its sub-jobs could be read.
    """
    if job.went_badly:
        raise JobFailed(describe_failure(job), job)
    if not job.complete:
        read = f"{len(job.sub_jobs)} of its {job.sub_jobs_total} sub-jobs"
        msg = f"job {job.id} ended, and only {read} could be read"
        raise OutcomeUnknown(msg, remedy=f"wsops job show {job.id}")


def with_all_sub_jobs(ws: Workspace, job: Job) -> tuple[Job, bool]:
    """Give the job with the sub-jobs of the list, where the list knows more of them.

    And whether these are all: the job says how many there are, or the list stood still.
    """
    all_here = job.complete and job.sub_jobs_total > 0
    try:
        listing = ws.sub_jobs(job_id=job.id)
    except CloudError:
        return job, all_here
    known = {sub.desktop_id for sub in job.sub_jobs}
    more = tuple(sub for sub in listing.rows if sub.desktop_id not in known)
    job = job.model_copy(update={"sub_jobs": job.sub_jobs + more})
    vouched = listing.steady and listing.seen >= len(known)
    return job, all_here or (vouched and job.complete)


def describe_failure(job: Job) -> str:
    """Say in one line what of a job failed, and why."""
    reasons = {f"{s.error_code} {s.fail_reason}".strip() for s in job.failed} - {""}
    reasons |= {f"{job.job_error_code} {job.fail_reason}".strip()} - {""}
    shown = "; ".join(sorted(reasons)[:3]) or "no reason given"
    return f"job {job.id}: {len(job.failed)} of {len(job.sub_jobs)} desktops failed ({shown})"


def _poll(ws: Workspace, last: Job, pool_id: str, missing: _Missing) -> Job | None:
    """Read the job once more; None where this poll taught nothing.

    Raises:
        OutcomeUnknown: the service does not know it any more.
        NotAllowed: the credentials are not good any more.
    """
    try:
        try:
            job = ws.job(last.id)
        except NotFound:
            return None if missing.tolerable() else _from_list(ws, last, pool_id)
        missing.found()
        if job.complete:
            return job
        listing = ws.sub_jobs(job_id=job.id)
        return job.model_copy(update={"sub_jobs": listing.rows}) if listing.steady else None
    except NotAllowed:
        raise
    except (BadAnswer, CloudRefused, CloudUnreachable):
        return None


def _from_list(ws: Workspace, last: Job, pool_id: str) -> Job | None:
    """Put a vanished job together from the list of sub-jobs; None where that did not stand still.

    It has as many as it was last seen to have, whatever the list still shows of them. Where nobody
    has seen it and the list is cut, there may be more.

    Raises:
        OutcomeUnknown: it is not there either.
    """
    listing = ws.sub_jobs(job_id=last.id)
    if not listing.seen and pool_id:
        listing = ws.sub_jobs(pool_id=pool_id)
    if not listing.steady and not listing.cut:
        return None
    rows = tuple(sub for sub in listing.rows if sub.job_id == last.id)
    if not rows:
        msg = f"the service no longer knows job {last.id}"
        raise OutcomeUnknown(msg, remedy="look at the pool in the console, then `wsops settle`")
    known = max(last.sub_jobs_total, len(last.sub_jobs))
    total = max(known, len(rows)) if known else len(rows) + listing.cut
    ended = len(rows) == total and all(sub.final for sub in rows)
    status = "COMPLETE" if ended else "RUNNING"
    return last.model_copy(update={"status": status, "sub_jobs": rows, "sub_jobs_total": total})


class _Missing:
    """Counts how often and how long a known job was answered with 404."""

    def __init__(self, polling: Polling, clock: Callable[[], float]) -> None:
        self._polling, self._clock = polling, clock
        self._times, self._since = 0, 0.0

    def found(self) -> None:
        self._times = 0

    def tolerable(self) -> bool:
        if not self._times:
            self._since = self._clock()
        self._times += 1
        waited = self._clock() - self._since
        few = self._times <= self._polling.not_found_times
        return few or waited < self._polling.not_found_seconds


class _Movement:
    """Notices when no unfinished sub-job changes its status or its process for a stated time."""

    def __init__(self, stall_after: float, clock: Callable[[], float]) -> None:
        self._stall_after, self._clock = stall_after, clock
        self._last: dict[str, tuple[str | None, float]] = {}

    def stopped(self, job: Job) -> bool:
        now = self._clock()
        parts = {
            s.desktop_id or s.id: f"{s.status} {s.process}" for s in job.sub_jobs if not s.final
        }
        if not parts:
            parts = {"": job.status}
        for key, state in parts.items():
            if self._last.get(key, (None, now))[0] != state:
                self._last[key] = (state, now)
        return all(now - self._last[key][1] >= self._stall_after for key in parts)
