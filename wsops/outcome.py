"""How a run stands: read from the journal, in the words that scripts and people get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from wsops import locks
from wsops.errors import JournalError
from wsops.journal import Journal
from wsops.membership import is_elsewhere
from wsops.rows import ItemRow, RunRow
from wsops.settings import Settings
from wsops.verdicts import counts_of, of_run

_STANDING = {"accepted": "running", "sent": "unknown", "intent": "unknown", "unknown": "unknown"}


class Standing(NamedTuple):
    """A run of the journal with its items, its verdict as of now, and the reason."""

    run: RunRow
    items: tuple[ItemRow, ...]
    verdict: str
    reason: str


def standing(journal: Journal, run_id: str) -> Standing:
    """Say how a run stands.

    A run that a process is driving is running, whatever its items say between two pools.
    """
    run, rows = journal.run(run_id), journal.items(run_id)
    verdict, reason = of_run(rows, run.stop)
    if run.stop_requested_at is not None and not run.stop:
        reason = f"{reason}; a stop was requested"
    driver = locks.holder(*run_key(run))
    if driver:
        verdict, reason = "running", "; ".join(filter(None, (reason, f"driven by {driver}")))
    return Standing(run, rows, verdict, reason)


def check_here(run: RunRow, settings: Settings) -> None:
    """Refuse to touch a run from another place.

    Raises:
        JournalError: the run is of another endpoint or project.
    """
    if is_elsewhere((run.endpoint, run.project_id), (settings.endpoint, settings.project_id)):
        msg = f"{run.run_id} is of {run.endpoint}, project {run.project_id}; you are elsewhere"
        raise JournalError(msg, remedy=f"use profile {run.profile!r}")


def run_key(run: RunRow) -> tuple[str, str]:
    """Give the key of the lock that a process holds while it drives a run."""
    return "run", run.digest


def verdict_of(row: ItemRow) -> str:
    """Give the verdict of an item as it stands, ended or not."""
    return _STANDING.get(row.state, row.verdict or "planned")


def shown_as(row: ItemRow) -> str:
    """Give the verdict of an item as people read it beside others: what waits was not sent."""
    verdict = verdict_of(row)
    return "not_sent" if verdict == "planned" else verdict


def as_document(run: RunRow, rows: Sequence[ItemRow], verdict: str, reason: str) -> dict[str, Any]:
    """Give a run as `--json` prints it."""
    return {
        "verdict": verdict,
        "reason": reason,
        "run_id": run.run_id,
        "environment": run.environment,
        "operator": run.operator,
        "change": run.change,
        "started_at": run.started_at.isoformat(),
        "items": [
            {
                "pool_id": row.pool_id,
                "pool_name": row.pool_name,
                "item_id": row.item_id,
                "verdict": verdict_of(row),
                "job_id": row.job_id,
                "desktops": counts_of(row),
                "reason": row.reason,
            }
            for row in rows
        ],
    }


def left(run: RunRow, rows: Sequence[ItemRow]) -> Literal["follow", "send", ""]:
    """Say what is left of a run: a request to follow, else a pool to send; "" where nothing is.

    A run that was stopped sends nothing more.
    """
    if any(row.live for row in rows):
        return "follow"
    stopped = bool(run.stop) or run.stop_requested_at is not None
    return "send" if not stopped and any(row.state == "planned" for row in rows) else ""


def open_runs(journal: Journal, settings: Settings) -> tuple[RunRow, ...]:
    """Give the runs of this project that have something to follow or to send, newest first."""
    mine = journal.runs(at=(settings.endpoint, settings.project_id))
    return tuple(run for run in mine if left(run, journal.items(run.run_id)))


def to_follow(journal: Journal, settings: Settings) -> RunRow | None:
    """Give the newest run of this project that has not ended, else the newest; None without any."""
    mine = journal.runs(at=(settings.endpoint, settings.project_id))
    return next((run for run in mine if run.ended_at is None), next(iter(mine), None))


def latest_unfinished(journal: Journal, settings: Settings) -> RunRow:
    """Give the newest run of this project that has something to follow, else to send.

    Raises:
        JournalError: there is none.
    """
    mine = journal.runs(at=(settings.endpoint, settings.project_id))
    by_what = [(left(run, journal.items(run.run_id)), run) for run in mine]
    for wanted in ("follow", "send"):
        for what, run in by_what:
            if what == wanted:
                return run
    msg = "no run of this project has anything left to follow or to send"
    raise JournalError(msg, remedy="`wsops history` lists the runs")
