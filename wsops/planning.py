"""Reads what a plan needs, and makes it: the way from a choice to a plan."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from wsops.audit import UNSTEADY_POOLS, audit
from wsops.audited import Audit
from wsops.choice import Choice, check_choice
from wsops.client import Workspace
from wsops.draft import Order, make_plan, make_retry
from wsops.errors import NothingToDo
from wsops.models import Pool, utc_now
from wsops.plan import Plan, Reading, Region, Skipped, chosen
from wsops.readings import images_by_id, read_pool, region_of, survey, whole_job
from wsops.spread import Tell


def plan_for(
    ws: Workspace, choice: Choice, patterns: Sequence[str], tell: Tell = lambda _d, _a: None
) -> tuple[Plan, tuple[Reading, ...]]:
    """Read the pools of the patterns and make the plan of a choice over them; gives both.

    Args:
        ws: the connection.
        choice: what is asked for.
        patterns: shell patterns of pool names, or IDs; the first pool sent is the canary.
        tell: called with (pools read, pools in all).

    Raises:
        PlanError: a limit is broken, or a pattern matches no pool.
        NothingToDo: all desktops are as wanted, or every pool is skipped; says why.
    """
    # Before anything is read: a wrong value needs no network to be seen.
    check_choice(choice, ws.settings.limits)
    if choice.kind == "repair":
        seen = audit(ws, patterns)
        # Read once more where the list changed: a desktop that differs may have been missed.
        doubtful = {mismatch.pool_id for mismatch in seen.mismatches} | {*seen.unsteady}
        pools = tuple(pool for pool in seen.pools if pool.id in doubtful)
        unread = tuple(_unread(pool) for pool in seen.pools if pool.id in seen.unread)
        notes = tuple(note for note in seen.notes if note == UNSTEADY_POOLS)
        if not pools:
            raise _nothing_seen(seen)
    else:
        listing = ws.pools()
        pools, unread = chosen(listing.rows, patterns), ()
        notes = () if listing.steady else (UNSTEADY_POOLS,)
    readings = survey(ws, pools, tell)
    order = _order(ws, choice, region_of(ws, pools))
    return make_plan(order, readings, images_by_id(ws), unread, notes), readings


def _unread(pool: Pool) -> Skipped:
    return Skipped(pool_id=pool.id, pool_name=pool.name, reason="it could not be read")


def _nothing_seen(seen: Audit) -> NothingToDo:
    """Say that there is nothing to repair, which is fine only where everything was seen."""
    if seen.notes:
        doubts = "; ".join(seen.notes)
        msg = f"no desktop was seen that differs, but not all could be seen: {doubts}"
        return NothingToDo(msg, remedy="run it again in a moment")
    msg = "nothing to repair: all desktops run their pool's image"
    return NothingToDo(msg, fine=True, remedy="`wsops audit --full` reads all, to be sure")


def plan_for_retry(ws: Workspace, job_id: str, pool_id: str, change: str) -> Plan:
    """Make the plan of retrying a job of a pool.

    Raises:
        PlanError: the job has not ended, or nothing of it failed.
    """
    reading = read_pool(ws, pool_id)
    order = _order(ws, Choice(change=change), region_of(ws, [reading.pool]))
    return make_retry(order, whole_job(ws, job_id), reading)


def _order(ws: Workspace, choice: Choice, region: Region) -> Order:
    return Order(choice, region, ws.resolved, new_plan_id(), utc_now())


def new_plan_id() -> str:
    """Give a name that no other plan has: the day, and 40 random bits."""
    tail = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    return f"{utc_now():%m%d}-{tail}"
