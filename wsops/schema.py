"""The journal's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

SCHEMA = 2
SINCE_2 = frozenset({"batches", "attempts_of_rows", "rollouts"})
"""Tables that a journal of schema 1 lacks; they are added when it is opened for writing."""

LIVE = ("intent", "sent", "accepted", "unknown")
"""States in which a request of an item may be out: one such item per project and pool."""

SENT = ("sent", "accepted", "unknown")
"""Those of them in which one has left, or may have."""

BEFORE = {
    "planned": ("planned", "intent", "sent", "unknown"),
    "intent": ("planned", "intent", "sent"),
    "sent": ("intent",),
    "accepted": ("intent", "sent", "accepted", "unknown"),
    "unknown": ("intent", "sent", "accepted", "unknown"),
    "ended": ("planned", *LIVE),
}
"""From which states an item may come into each: whoever comes second is refused by the journal."""


class Instant(sa.types.TypeDecorator[datetime]):
    """An instant in UTC; stored without zone, since SQLite has none, and given back with it."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """Store in UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """Read as UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

BEGUN_LAST = sa.literal_column("runs.rowid", sa.Integer)
"""Orders runs of one second as they were begun."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("plan_id", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False, unique=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("endpoint", sa.String, nullable=False),
    sa.Column("project_id", sa.String, nullable=False),
    sa.Column("profile", sa.String, nullable=False),
    sa.Column("environment", sa.String, nullable=False),
    sa.Column("operator", sa.String, nullable=False),
    sa.Column("change", sa.String, nullable=False),
    sa.Column("approved_by", sa.String, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("stop_requested_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("verdict", sa.String, nullable=False, default=""),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("stop", sa.Text, nullable=False, default=""),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("item_id", sa.String, primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.run_id"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("endpoint", sa.String, nullable=False),
    sa.Column("project_id", sa.String, nullable=False),
    sa.Column("pool_id", sa.String, nullable=False),
    sa.Column("pool_name", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("verdict", sa.String, nullable=False, default=""),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("job_id", sa.String),
    sa.Column("body_sha256", sa.String, nullable=False, default=""),
    sa.Column("sent_at", Instant),
    sa.Column("deadline_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("targets", sa.JSON, nullable=False),
    sa.Column("known_jobs", sa.JSON, nullable=False),
    sa.Column("desktops", sa.JSON, nullable=False),
)

_live = items.c.state.in_(LIVE)
sa.Index(
    "one_live_item_per_pool",
    items.c.endpoint,
    items.c.project_id,
    items.c.pool_id,
    unique=True,
    sqlite_where=_live,
)
sa.Index(
    "one_live_owner_per_job",
    items.c.endpoint,
    items.c.project_id,
    items.c.job_id,
    unique=True,
    sqlite_where=_live,
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("item_id", sa.ForeignKey("items.item_id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("error_code", sa.String),
    sa.Column("request_id", sa.String),
)

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("item_id", sa.ForeignKey("items.item_id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("finding", sa.String, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("item_id", sa.String, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
)

writes = sa.Table(
    "writes",
    metadata,
    sa.Column("endpoint", sa.String, primary_key=True),
    sa.Column("project_id", sa.String, primary_key=True),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("refusals", sa.Integer, nullable=False, default=0),
    sa.Column("refused_at", Instant),
)

audits = sa.Table(
    "audits",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("endpoint", sa.String, nullable=False),
    sa.Column("project_id", sa.String, nullable=False),
    sa.Column("profile", sa.String, nullable=False),
    sa.Column("pools", sa.Integer, nullable=False),
    sa.Column("desktops", sa.Integer, nullable=False),
    sa.Column("mismatches", sa.JSON, nullable=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.String, primary_key=True),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("folder", sa.String, nullable=False),
    sa.Column("operator", sa.String, nullable=False),
    sa.Column("endpoint", sa.String, nullable=False, default=""),
    sa.Column("project_id", sa.String, nullable=False, default=""),
    sa.Column("round", sa.Integer, nullable=False, default=1),
    sa.Column("max_desktops", sa.Integer, nullable=False, default=0),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("stop_requested_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("verdict", sa.String, nullable=False, default="running"),
    sa.Column("stop", sa.Text, nullable=False, default=""),
)

attempts_of_rows = sa.Table(
    "attempts_of_rows",
    metadata,
    sa.Column("attempt_id", sa.String, primary_key=True),
    sa.Column("batch_id", sa.ForeignKey("batches.batch_id"), nullable=False, index=True),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, default="waiting"),
    sa.Column("verdict", sa.String, nullable=False, default=""),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("facts", sa.JSON, nullable=False, default=dict),
)

rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("attempt_id", sa.ForeignKey("attempts_of_rows.attempt_id"), nullable=False),
    sa.Column("desktops", sa.Integer, nullable=False),
)
