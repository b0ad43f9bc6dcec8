"""Runs of the journal that belong to a batch: one approved total, one stop, one threshold for all.

A kernel of a batch is told by a variable which attempt it is. Whatever it begins joins the batch
in the very transaction that makes it a run, so that the total holds however many begin at once.
"""

from __future__ import annotations

import os
from datetime import datetime

import sqlalchemy as sa

from wsops.database import Database
from wsops.errors import BlastRadius, NotApproved, Stopped
from wsops.plan import Plan
from wsops.rows import ItemRow, RunRow, read_row
from wsops.schema import BEGUN_LAST, SENT, attempts_of_rows, batches, items, rollouts, runs
from wsops.text import count

ATTEMPT_VARIABLE = "WSOPS_ATTEMPT"
"""The variable that names the attempt to its kernel."""

BATCH = "batch-"
"""How the ID of a batch begins; no other ID does."""

_BEGUN = rollouts.join(attempts_of_rows)
"""Runs of the journal with the attempts that began them."""


def attempt_here() -> str:
    """Give the attempt of a batch that this process is; "" where it is none."""
    return os.environ.get(ATTEMPT_VARIABLE, "")


def batch_key(batch_id: str) -> tuple[str, str]:
    """Give the key of the lock that a process holds while it drives a batch."""
    return "batch", batch_id


def is_elsewhere(begun: tuple[str, str], here: tuple[str, str]) -> bool:
    """Tell whether what was begun at an endpoint and in a project was begun in another place.

    Pools of two places may bear the same IDs. "" is what was not known when it was begun.
    """
    (endpoint, project_id), (this_endpoint, this_project) = begun, here
    known = project_id and this_project
    elsewhere = endpoint != this_endpoint or (bool(known) and project_id != this_project)
    return bool(endpoint) and elsewhere


def join(connection: sa.Connection, attempt_id: str, run_id: str, plan: Plan) -> None:
    """Let a new run be one of its batch, where the batch allows it.

    Args:
        connection: of the transaction that begins the run.
        attempt_id: the attempt that begins it.
        run_id: the run.
        plan: what it would do.

    Raises:
        NotApproved: the batch is not known here, is of another place, applies nothing, or the
            attempt is over.
        Stopped: a stop of the batch was requested.
        BlastRadius: with what others of the batch may touch, it is more than was approved.
    """
    batch = connection.execute(_allowance(attempt_id)).mappings().first()
    if batch is None:
        msg = f"this notebook runs as {attempt_id}, which the journal here does not know"
        raise NotApproved(msg, remedy="all rows of a batch that applies share one journal")
    if is_elsewhere((batch["endpoint"], batch["project_id"]), (plan.endpoint, plan.project_id)):
        approved = f"{batch['endpoint']} {batch['project_id']}".strip()
        here = f"{plan.endpoint} {plan.project_id}"
        msg = f"{batch['batch_id']} was approved for {approved}, not for {here}"
        raise NotApproved(msg, remedy="use the profile that the batch was begun with")
    if batch["state"] != "running" or batch["of_round"] != batch["round"]:
        msg = f"{attempt_id} is over: it may begin nothing more"
        raise NotApproved(msg, remedy="`wsops batch retry` makes a new attempt of it")
    if batch["stop_requested_at"] is not None or batch["stop"]:
        msg = f"{batch['batch_id']} was stopped: no further pool is sent"
        raise Stopped(msg, remedy="the rows that are left need a new batch")
    if not batch["max_desktops"]:
        msg = f"{batch['batch_id']} was made without --apply: its rows only plan"
        raise NotApproved(msg, remedy="make a new one: `wsops batch run … --apply`")
    taken = connection.execute(_taken(batch["batch_id"], batch["round"])).scalar_one()
    left = batch["max_desktops"] - taken
    desktops = plan.desktops
    if desktops > left:
        total = count(batch["max_desktops"], "desktop")
        msg = f"it may touch {desktops}; of the {total} approved for the batch {left} are left"
        raise BlastRadius(msg, remedy="read the plans of the rows; approve their total")
    values = {"run_id": run_id, "attempt_id": attempt_id, "desktops": desktops}
    connection.execute(sa.insert(rollouts).values(values))


