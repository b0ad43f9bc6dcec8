"""Carries a plan out, pool by pool: note, send, note, watch, verify, note.

A rollout is a generator of events; whoever drives it shows them. Closing it, or Ctrl-C, detaches:
what is running goes on in the cloud and stands in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from wsops import locks
from wsops.client import Workspace
from wsops.errors import (
    CloudError,
    Held,
    JobOverdue,
    JobStalled,
    JournalError,
    Locked,
    OutcomeUnknown,
    PlanError,
    PlanExpired,
    StalePlan,
    Stopped,
    WsopsError,
)
from wsops.jobs import Timing, deadline_of, watch, with_all_sub_jobs
from wsops.journal import Journal
from wsops.membership import attempt_here, batch_key
from wsops.models import Job
from wsops.outcome import check_here, run_key
from wsops.plan import Item, Plan
from wsops.preflight import check_pool, check_source
from wsops.readings import read_pool
from wsops.rows import ItemRow, RunRow
from wsops.submit import (
    GATEWAY_REFUSALS,
    Finding,
    Found,
    Judgement,
    Outcome,
    Request,
    facts_before,
    is_as_before,
    reconcile,
    submit,
)
from wsops.text import instant
from wsops.verdicts import of_desktops, of_run, reason_to_stop
from wsops.verify import read_back

_LOOKED = "; last look: "


@dataclass(frozen=True)
class Event:
    """Something that happened in a run; `share` is 0-1 of the item's job, where there is one.

    `verdict` is that of the run, where it has ended.
    """

    kind: str
    text: str
    item: ItemRow | None = None
    job: Job | None = None
    share: float | None = None
    verdict: str = ""


class Rollout:
    """One run of a plan: `apply` begins it, `resume` goes on with it.

    `has_sent` is True from when this process has sent a request and kept what came of it; where
    that could not be kept, `OutcomeUnknown` says so.
    """

    def __init__(
        self, ws: Workspace, journal: Journal, run: RunRow, *, timing: Timing | None = None
    ) -> None:
        check_here(run, ws.resolved)
        self.ws = ws
        self.journal = journal
        self.run = run
        self.plan: Plan = journal.plan_of(run.run_id)
        self.timing = timing or Timing()
        self.has_sent = False
        self._requests = {item.item_id: item for item in self.plan.items}

    def apply(self) -> Generator[Event, None, None]:
        """Send the plan's requests one after the other, each only after the last was verified."""
        with self._driving():
            yield Event("run", f"{self.run.run_id}: {self.plan.desktops} desktops at the most")
            yield from self._send_the_rest()
            yield self._finish()

    def resume(self, *, go_on: bool = False) -> Generator[Event, None, None]:
        """Find out what became of every request that is out, and follow it to its end.

        `go_on` also sends the pools that are left: never after a stop, a failed canary or a
        passed threshold.
        """
        with self._driving():
            for row in self.journal.items(self.run.run_id):
                if row.live:
                    yield from self._recover(row)
            if go_on:
                yield from self._send_the_rest()
            yield self._finish()

    # -- one item -----------------------------------------------------------------------------

    def _send_the_rest(self) -> Iterator[Event]:
        for row in self.journal.items(self.run.run_id):
            if row.state != "planned":
                continue
            reason = self._reason_to_stop()
            if reason:
                yield Event("stop", reason)
                return
            yield from self._carry_out(row)
            if self.journal.item(row.item_id).state == "planned":
                # It could not be sent for a reason that the next pool would meet as well.
                return

    def _carry_out(self, row: ItemRow) -> Iterator[Event]:
        item = self._requests[row.item_id]
        yield Event("item", f"{item.pool_name}: {len(item.targets)} desktops", row)
        with ExitStack() as stack:
            try:
                stack.enter_context(self._pool_lock(row))
                judgement = self._submit(item, row)
            except OutcomeUnknown:
                self.has_sent = True
                raise
            except (PlanError, JournalError, CloudError) as error:
                yield self._not_sent(row.item_id, error)
                return
            yield from self._after(judgement, row)

    def _not_sent(self, item_id: str, error: WsopsError) -> Event:
        """Keep why an item was not sent: for good, or until what stands in the way is gone."""
        row = self.journal.item(item_id)
        if not row.waits:
            msg = f"{item_id} is {row.state}, and could not be followed: {error}"
            raise OutcomeUnknown(msg) from error
        if isinstance(error, Stopped | CloudError):
            row = self.journal.forget_intent(item_id, f"not sent: {error}")
            return Event("not_sent", f"{row.pool_name}: {row.reason}", row)
        verdict = "held" if isinstance(error, Held) else "refused"
        return self._ended(self.journal.end_item(item_id, verdict, str(error)))

    def _submit(self, item: Item, row: ItemRow) -> Judgement:
        """Adopt the job that paying an order has started, else send the request once."""
        if item.order_id:
            started = self._started_by_order(item, row)
            if started is not None:
                return started
        body = item.body.encode()
        request = Request(
            item_id=row.item_id,
            endpoint=row.endpoint,
            project_id=row.project_id,
            path=item.path,
            body=body,
            prepare=lambda: self._prepare(item, body),
            deadline=lambda: self._deadline(row),
        )
        judgement = submit(self.ws, self.journal, request, self.timing)
        self.has_sent |= judgement.outcome is not Outcome.NOT_SENT
        return judgement

    def _prepare(self, item: Item, body: bytes) -> Callable[[], float]:
        """Read the pool again, check it, and write the intent: right before every attempt.

        Gives what tells the age of the reading: a large pool takes its time, which is not counted
        unless the machine has slept in it.
        """
        slept = self.timing.slept()
        reading = read_pool(self.ws, item.pool_id)
        age = self.timing.age()
        check_pool(item, reading)
        tried = check_source(self.ws, self.plan, item, reading)
        self.timing.heed()
        if self._has_expired():
            msg = f"the plan expired {instant(self.plan.expires_at)}"
            raise PlanExpired(msg)
        if self.journal.stop_requested(self.run.run_id):
            msg = "a stop was requested"
            raise Stopped(msg)
        batch_id = self.journal.batch_of(self.run.run_id)
        if batch_id and self._is_orphan_of(batch_id):
            msg = f"whoever drove {batch_id} for this run is gone"
            raise Stopped(msg, remedy=f"wsops batch resume {batch_id}")
        facts = facts_before(item, reading, tried)
        self.journal.intend(item.item_id, body, facts, reading.known_jobs)
        return lambda: max(age(), slept())

    def _is_orphan_of(self, batch_id: str) -> bool:
        """Tell whether this is a kernel of a batch that has outlived its attempt, or its driver."""
        attempt_id = attempt_here()
        if not attempt_id:
            return False
        driver = locks.holder(*batch_key(batch_id), folder=locks.beside(self.journal.place))
        return not driver or self.journal.is_over(attempt_id)

    def _started_by_order(self, item: Item, row: ItemRow) -> Judgement | None:
        """Look for a job that began since the plan: paying an order may have started it."""
        reading = read_pool(self.ws, item.pool_id)
        if set(reading.known_jobs) <= set(item.known_jobs):
            return None
        if not reading.steady:
            msg = f"the desktops of pool {item.pool_name} changed while they were read"
            raise StalePlan(msg)
        self.journal.intend(
            row.item_id, item.body.encode(), facts_before(item, reading), item.known_jobs
        )
        return Judgement(Outcome.AMBIGUOUS, "a job began after the plan, by its order perhaps")

    def _after(self, judgement: Judgement, row: ItemRow) -> Iterator[Event]:
        """Go on from the outcome of a send."""
        if judgement.outcome is Outcome.NOT_SENT:
            reason = f"not sent: {judgement.reason}"
            row = self.journal.forget_intent(row.item_id, reason)
            yield Event("not_sent", f"{row.pool_name}: {reason}", row)
        elif judgement.outcome is Outcome.REFUSED:
            yield self._ended(self.journal.end_item(row.item_id, "rejected", judgement.reason))
        elif judgement.outcome is Outcome.AMBIGUOUS:
            yield from self._look_for(row, judgement)
        else:
            yield Event("sent", f"{row.pool_name}: job {judgement.job_id}", row)
            yield from self._follow(self.journal.item(row.item_id), at_once=False)

    def _recover(self, row: ItemRow) -> Iterator[Event]:
        """Take an item up again after its process has died, or was detached."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._pool_lock(row))
            except Locked as locked:  # by a person who settles it; the other pools are followed
                yield Event("running", str(locked), row)
                return
            row = self.journal.item(row.item_id)
            if row.live:  # else it was settled by a person while another item was followed
                yield from self._taken_up(row)

    def _taken_up(self, row: ItemRow) -> Iterator[Event]:
        """Go on from what the journal says of an item that is live."""
        refusal = self._final_refusal(row)
        if refusal:
            yield self._ended(self.journal.end_item(row.item_id, "rejected", refusal))
        elif row.state == "intent":
            # `sent` is committed before the first byte: an intent alone proves it never left.
            row = self.journal.forget_intent(row.item_id, "its request never left")
            yield Event("not_sent", f"{row.pool_name}: its request never left", row)
        elif row.state == "accepted":
            yield from self._follow(row, at_once=True)
        else:
            yield from self._look_for(row, None)

    def _final_refusal(self, row: ItemRow) -> str:
        """Give the refusal with which an item's last send ended, where it may not be sent again."""
        last = next(reversed(self.journal.attempts(row.item_id)), None)
        if row.state != "intent" or last is None or last["outcome"] != Outcome.REFUSED:
            return ""
        return "" if last["status"] in GATEWAY_REFUSALS else str(last["reason"])

    def _look_for(self, row: ItemRow, judgement: Judgement | None) -> Iterator[Event]:
        """Look for the job of a request whose answer was lost, for a bounded time; never send."""
        row = self.journal.item(row.item_id)
        if row.state == "sent":
            row = self.journal.park(row.item_id, "the sender died while the request was out")
        reason = judgement.reason if judgement else row.reason
        yield Event("unknown", f"{row.pool_name}: {reason}; looking for its job", row)
        finding = self._reconcile(row)
        if finding.found is Found.ONE:
            row = self.journal.adopt(
                row.item_id, finding.job_id, finding.evidence, self._deadline(row)
            )
            yield Event("adopted", f"{row.pool_name}: job {finding.job_id} is ours", row)
            yield from self._follow(row, at_once=True)
        elif finding.found is Found.NOTHING and judgement and judgement.conflict:
            yield self._ended(self.journal.end_item(row.item_id, "rejected", judgement.reason))
        else:
            row = self.journal.park(
                row.item_id, f"{reason.split(_LOOKED)[0]}{_LOOKED}{finding.evidence}"
            )
            yield Event("parked", f"{row.pool_name}: {row.reason}", row)

    def _reconcile(self, row: ItemRow) -> Finding:
        polling = self.ws.settings.polling
        end = self.timing.clock() + polling.reconcile_within
        item = self._requests[row.item_id]
        while True:
            finding = reconcile(self.ws, self.journal, row, item)
            if finding.found is Found.ONE or self.timing.clock() >= end:
                return finding
            self.timing.sleep(polling.reconcile_every)

    def _follow(self, row: ItemRow, *, at_once: bool) -> Iterator[Event]:
        """Watch the job of an item to its end, read the desktops back, and keep the verdict."""
        deadline_at = row.deadline_at or self._deadline(row)
        job, stalled = Job(id=row.job_id or ""), ""
        try:
            try:
                for job in watch(
                    self.ws,
                    row.job_id or "",
                    row.pool_id,
                    deadline_at=deadline_at,
                    at_once=at_once,
                    ended=lambda job: job.finished and not is_as_before(row, job),
                    timing=self.timing,
                ):
                    yield Event("job", _progress(job), row, job, job.share)
            except JobStalled as stall:
                job, stalled = stall.job, str(stall)
            yield Event("verifying", f"{row.pool_name}: reading the desktops back", row, job, 1.0)
            yield self._verified(row, job, stalled)
        except OutcomeUnknown as lost:
            row = self.journal.park(row.item_id, str(lost))
            yield Event("parked", f"{row.pool_name}: {lost}", row)
        except (JobOverdue, CloudError) as error:
            yield self._still_running(row, error)

    def _still_running(self, row: ItemRow, error: WsopsError) -> Event:
        row = self.journal.keep_progress(row.item_id, str(error))
        return Event("running", f"{row.pool_name}: {error}", row)

    def _verified(self, row: ItemRow, job: Job, stalled: str) -> Event:
        job, all_here = with_all_sub_jobs(self.ws, job)
        item = self._requests[row.item_id]
        ends = read_back(self.ws, item, row, job, self.timing, all_here=all_here)
        verdict, reason = of_desktops(ends)
        reason = "; ".join(text for text in (stalled, reason) if text)
        desktops = {desktop_id: end.as_dict() for desktop_id, end in ends.items()}
        return self._ended(self.journal.end_item(row.item_id, verdict, reason, desktops))

    # -- the run ------------------------------------------------------------------------------

    def _reason_to_stop(self) -> str:
        """Say why no further pool may be sent; "" where one may."""
        asked = self.journal.stop_requested(self.run.run_id)
        if asked:
            return (
                f"stopped {instant(asked)}, as requested: the pools that are left need a new plan"
            )
        stopped = self.journal.why_batch_stopped(self.run.run_id)
        if stopped:
            return stopped
        if self._has_expired():
            return f"the plan expired {instant(self.plan.expires_at)}"
        rows = self.journal.items(self.run.run_id)
        return reason_to_stop(rows, self.plan, self.journal.items_beside(self.run.run_id))

    def _has_expired(self) -> bool:
        """Tell whether it is too late for the first send; then each pool is checked by itself."""
        late = self.timing.now() >= self.plan.expires_at
        return late and not any(row.sent_at for row in self.journal.items(self.run.run_id))

    def _finish(self) -> Event:
        rows = self.journal.items(self.run.run_id)
        waiting = any(row.state == "planned" for row in rows)
        stop = self._reason_to_stop() if waiting else ""
        verdict, reason = of_run(rows, stop)
        self.journal.end_run(self.run.run_id, verdict, reason, stop)
        self.run = self.journal.run(self.run.run_id)
        text = verdict.replace("_", " ")
        return Event("ended", f"{text}: {reason}" if reason else text, verdict=verdict)

    def _ended(self, row: ItemRow) -> Event:
        reason = f" ({row.reason})" if row.reason else ""
        text = f"{row.pool_name}: {row.verdict.replace('_', ' ')}{reason}"
        return Event("item_ended", text, row)

    @contextmanager
    def _driving(self) -> Iterator[None]:
        """Hold the lock of the run, so that one process drives it at a time."""
        with locks.held(*run_key(self.run), what=self.run.run_id):
            yield

    def _pool_lock(self, row: ItemRow) -> AbstractContextManager[None]:
        key = (row.endpoint, row.project_id, row.pool_id)
        return locks.held(*key, what=f"pool {row.pool_name}")

    def _deadline(self, row: ItemRow) -> datetime:
        item = self._requests[row.item_id]
        return deadline_of(self.ws.settings.polling, item, self.timing.now())


def _progress(job: Job) -> str:
    done = sum(1 for sub in job.sub_jobs if sub.final)
    total = max(len(job.sub_jobs), job.sub_jobs_total)
    return f"{done} of {total} desktops, {len(job.failed)} failed" if total else job.status
