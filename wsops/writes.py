"""One pace, and one breaker on bad credentials, for all processes that share a journal.

Both are a row for each endpoint and project.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from wsops.database import Database
from wsops.schema import items, writes

_MEMORY = timedelta(minutes=5)  # for so long the service locks a key
_LONGEST_WAIT = 100  # spacings: so many may wait in line; a clock that jumped must not hold longer


def reserve(database: Database, endpoint: str, project_id: str, every: float) -> float:
    """Take the next moment at which a write may leave; give the seconds until then."""
    now = start = datetime.now(UTC)
    with database.writing() as connection:
        row = connection.execute(sa.select(writes).where(_is(endpoint, project_id))).first()
        if row is None:
            values = {"endpoint": endpoint, "project_id": project_id, "last_at": start}
            connection.execute(sa.insert(writes).values(values))
        else:
            start = max(now, row.last_at + timedelta(seconds=every))
            start = min(start, now + timedelta(seconds=_LONGEST_WAIT * every))
            taken = sa.update(writes).where(_is(endpoint, project_id)).values(last_at=start)
            connection.execute(taken)
    return (start - now).total_seconds()


def refusals(database: Database, endpoint: str, project_id: str) -> int:
    """Count the sends in a row whose credentials were refused, the last of them lately."""
    row = database.one(sa.select(writes).where(_is(endpoint, project_id)))
    if row is None or row["refused_at"] is None:
        return 0
    return int(row["refusals"]) if datetime.now(UTC) - row["refused_at"] < _MEMORY else 0


def note_credentials(connection: sa.Connection, item_id: str, *, refused: bool) -> None:
    """Keep whether the credentials of an item's send were refused."""
    item = connection.execute(sa.select(items).where(items.c.item_id == item_id)).one()
    values = (
        {"refusals": writes.c.refusals + 1, "refused_at": datetime.now(UTC)}
        if refused
        else {"refusals": 0, "refused_at": None}
    )
    where = _is(item.endpoint, item.project_id)
    connection.execute(sa.update(writes).where(where).values(values))


def _is(endpoint: str, project_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(writes.c.endpoint == endpoint, writes.c.project_id == project_id)