def items_beside(database: Database, run_id: str) -> tuple[ItemRow, ...]:
    """Give the items of the other runs of a run's batch and round that were sent, oldest first."""
    if not database.has(rollouts):
        return ()
    mine = sa.select(attempts_of_rows.c.batch_id, attempts_of_rows.c.round).select_from(_BEGUN)
    found = database.one(mine.where(rollouts.c.run_id == run_id))
    if found is None:
        return ()
    others = (row for row in items_sent(database, **found) if row.run_id != run_id)
    return tuple(others)


def items_sent(
    database: Database,
    batch_id: str,
    round: int | None = None,  # noqa: A002
) -> tuple[ItemRow, ...]:
    """Give the items of a batch that were sent, of one round or of all, in the order of sending."""
    here = [attempts_of_rows.c.batch_id == batch_id]
    if round is not None:
        here.append(attempts_of_rows.c.round == round)
    begun = _BEGUN.join(items, items.c.run_id == rollouts.c.run_id)
    query = sa.select(items).select_from(begun).where(*here)
    left = (items.c.sent_at.is_not(None), items.c.job_id.is_not(None), items.c.state.in_(SENT))
    query = query.where(sa.or_(*left))
    query = query.order_by(items.c.sent_at, items.c.seq)
    return tuple(read_row(ItemRow, database.place, row) for row in database.all(query))


def is_over(database: Database, attempt_id: str) -> bool:
    """Tell whether an attempt has ended, or rows of its batch were asked for again since."""
    found = database.one(_allowance(attempt_id))
    return found is None or found["state"] != "running" or found["of_round"] != found["round"]


def batch_of(database: Database, run_id: str) -> str:
    """Give the batch that a run belongs to; "" where it belongs to none."""
    if not database.has(rollouts):
        return ""
    query = sa.select(attempts_of_rows.c.batch_id).select_from(_BEGUN)
    found = database.one(query.where(rollouts.c.run_id == run_id))
    return str(found["batch_id"]) if found else ""


def runs_of(database: Database, batch_id: str) -> tuple[RunRow, ...]:
    """Give the runs that the rows of a batch have begun, in all rounds, oldest first."""
    if not database.has(rollouts):
        return ()
    query = sa.select(runs).select_from(_BEGUN.join(runs, runs.c.run_id == rollouts.c.run_id))
    query = query.where(attempts_of_rows.c.batch_id == batch_id).order_by(
        runs.c.started_at, BEGUN_LAST
    )
    return tuple(read_row(RunRow, database.place, row) for row in database.all(query))


def stop_of_batch(database: Database, run_id: str) -> datetime | None:
    """Give when the batch of a run was asked to stop; None where it was not, or is none."""
    if not database.has(rollouts):
        return None
    query = sa.select(batches.c.stop_requested_at).select_from(_BEGUN.join(batches))
    found = database.one(query.where(rollouts.c.run_id == run_id))
    return found["stop_requested_at"] if found else None


def why_stopped(database: Database, run_id: str) -> str:
    """Say why the batch of a run begins nothing more; "" where it may, or there is none."""
    if not database.has(rollouts):
        return ""
    query = sa.select(batches.c.stop).select_from(_BEGUN.join(batches))
    found = database.one(query.where(rollouts.c.run_id == run_id))
    return str(found["stop"] or "") if found else ""


def _allowance(attempt_id: str) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(batches, attempts_of_rows.c.state, attempts_of_rows.c.round.label("of_round"))
        .join(attempts_of_rows, attempts_of_rows.c.batch_id == batches.c.batch_id)
        .where(attempts_of_rows.c.attempt_id == attempt_id)
    )


def _taken(batch_id: str, number: int) -> sa.Select[tuple[int]]:
    here = (attempts_of_rows.c.batch_id == batch_id, attempts_of_rows.c.round == number)
    query = sa.select(sa.func.coalesce(sa.func.sum(rollouts.c.desktops), 0))
    return query.select_from(_BEGUN).where(*here)
