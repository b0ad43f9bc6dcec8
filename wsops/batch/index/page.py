"""`index.html`: what became of a batch, on one page that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from wsops.batch.index import causes
from wsops.batch.index.commands import next_of
from wsops.batch.index.given import changes_of, given_to
from wsops.batch.index.lines import lines_of
from wsops.batch.index.links import Links
from wsops.batch.index.spec import carried
from wsops.batch.index.timeline import timeline_of
from wsops.batch.records import Batch
from wsops.batch.summing import counted_of, done_of, runs_of, troubles_of, without_secrets
from wsops.pages import Press
from wsops.text import lasting

_MOST_NEXT = 12
_MOST_TROUBLES = 1_000


class IndexRenderer:
    """Makes the pages of batches; template, style and script are read once."""

    def __init__(self) -> None:
        self._press = Press("wsops.batch.index", "index")

    def render(self, batch: Batch, folder: Path | None, *, now: datetime | None = None) -> str:
        """Give the page of a batch; the same batch at the same instant gives the same bytes.

        Args:
            batch: as it stands, ended or not.
            folder: where the page will lie, which is asked for the files that it links to; None
                for a page without links.
            now: the instant at which it stands so; the present where it is not given.

        Raises:
            SettingsError: the page would still hold a registered secret.
        """
        clean = without_secrets(batch)
        return self._press.page(
            clean.batch_id, **_content(clean, Links(folder), now or datetime.now().astimezone())
        )


def page(batch: Batch, folder: Path | None, *, now: datetime | None = None) -> str:
    """Give the page of a batch, as `IndexRenderer` does."""
    return _renderer().render(batch, folder, now=now)


@cache
def _renderer() -> IndexRenderer:
    return IndexRenderer()


def _content(batch: Batch, links: Links, now: datetime) -> Mapping[str, Any]:
    runs = runs_of(batch)
    lines = tuple(lines_of(runs, links, now))
    running = batch.ended_at is None
    needing, unknown = troubles_of(runs)
    commands = next_of(batch, runs)
    return {
        "batch": batch,
        "spec": batch.spec,
        "running": running,
        "now": now.astimezone(),
        "started": batch.started_at.astimezone(),
        "ended": batch.ended_at.astimezone() if batch.ended_at else None,
        "counts": counted_of(runs),
        "totals": {word: number for word, number in batch.totals.items() if number},
        "done": done_of(runs),
        "change": changes_of(batch.spec.rows),
        "lines": lines,
        "causes": causes.causes_of(lines, running=running),
        "most_causes": causes.MOST,
        "help": needing[:_MOST_TROUBLES],
        "more_help": max(0, len(needing) - _MOST_TROUBLES),
        "unknown": unknown[:_MOST_TROUBLES],
        "more_unknown": max(0, len(unknown) - _MOST_TROUBLES),
        "next": commands[:_MOST_NEXT],
        "more_next": max(0, len(commands) - _MOST_NEXT),
        "timeline": timeline_of(batch, now),
        "given": given_to(batch.spec.rows),
        "how": _how(batch),
        "carried": carried(batch),
    }


def _how(batch: Batch) -> dict[str, str]:
    """Say how the runs were carried out, by name."""
    spec = batch.spec
    found = {
        "Notebook": spec.notebook,
        "SHA-256 of it": spec.notebook_sha256[:16],
        "Kernels": spec.kernels,
        "Workers": f"{spec.workers:,}",
        "Executor": spec.executor,
        "Deadline of a run": lasting(spec.deadline) if spec.deadline else "none",
        "Memory of a kernel": f"{spec.memory:,} MiB" if spec.memory else "no limit",
    }
    return {name: value for name, value in found.items() if value}
