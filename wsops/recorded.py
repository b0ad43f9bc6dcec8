"""Audits that were recorded: the journal's memory of which desktops differed when."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from wsops.audited import Audit
from wsops.database import Database
from wsops.rows import AuditRow, read_row
from wsops.schema import audits

_MOST = 200  # the better part of a year of working days


def keep(database: Database, audit: Audit, endpoint: str, profile: str) -> None:
    """Keep an audit of a place."""
    row = {
        "at": audit.taken_at,
        "endpoint": endpoint,
        "project_id": audit.project_id,
        "profile": profile,
        "pools": len(audit.pools),
        "desktops": audit.desktops,
        "mismatches": [asdict(one) for one in audit.mismatches],
    }
    with database.writing() as connection:
        connection.execute(sa.insert(audits).values(row))


def newest(database: Database, endpoint: str, project_id: str) -> tuple[AuditRow, ...]:
    """Give the last audits of a place that were kept, newest first."""
    here = (audits.c.endpoint == endpoint, audits.c.project_id == project_id)
    query = sa.select(audits).where(*here).order_by(audits.c.at.desc(), audits.c.id.desc())
    return tuple(
        read_row(AuditRow, database.place, row) for row in database.all(query.limit(_MOST))
    )
