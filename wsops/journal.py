"""What was sent and how it ended: durable before each send, and never guessed.

A partial unique index allows one live item per project and pool. Every change of state appends an
event to a hash chain, so that a record that was changed or lost afterwards shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from wsops import begun, chain, membership, recorded, searches, writes
from wsops.audited import Audit
from wsops.book import Book
from wsops.errors import JournalError, PlanError, Stopped
from wsops.models import utc_now
from wsops.plan import Plan, read_plan
from wsops.redact import scrub
from wsops.rows import AuditRow, ItemRow, RunRow, damaged, read_row
from wsops.schema import BEFORE, BEGUN_LAST, LIVE, attempts, items, runs


class Journal(Book):
    """The record of runs; opened by `Journal.open`, `find` or `known`."""

    # -- runs ---------------------------------------------------------------------------------

    def start_run(
        self, plan: Plan, approved_by: str, operator: str, attempt_id: str = ""
    ) -> RunRow:
        """Consume a plan: it becomes a run, with one item per request, and can never again.

        `attempt_id` is the attempt of a batch that begins it, where one does.

        Raises:
            PlanUsed: it is a run already; names it.
            PlanError: the batch was stopped, or what was approved for it is used up.
        """
        return self.run(begun.begin(self._database, plan, approved_by, operator, attempt_id))

    def refuse_spent(self, plan: Plan) -> None:
        """Refuse a plan that is a run already.

        Raises:
            PlanUsed: it is; names the run.
        """
        begun.refuse_spent(self._database, plan)

    def run(self, run_id: str) -> RunRow:
        """Give a run by its ID.

        Raises:
            JournalError: there is none.
        """
        found = self._database.one(sa.select(runs).where(runs.c.run_id == run_id))
        if found is None:
            raise self._no_run(run_id)
        return read_row(RunRow, self.place, found)

    def runs(self, limit: int = 1000, *, at: tuple[str, str] | None = None) -> tuple[RunRow, ...]:
        """Give the last runs, newest first; `at` is an endpoint and a project, else of all."""
        query = sa.select(runs).order_by(runs.c.started_at.desc(), BEGUN_LAST.desc())
        if at is not None:
            query = query.where(runs.c.endpoint == at[0], runs.c.project_id == at[1])
        rows = self._database.all(query.limit(limit))
        return tuple(read_row(RunRow, self.place, row) for row in rows)

    def runs_of_batch(self, batch_id: str) -> tuple[RunRow, ...]:
        """Give the runs that the rows of a batch have begun, oldest first.

        Raises:
            JournalError: there is none.
        """
        found = membership.runs_of(self._database, batch_id)
        if not found:
            msg = f"no run of a batch {batch_id!r} in the journal {self.place}"
            raise JournalError(msg, remedy="`wsops batch list` names the batches")
        return found

    def is_over(self, attempt_id: str) -> bool:
        """Tell whether an attempt of a batch has ended: it may send nothing more."""
        return membership.is_over(self._database, attempt_id)

    def plan_of(self, run_id: str) -> Plan:
        """Give the plan that a run carries out.

        Raises:
            JournalError: there is none, or it is not what was approved: its digest does not fit.
        """
        query = sa.select(runs.c.plan, runs.c.digest).where(runs.c.run_id == run_id)
        found = self._database.one(query)
        if found is None:
            raise self._no_run(run_id)
        try:
            plan = read_plan(found["plan"])
        except PlanError as error:
            what = f"the plan of {run_id}: {error}"
            raise damaged(self.place, what) from None
        place = (plan.endpoint, plan.project_id)
        meant = [(*place, item.item_id, item.pool_id) for item in plan.items]
        kept = [(r.endpoint, r.project_id, r.item_id, r.pool_id) for r in self.items(run_id)]
        if plan.digest != found["digest"] or meant != kept:
            what = f"the items of {run_id} are not those of its plan"
            raise damaged(self.place, what)
        return plan

    def request_stop(self, run_id: str) -> None:
        """Ask a run to send no further pool; what is running is followed."""
        if self.run(run_id).stop_requested_at is None:
            self._change_run(run_id, "stop requested", stop_requested_at=utc_now())

    def stop_requested(self, run_id: str) -> datetime | None:
        """Give when a run, or the batch that it belongs to, was asked to stop."""
        return self.run(run_id).stop_requested_at or membership.stop_of_batch(
            self._database, run_id
        )

    def why_batch_stopped(self, run_id: str) -> str:
        """Say why a run's batch sends no further pool; "" where it may, or there is none."""
        return membership.why_stopped(self._database, run_id)

    def batch_of(self, run_id: str) -> str:
        """Give the batch that a run belongs to; "" where it belongs to none."""
        return membership.batch_of(self._database, run_id)

    def end_run(self, run_id: str, verdict: str, reason: str, stop: str = "") -> None:
        """Keep the verdict of a run, and why no further pool was sent, where one was left."""
        ended = None if verdict in {"running", "unknown"} else utc_now()
        text = f"{verdict}: {reason}" if reason else verdict
        values = {"verdict": verdict, "reason": scrub(reason), "stop": scrub(stop)}
        self._change_run(run_id, text, ended_at=ended, **values)

    # -- items --------------------------------------------------------------------------------

    def items(self, run_id: str) -> tuple[ItemRow, ...]:
        """Give the items of a run, in the order of the plan."""
        return self._items(sa.select(items).where(items.c.run_id == run_id).order_by(items.c.seq))

    def items_beside(self, run_id: str) -> tuple[ItemRow, ...]:
        """Give what the other runs of a run's batch have sent, oldest first."""
        return membership.items_beside(self._database, run_id)

    def item(self, item_id: str) -> ItemRow:
        """Give an item by its ID.

        Raises:
            JournalError: there is none.
        """
        found = self._database.one(sa.select(items).where(items.c.item_id == item_id))
        if found is None:
            msg = f"no item {item_id!r} in the journal {self.place}"
            raise JournalError(msg, remedy="`wsops status` lists the items of a run")
        return read_row(ItemRow, self.place, found)

    def intend(
        self, item_id: str, body: bytes, targets: Mapping[str, Any], known_jobs: tuple[str, ...]
    ) -> ItemRow:
        """Write the intent to send these bytes; durable when this returns.

        Raises:
            JournalError: it was sent before, or another item of the same pool is live; names it.
        """
        row = self.item(item_id)
        values = {
            "state": "intent",
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "targets": dict(targets),
            "known_jobs": list(known_jobs),
        }
        try:
            return self._change(item_id, "intent", ("planned", "intent"), **values)
        except IntegrityError:
            other = self._live_item(row)
            name = f"{other.item_id} of {other.run_id}" if other else "another item"
            msg = f"pool {row.pool_name} has a request that is not settled: {name}"
            raise JournalError(
                msg, remedy="`wsops resume` looks for what became of it, `wsops settle` ends it"
            ) from None

    def sending(self, item_id: str, check: Callable[[], None] = lambda: None) -> ItemRow:
        """Note that the request leaves now; durable when this returns, and only then may it.

        `check` is called where nobody else can write: one may have waited for that, and for long.
        What it raises is raised, and nothing is noted.

        Raises:
            JournalError: the intent is gone: somebody else has taken the item up.
            Stopped: a stop was requested before, or its batch has stopped.
        """
        with self._database.writing() as connection:
            check()
            run_id = self.item(item_id).run_id
            asked = "a stop was requested" if self.stop_requested(run_id) else ""
            if why := asked or self.why_batch_stopped(run_id):
                raise Stopped(why)
            self._update(connection, item_id, "sent", state="sent", sent_at=utc_now())
        return self.item(item_id)

    def answered(  # noqa: PLR0913  (the facts of one answer)
        self,
        item_id: str,
        outcome: str,
        reason: str,
        *,
        state: str,
        job_id: str | None = None,
        status: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
        credentials_good: bool | None = None,
        deadline_at: datetime | None = None,
    ) -> ItemRow:
        """Keep the outcome of a send before anything else is done.

        `credentials_good` counts towards the breaker of all processes; None says nothing of them.
        """
        attempt = {
            "item_id": item_id,
            "at": utc_now(),
            "outcome": outcome,
            "reason": scrub(reason),
            "status": status,
            "error_code": error_code,
            "request_id": request_id,
        }
        text = f"{outcome}: {reason}"
        values = {"state": state, "reason": scrub(reason), "deadline_at": deadline_at}
        try:
            self._answered(attempt, text, values | {"job_id": job_id}, credentials_good)
        except IntegrityError:
            reason = f"the answer names job {job_id}, which is another item's"
            parked = {"state": "unknown", "reason": reason}
            attempt["reason"] = reason
            self._answered(attempt, f"unknown: {reason}", parked, credentials_good)
        return self.item(item_id)

    def _answered(
        self,
        attempt: Mapping[str, Any],
        text: str,
        values: Mapping[str, Any],
        credentials_good: bool | None,  # noqa: FBT001  (a fact, not a switch)
    ) -> None:
        """Keep an attempt, what it says of the credentials, and what it makes of its item."""
        item_id = attempt["item_id"]
        with self._database.writing() as connection:
            connection.execute(sa.insert(attempts).values(**attempt))
            if credentials_good is not None:
                writes.note_credentials(connection, item_id, refused=not credentials_good)
            self._update(connection, item_id, text, **values)

    def adopt(self, item_id: str, job_id: str, evidence: str, deadline_at: datetime) -> ItemRow:
        """Take a job as the one that the item's request started."""
        return self._change(
            item_id,
            f"adopted job {job_id}: {evidence}",
            state="accepted",
            job_id=job_id,
            reason="",
            deadline_at=deadline_at,
        )

    def forget_intent(self, item_id: str, reason: str) -> ItemRow:
        """Put an item back to planned: its intent was written, and its request never left."""
        text = scrub(reason)
        return self._change(item_id, reason, state="planned", reason=text, sent_at=None)

    def park(self, item_id: str, reason: str) -> ItemRow:
        """Say that the outcome of a send is unknown."""
        return self._change(item_id, f"unknown: {reason}", state="unknown", reason=scrub(reason))

    def end_item(
        self, item_id: str, verdict: str, reason: str, desktops: Mapping[str, Any] | None = None
    ) -> ItemRow:
        """Keep the verdict of an item, and how each of its desktops ended."""
        values: dict[str, Any] = {"state": "ended", "verdict": verdict, "reason": scrub(reason)}
        if desktops is not None:
            values["desktops"] = dict(desktops)
        return self._change(item_id, f"{verdict}: {reason}", ended_at=utc_now(), **values)

    def keep_progress(self, item_id: str, reason: str) -> ItemRow:
        """Keep why an item, which is still running, is not followed any more."""
        return self._change(item_id, f"running: {reason}", reason=scrub(reason))

    def owned_jobs(self, endpoint: str, project_id: str, but: str) -> frozenset[str]:
        """Give the jobs that belong to other items of the project."""
        here = (items.c.endpoint == endpoint, items.c.project_id == project_id)
        others = (items.c.job_id.is_not(None), items.c.item_id != but)
        query = sa.select(items.c.job_id).where(*here, *others)
        return frozenset(row["job_id"] for row in self._database.all(query))

    def pool_of_job(self, endpoint: str, project_id: str, job_id: str) -> str:
        """Give the ID of the pool of a place that a job of an item worked on.

        Raises:
            PlanError: no item of the place has the job.
        """
        here = (items.c.endpoint == endpoint, items.c.project_id == project_id)
        query = sa.select(items.c.pool_id).where(*here, items.c.job_id == job_id)
        found = self._database.one(query)
        if found is None:
            msg = f"the journal does not know job {job_id}"
            raise PlanError(msg, remedy="name its pool by --pool ID, to `wsops job retry`")
        return str(found["pool_id"])

    def followed_items(self, endpoint: str, project_id: str) -> tuple[ItemRow, ...]:
        """Give the last items of a place whose job was followed to its end, newest first."""
        here = (items.c.endpoint == endpoint, items.c.project_id == project_id)
        ended = (items.c.job_id.is_not(None), items.c.ended_at.is_not(None))
        query = sa.select(items).where(*here, *ended).order_by(items.c.ended_at.desc())
        return self._items(query.limit(1000))

    def attempts(self, item_id: str) -> list[dict[str, Any]]:
        """Give the sends of an item, oldest first."""
        query = sa.select(attempts).where(attempts.c.item_id == item_id)
        return self._database.all(query.order_by(attempts.c.id))

    # -- looking for what became of a send ------------------------------------------------------

    def looked(self, item_id: str, finding: str, evidence: str) -> None:
        """Keep what a look for the job of a lost answer found."""
        searches.keep(self._database, item_id, finding, evidence)

    def empty_looks(self, item_id: str) -> int:
        """Count the last looks in a row that found nothing, since the item was last sent."""
        return searches.empty_in_a_row(self._database, item_id, self.item(item_id).sent_at)

    # -- pace of writes, audits, the chain ---------------------------------------------------

    def reserve_write(self, endpoint: str, project_id: str, every: float) -> float:
        """Take the next moment at which a write may leave; give the seconds until then."""
        return writes.reserve(self._database, endpoint, project_id, every)

    def refused_credentials(self, endpoint: str, project_id: str) -> int:
        """Count the sends in a row, of any process, whose credentials were refused lately."""
        return writes.refusals(self._database, endpoint, project_id)

    def keep_audit(self, audit: Audit, endpoint: str, profile: str) -> None:
        """Keep an audit, so that later ones can tell since when a desktop differs."""
        recorded.keep(self._database, audit, endpoint, profile)

    def audits(self, endpoint: str, project_id: str) -> tuple[AuditRow, ...]:
        """Give the recorded audits of a place, newest first."""
        return recorded.newest(self._database, endpoint, project_id)

    def broken_event(self) -> int | None:
        """Give the number of the first event that does not fit the chain; None where all do."""
        return chain.first_break(self._database)

    # -- how ------------------------------------------------------------------------------------

    def _no_run(self, run_id: str) -> JournalError:
        msg = f"no run {run_id!r} in the journal {self.place}"
        batch = "that is a batch: `wsops batch status`, `wsops batch stop`"
        remedy = batch if run_id.startswith(membership.BATCH) else "`wsops history` lists the runs"
        return JournalError(msg, remedy=remedy)

    def _items(self, query: sa.Select[Any]) -> tuple[ItemRow, ...]:
        return tuple(read_row(ItemRow, self.place, row) for row in self._database.all(query))

    def _live_item(self, row: ItemRow) -> ItemRow | None:
        query = sa.select(items).where(
            items.c.endpoint == row.endpoint,
            items.c.project_id == row.project_id,
            items.c.pool_id == row.pool_id,
            items.c.state.in_(LIVE),
        )
        return next(iter(self._items(query)), None)

    def _change(
        self,
        item_id: str,
        text: str,
        since: Collection[str] = (),
        **values: Any,  # noqa: ANN401
    ) -> ItemRow:
        with self._database.writing() as connection:
            self._update(connection, item_id, text, since, **values)
        return self.item(item_id)

    def _update(
        self,
        connection: sa.Connection,
        item_id: str,
        text: str,
        since: Collection[str] = (),
        **values: Any,  # noqa: ANN401
    ) -> None:
        one = items.c.item_id == item_id
        row = connection.execute(sa.select(items.c.run_id, items.c.state).where(one)).one()
        if row.state not in (since or BEFORE[values.get("state", row.state)]):
            msg = f"{item_id} is {row.state}; it cannot become {values['state']}"
            raise JournalError(msg, remedy=f"another process took it up: wsops status {row.run_id}")
        connection.execute(sa.update(items).where(one).values(values))
        mine = sa.update(runs).where(runs.c.run_id == row.run_id)
        if values.get("state") in LIVE:  # a run that goes on has not ended
            connection.execute(mine.values(ended_at=None, stop=""))
        elif values.get("state") == "planned":  # why no pool was sent may not hold any more
            connection.execute(mine.values(stop=""))
        chain.append(connection, row.run_id, item_id, text)

    def _change_run(self, run_id: str, text: str, **values: Any) -> None:  # noqa: ANN401
        with self._database.writing() as connection:
            connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(values))
            chain.append(connection, run_id, "", text)
