"""The journal's chain of events: each holds the hash of the one before.

What was changed, lost or moved afterwards shows; a cut-off tail cannot be seen by the chain alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from wsops.database import Database
from wsops.models import utc_now
from wsops.redact import scrub
from wsops.schema import events

_GENESIS = "0" * 64


def append(connection: sa.Connection, run_id: str, item_id: str, text: str) -> None:
    """Append an event, in the transaction of what it tells."""
    last = sa.select(events.c.id, events.c.hash).order_by(events.c.id.desc()).limit(1)
    before = connection.execute(last).first()
    row = {
        "id": before.id + 1 if before else 1,
        "at": utc_now(),
        "run_id": run_id,
        "item_id": item_id,
        "text": scrub(text),
    }
    row["hash"] = _link(before.hash if before else _GENESIS, row)
    connection.execute(sa.insert(events).values(row))


def first_break(database: Database) -> int | None:
    """Give the number of the first event that does not fit; None where all do."""
    before = _GENESIS
    for number, row in enumerate(database.all(sa.select(events).order_by(events.c.id)), 1):
        if row["id"] != number or row["hash"] != _link(before, row):
            return number
        before = row["hash"]
    return None


def _link(before: str, row: Mapping[str, Any]) -> str:
    at = row["at"].astimezone(UTC).isoformat() if row["at"] else ""
    facts = [before, row["id"], at, row["run_id"], row["item_id"], row["text"]]
    content = json.dumps(facts, default=repr)  # a damaged record may hold bytes
    return hashlib.sha256(content.encode()).hexdigest()
