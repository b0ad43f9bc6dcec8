"""Tables of a plan: what would be sent, to whom, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wsops.plan import Item, Plan, Target
from wsops.tables.columns import Column
from wsops.tables.table import Table

_ITEMS = (
    Column("pool"),
    Column("from", label="from image"),
    Column("to", label="to image"),
    Column("targets", "count"),
    Column("of", "count", "of desktops"),
    Column("sessions", "count"),
    Column("asleep", "count"),
    Column("off", "count"),
    Column("frozen", "count"),
    Column("order", "id"),
)
_PEOPLE = (
    Column("pool"),
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("state", "state"),
    Column("outlook", label="will be"),
)
_SKIPPED = (Column("pool"), Column("desktop", "desktop"), Column("why"))
_REQUESTS = (Column("pool"), Column("request", "id"), Column("body", "id"))


def items(plan: Plan) -> Table:
    """Give what is sent to each pool, in the order of sending, the canary first.

    Columns: pool, from, to, targets, of, sessions, asleep, off, frozen, order. `of` is the number
    of the pool's desktops; `sessions` counts targets that somebody is logged in to, `asleep` those
    hibernated or of unknown state; `order` is the ID of the order of a pool billed by the year or
    month.
    """
    rows = (
        (
            item.pool_name or item.pool_id,
            _old_images(item),
            item.image_name or item.image_id,
            len(item.targets),
            item.total,
            sum(target.session for target in item.targets),
            item.in_use - sum(target.session for target in item.targets),
            item.off,
            item.frozen,
            item.order_id,
        )
        for item in plan.items
    )
    return Table.of(_ITEMS, rows, "Plan, in the order of sending")


def people(plan: Plan) -> Table:
    """Give the targets that somebody may be using: pool, desktop, user, state, outlook.

    `state` is session where somebody is logged in, else asleep: hibernated or not known. `outlook`
    says whether it is left alone, may be wiped (the service may take it for idle), or is wiped.
    """
    rows = (
        (
            item.pool_name or item.pool_id,
            target.desktop_name or target.desktop_id,
            target.user_name,
            "session" if target.session else "asleep",
            _outlook(item, target),
        )
        for item in plan.items
        for target in item.targets
        if target.in_use
    )
    return Table.of(_PEOPLE, rows, "Desktops in use")


def skipped(plan: Plan) -> Table:
    """Give the pools that are not in the plan: pool, desktop, why.

    A pool has a row for each desktop that the reason names, or one row without a desktop.
    """
    rows = (
        (pool.pool_name or pool.pool_id, desktop, pool.reason)
        for pool in plan.skipped
        for desktop in pool.desktops or ("",)
    )
    return Table.of(_SKIPPED, rows, "Pools that are skipped")


def requests(plan: Plan) -> Table:
    """Give the requests as they are sent, to the letter: pool, request, body."""
    return Table.of(_REQUESTS, _requests(plan), "Exact requests")


def _requests(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for item in plan.items:
        yield item.pool_name or item.pool_id, f"POST {item.path}", item.body


def _old_images(item: Item) -> str:
    counts = Counter(target.image_name or target.image_id for target in item.targets)
    shown = [image or "unknown" for image, _ in counts.most_common(1)]
    return ", ".join(shown) + (f" +{len(counts) - 1} more" if len(counts) > 1 else "")


def _outlook(item: Item, target: Target) -> str:
    if not item.idle_only:
        return "WIPED"
    return "left alone" if target.session else "wiped, if taken for idle"
