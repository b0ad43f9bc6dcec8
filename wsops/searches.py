"""Looks for what became of a request whose answer was lost: the journal's memory of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from wsops.database import Database
from wsops.models import utc_now
from wsops.redact import scrub
from wsops.schema import looks


def keep(database: Database, item_id: str, finding: str, evidence: str) -> None:
    """Keep what a look found: nothing, one job, or mixed evidence."""
    row = {"item_id": item_id, "at": utc_now(), "finding": finding, "evidence": scrub(evidence)}
    with database.writing() as connection:
        connection.execute(sa.insert(looks).values(row))


def empty_in_a_row(database: Database, item_id: str, since: datetime | None) -> int:
    """Count the last looks in a row that found nothing; only those since its last send, if any."""
    query = sa.select(looks.c.finding).where(looks.c.item_id == item_id)
    if since is not None:
        query = query.where(looks.c.at >= since)
    count = 0
    for row in database.all(query.order_by(looks.c.id.desc())):
        if row["finding"] != "nothing":
            break
        count += 1
    return count
