"""What the journal holds, as records: a run, and its items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from wsops.errors import JournalError
from wsops.models import Record
from wsops.schema import LIVE, SENT

_UNTOUCHED = frozenset({"rejected", "refused", "held"})
"""Verdicts of items whose request was not carried out, if it left at all."""


class RunRow(Record):
    """A plan that was approved; `verdict` is "" until it has one."""

    run_id: str
    plan_id: str
    digest: str
    endpoint: str
    project_id: str
    profile: str
    environment: str
    operator: str
    change: str
    approved_by: str
    started_at: datetime
    stop_requested_at: datetime | None = None
    ended_at: datetime | None = None
    verdict: str = ""
    reason: str = ""
    stop: str = ""


class ItemRow(Record):
    """One request of a run: its state, what it was meant to touch, and its verdict.

    `targets` maps each desktop to what it was just before the send (image_id, in_use, off, name,
    user); `desktops` maps each to how it ended (state, reason).
    """

    item_id: str
    run_id: str
    seq: int
    endpoint: str
    project_id: str
    pool_id: str
    pool_name: str
    state: str
    verdict: str = ""
    reason: str = ""
    job_id: str | None = None
    body_sha256: str = ""
    sent_at: datetime | None = None
    deadline_at: datetime | None = None
    ended_at: datetime | None = None
    targets: Mapping[str, Mapping[str, Any]]
    known_jobs: tuple[str, ...] = ()
    desktops: Mapping[str, Mapping[str, str]]

    @property
    def live(self) -> bool:
        """Whether a request of it may be out."""
        return self.state in LIVE

    @property
    def waits(self) -> bool:
        """Whether nothing of it has left: it may be sent, or be left."""
        return self.state in {"planned", "intent"}

    @property
    def lost(self) -> bool:
        """Whether a request of it has left, or may have, and no answer tells what came of it."""
        return self.state in {"sent", "unknown"}

    @property
    def sent(self) -> bool:
        """Whether a request of it has left or may have, or work of it was begun otherwise."""
        return self.sent_at is not None or bool(self.job_id) or self.state in SENT

    @property
    def touched(self) -> bool:
        """Whether desktops of it were touched, or may have been: it was sent and not refused."""
        return self.sent and self.state != "planned" and self.verdict not in _UNTOUCHED


class AuditRow(Record):
    """An audit that was recorded; `mismatches` are the fields of `audited.Mismatch`."""

    at: datetime
    endpoint: str
    project_id: str
    profile: str
    pools: int
    desktops: int
    mismatches: tuple[Mapping[str, Any], ...]


R = TypeVar("R", bound=Record)


def read_row(record: type[R], place: str, row: Mapping[str, Any]) -> R:
    """Make a record of a row of the journal at `place`.

    Raises:
        JournalError: the row is damaged; names the field.
    """
    try:
        return record.model_validate(row)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        what = f"a row cannot be read: {where}"
        raise damaged(place, what) from None


def damaged(place: str, what: str) -> JournalError:
    """Make the error of a journal that contradicts itself."""
    msg = f"the journal {place} is damaged: {what}"
    return JournalError(msg, remedy="compare with a backup, and look at the pools themselves")
