"""The ledger of batches: what was asked for, which rows were begun, how each attempt ended.

It lives in the journal's database, in tables of its own. An attempt is written down before its
kernel starts and judged after it has ended; nothing is guessed from files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sa

from wsops import chain, membership
from wsops.batch.records import Attempt, Row, Spec, latest_of
from wsops.book import Book
from wsops.errors import BatchError, JournalError
from wsops.models import Record, utc_now
from wsops.redact import scrub, scrubbed
from wsops.rows import ItemRow, read_row
from wsops.schema import attempts_of_rows, batches, rollouts, runs
from wsops.settings import Settings

_COLUMNS = frozenset(column.name for column in attempts_of_rows.columns) - {"facts"}


class BatchRow(Record):
    """A batch as it was written down; `round` counts how often its rows were asked for."""

    batch_id: str
    spec: Spec
    folder: str
    operator: str
    endpoint: str = ""
    project_id: str = ""
    round: int
    max_desktops: int
    started_at: datetime
    stop_requested_at: datetime | None = None
    ended_at: datetime | None = None
    verdict: str = "running"
    stop: str = ""

    def check_here(self, settings: Settings) -> None:
        """Refuse to go on with it from another place.

        Raises:
            BatchError: it was begun for another endpoint or project.
        """
        here = (settings.endpoint, settings.project_id)
        if membership.is_elsewhere((self.endpoint, self.project_id), here):
            msg = f"{self.batch_id} is of {self.endpoint} {self.project_id}; you are elsewhere"
            remedy = f"use profile {self.spec.profile!r}" if self.spec.profile else None
            raise BatchError(msg, folder=self.folder, remedy=remedy)


class Ledger(Book):
    """The record of batches; opened by `Ledger.open` or `known`."""

    @classmethod
    def known(cls, place: str) -> Self:
        """Open the ledger, which must be there.

        Raises:
            JournalError: there is no journal, or it cannot be used.
            BatchError: it was made before there were batches.
        """
        ledger = super().known(place)
        if not ledger._database.has(batches):  # noqa: SLF001  (its own)
            ledger.close()
            raise _knows_none(place)
        return ledger

    # -- batches ------------------------------------------------------------------------------

    def begin(
        self,
        batch_id: str,
        spec: Spec,
        folder: str,
        operator: str,
        place: tuple[str, str] = ("", ""),
    ) -> BatchRow:
        """Write a batch down with a waiting attempt for each of its rows.

        `place` is the endpoint and the project that its runs may work on, "" where not known.
        """
        row = {
            "batch_id": batch_id,
            "spec": spec.model_dump_json(by_alias=True),
            "folder": folder,
            "operator": operator,
            "endpoint": place[0],
            "project_id": place[1],
            "round": 1,
            "max_desktops": spec.max_desktops if spec.apply else 0,
            "started_at": utc_now(),
        }
        waiting = [_waiting(batch_id, 1, one, 1) for one in spec.rows]
        with self._database.writing() as connection:
            connection.execute(sa.insert(batches).values(row))
            connection.execute(sa.insert(attempts_of_rows), waiting)
        return self.batch(batch_id)

    def batch(self, batch_id: str) -> BatchRow:
        """Give a batch by its ID.

        Raises:
            JournalError: there is none.
        """
        found = self._database.one(sa.select(batches).where(batches.c.batch_id == batch_id))
        if found is None:
            msg = f"no batch {batch_id!r} in the journal {self.place}"
            raise JournalError(msg, remedy="`wsops batch list` names those that there are")
        return self._batch(found)

    def batches(self, limit: int = 100) -> tuple[BatchRow, ...]:
        """Give the last batches, newest first."""
        query = sa.select(batches).order_by(batches.c.started_at.desc(), batches.c.batch_id.desc())
        return tuple(map(self._batch, self._database.all(query.limit(limit))))

    def knows(self, batch_id: str) -> bool:
        """Tell whether there is a batch of an ID."""
        one = sa.select(batches.c.batch_id).where(batches.c.batch_id == batch_id)
        return self._database.has(batches) and self._database.one(one) is not None

    def newest(self) -> BatchRow:
        """Give the newest batch that has not ended, else the newest of all.

        Raises:
            BatchError: there is none.
        """
        newest = (batches.c.started_at.desc(), batches.c.batch_id.desc())
        query = sa.select(batches).order_by(batches.c.ended_at.is_(None).desc(), *newest)
        found = self._database.one(query.limit(1))
        if found is None:
            raise _knows_none(self.place)
        return self._batch(found)

    def request_stop(self, batch_id: str) -> None:
        """Ask a batch to start no further row, and all its runs to send no further pool."""
        asked = {"stop_requested_at": utc_now()}
        mine = (batches.c.batch_id == batch_id, batches.c.stop_requested_at.is_(None))
        begun = sa.select(rollouts.c.run_id).join(attempts_of_rows).where(_of(batch_id))
        with self._database.writing() as connection:
            connection.execute(sa.update(batches).where(*mine).values(asked))
            # For good: a later round of the batch must not lift it.
            for run_id in connection.execute(begun).scalars().all():
                one = (runs.c.run_id == run_id, runs.c.stop_requested_at.is_(None))
                if connection.execute(sa.update(runs).where(*one).values(asked)).rowcount:
                    chain.append(connection, run_id, "", "stop requested, with its batch")

    def stop_requested(self, batch_id: str) -> datetime | None:
        """Give when a batch was asked to stop; None where it was not."""
        query = sa.select(batches.c.stop_requested_at).where(batches.c.batch_id == batch_id)
        found = self._database.one(query)
        return found["stop_requested_at"] if found else None

    def end(self, batch_id: str, verdict: str, stop: str = "") -> None:
        """Keep how a batch stands, and why no further row is started, where one is left."""
        ended = None if verdict == "running" else utc_now()
        values = {"verdict": verdict, "stop": scrub(stop), "ended_at": ended}
        self._write(sa.update(batches).where(batches.c.batch_id == batch_id).values(values))

    def ask_again(self, batch_id: str, rows: Iterable[int], max_desktops: int) -> BatchRow:
        """Begin a new round with a new attempt for each of some rows; it has its own approval."""
        batch = self.batch(batch_id)
        wanted = set(rows)
        number = batch.round + 1
        tried = {one.row: one.attempt for one in latest_of(self.attempts(batch_id))}
        waiting = [
            _waiting(batch_id, number, row, tried.get(row.number, 0) + 1)
            for row in batch.spec.rows
            if row.number in wanted
        ]
        fresh = {"round": number, "max_desktops": max_desktops, "verdict": "running", "stop": ""}
        fresh |= {"stop_requested_at": None, "ended_at": None}
        with self._database.writing() as connection:
            one = batches.c.batch_id == batch_id
            connection.execute(sa.update(batches).where(one).values(fresh))
            if waiting:
                connection.execute(sa.insert(attempts_of_rows), waiting)
        return self.batch(batch_id)

    # -- attempts -----------------------------------------------------------------------------

    def attempts(self, batch_id: str, number: int | None = None) -> tuple[Attempt, ...]:
        """Give the attempts of a batch, of one round where `number` says so, by row and age."""
        query = sa.select(attempts_of_rows).where(attempts_of_rows.c.batch_id == batch_id)
        if number is not None:
            query = query.where(attempts_of_rows.c.round == number)
        query = query.order_by(attempts_of_rows.c.row, attempts_of_rows.c.attempt)
        begun = self._rollouts(_of(batch_id))
        return tuple(self._attempt(row, begun) for row in self._database.all(query))

    def start(self, attempt_id: str, worker: str) -> Attempt:
        """Note that an attempt begins; durable when this returns, and only then may its kernel.

        Raises:
            JournalError: it has begun before.
        """
        one = attempts_of_rows.c.attempt_id == attempt_id
        now = datetime.now(UTC)  # with parts of a second: many runs take less than one
        values = {"state": "running", "started_at": now, "facts": {"worker": worker}}
        with self._database.writing() as connection:
            waiting = (one, attempts_of_rows.c.state == "waiting")
            done = connection.execute(sa.update(attempts_of_rows).where(*waiting).values(values))
            if done.rowcount != 1:
                msg = f"{attempt_id} has begun before: it is not run twice"
                raise JournalError(msg, remedy="`wsops batch status` shows it")
        return self.attempt(attempt_id)

    def attempt(self, attempt_id: str) -> Attempt:
        """Give an attempt by its ID."""
        one = attempts_of_rows.c.attempt_id == attempt_id
        found = self._database.one(sa.select(attempts_of_rows).where(one))
        if found is None:
            msg = f"no attempt {attempt_id!r} in the journal {self.place}"
            raise JournalError(msg, remedy="`wsops batch status` lists them")
        return self._attempt(found, self._rollouts(one))

    def finish(self, attempt: Attempt) -> None:
        """Keep how an attempt ended."""
        values = attempt.model_dump(mode="json", exclude={"rollouts", "started_at", "ended_at"})
        facts = {key: value for key, value in values.items() if key not in _COLUMNS}
        row = {
            "state": attempt.state,
            "verdict": attempt.verdict,
            "ended_at": attempt.ended_at or utc_now(),
            "facts": scrubbed(facts),
        }
        one = attempts_of_rows.c.attempt_id == attempt.attempt_id
        self._write(sa.update(attempts_of_rows).where(one).values(row))

    def items_sent(self, batch: BatchRow) -> tuple[ItemRow, ...]:
        """Give what the runs of a batch's present round have sent, oldest first."""
        return membership.items_sent(self._database, batch.batch_id, batch.round)

    def items(self, batch_id: str) -> tuple[ItemRow, ...]:
        """Give what the runs of all rounds of a batch have sent, oldest first."""
        return membership.items_sent(self._database, batch_id)

    # -- how ------------------------------------------------------------------------------------

    def _write(self, statement: sa.Update) -> None:
        with self._database.writing() as connection:
            connection.execute(statement)

    def _batch(self, row: Mapping[str, Any]) -> BatchRow:
        try:
            spec = json.loads(row["spec"])
        except ValueError:
            spec = None  # what the record says of it names the field
        return read_row(BatchRow, self.place, {**row, "spec": spec})

    def _attempt(self, row: Mapping[str, Any], begun: Mapping[str, list[str]]) -> Attempt:
        own = {name: row[name] for name in _COLUMNS}
        known = {**row["facts"], **own, "rollouts": begun.get(row["attempt_id"], ())}
        return read_row(Attempt, self.place, known)

    def _rollouts(self, which: sa.ColumnElement[bool]) -> dict[str, list[str]]:
        query = sa.select(rollouts).join(attempts_of_rows)
        found: dict[str, list[str]] = {}
        for row in self._database.all(query.where(which)):
            found.setdefault(row["attempt_id"], []).append(row["run_id"])
        return found


def _of(batch_id: str) -> sa.ColumnElement[bool]:
    return attempts_of_rows.c.batch_id == batch_id


def _waiting(batch_id: str, number: int, row: Row, attempt: int) -> dict[str, Any]:
    return {
        "attempt_id": f"{batch_id}/{row.number:04d}.{attempt}",
        "batch_id": batch_id,
        "round": number,
        "row": row.number,
        "attempt": attempt,
        "label": row.label,
        "state": "waiting",
        "facts": {},
    }


def _knows_none(place: str) -> BatchError:
    msg = f"the journal {place} knows no batch"
    return BatchError(msg, remedy="`wsops batch run` makes one; or WSOPS_JOURNAL names another")
