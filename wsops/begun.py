"""A plan becomes a run, once: the journal's memory of which plans were consumed."""

from __future__ import annotations

import json

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from wsops import chain, membership
from wsops.database import Database
from wsops.errors import PlanUsed
from wsops.models import utc_now
from wsops.plan import Plan
from wsops.rows import RunRow, read_row
from wsops.schema import items, runs
from wsops.text import instant

_OF_THE_PLAN = {"plan_id", "digest", "endpoint", "project_id", "profile", "environment", "change"}


def begin(database: Database, plan: Plan, approved_by: str, operator: str, attempt_id: str) -> str:
    """Consume a plan: give the ID of its run, with one item per request.

    Raises:
        PlanUsed: it is a run already; names it.
        PlanError: the batch of the attempt does not allow it.
    """
    run_id = f"run-{plan.plan_id}"
    row = {
        "run_id": run_id,
        "plan": json.dumps(plan.as_json()),
        "approved_by": approved_by,
        "operator": operator,
        "started_at": utc_now(),
        **plan.model_dump(include=_OF_THE_PLAN),
    }
    try:
        with database.writing() as connection:
            connection.execute(sa.insert(runs).values(row))
            for seq, item in enumerate(plan.items, 1):
                place = {"endpoint": plan.endpoint, "project_id": plan.project_id}
                named = {"pool_id": item.pool_id, "pool_name": item.pool_name}
                fresh = {"state": "planned", "targets": {}, "known_jobs": [], "desktops": {}}
                which = {"item_id": item.item_id, "run_id": run_id, "seq": seq}
                connection.execute(sa.insert(items).values(which | place | named | fresh))
            if attempt_id:
                membership.join(connection, attempt_id, run_id, plan)
            chain.append(connection, run_id, "", f"approved by {approved_by}, {plan.digest}")
    except IntegrityError:
        refuse_spent(database, plan)
        raise
    return run_id


def refuse_spent(database: Database, plan: Plan) -> None:
    """Refuse a plan that is a run already.

    Raises:
        PlanUsed: it is; names the run.
    """
    same = sa.or_(runs.c.digest == plan.digest, runs.c.run_id == f"run-{plan.plan_id}")
    used = database.one(sa.select(runs).where(same))
    if used is not None:
        run = read_row(RunRow, database.place, used)
        msg = f"the plan was applied as {run.run_id}, begun {instant(run.started_at)}"
        raise PlanUsed(msg, remedy=f"`wsops status {run.run_id}` shows it")
