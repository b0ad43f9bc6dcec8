"""`summary.json`: a batch for programs, and what `--json` prints of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wsops.batch.index.commands import next_of
from wsops.batch.records import SCHEMA, Batch
from wsops.batch.summing import Run, counted_of, runs_of, without_secrets


def as_document(batch: Batch) -> dict[str, Any]:
    """Give a batch as `summary.json` holds it and `--json` prints it; times are in UTC."""
    clean = without_secrets(batch)
    runs = runs_of(clean)
    return {
        "schema": SCHEMA,
        "batch_id": clean.batch_id,
        "name": clean.spec.name,
        "verdict": clean.verdict,
        "headline": clean.headline,
        "started_at": _instant(clean.started_at),
        "ended_at": _instant(clean.ended_at),
        "seconds": _seconds(clean.started_at, clean.ended_at),
        "counts": counted_of(runs),
        "totals": dict(clean.totals),
        "stop": clean.stop,
        "next": list(next_of(clean, runs)),
        "runs": [_as_document(run) for run in runs],
        "command": clean.spec.command,
        "versions": dict(clean.versions),
    }


def _as_document(run: Run) -> dict[str, Any]:
    latest = run.latest
    return {
        "row": run.row.number,
        "label": run.row.label,
        "attempt": latest.attempt,
        "verdict": run.word,
        "reason": latest.reason,
        "cell": latest.cell,
        "error": latest.error,
        "seconds": latest.seconds,
        "notebook": latest.notebook,
        "report": latest.report,
        "rollouts": list(latest.rollouts),
        "counts": dict(latest.counts),
        "parameters": dict(run.row.parameters),
    }


def _instant(at: datetime | None) -> str | None:
    """Give an instant in UTC to the second, as every reader of JSON understands it."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - start).total_seconds())
