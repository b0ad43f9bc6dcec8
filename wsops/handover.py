"""A run in the words of the help desk: who is concerned, and three lines to mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsops.files import as_csv
from wsops.outcome import verdict_of
from wsops.rows import ItemRow, RunRow
from wsops.text import visible

_COLUMNS = ("user", "desktop", "pool", "state", "reason")
_HELP = frozenset({"failed", "mismatch", "missed", "not_ready", "stalled", "gone", "beyond"})


def as_csv_text(rows: Sequence[ItemRow]) -> str:
    """Give one line a desktop: user, desktop, pool, state, reason; those in need come first."""
    lines = [
        (
            target.get("user", ""),
            target.get("name") or desktop_id,
            row.pool_name,
            *_state(row, desktop_id),
        )
        for row in rows
        for desktop_id, target in row.targets.items()
    ]
    return as_csv(
        _COLUMNS, sorted(lines, key=lambda line: (line[3] in {"done", "left_in_use"}, line))
    )


def mail_lines(run: RunRow, rows: Sequence[ItemRow], verdict: str, csv_name: str) -> list[str]:
    """Give three lines to mail: what was done, who needs help, what is not known yet."""
    counts = Counter(_state(row, d)[0] for row in rows for d in row.targets)
    needing = sum(counts[state] for state in _HELP)
    open_ = counts["unknown"] + counts["running"]
    left = (
        f", {counts['left_in_use']} left because someone used them" if counts["left_in_use"] else ""
    )
    done = (
        f"{run.environment}: desktops of {len(rows)} pools were recomposed on "
        f"{run.started_at:%Y-%m-%d %H:%M} UTC"
        f"{f' for change {visible(run.change)}' if run.change else ''}: "
        f"{counts['done']} are back{left} (verdict: {verdict.replace('_', ' ')})."
    )
    pools = Counter(
        visible(r.pool_name) for r in rows for d in r.targets if _state(r, d)[0] in _HELP
    )
    where = ", ".join(f"{pool} {n}" for pool, n in pools.most_common(5))
    helped = (
        f"{needing} desktops need help ({where}); their users may be unable to log in."
        if needing
        else "No desktop needs help."
    )
    tail = f"{open_} are still running or unknown; " if open_ else ""
    return [done, helped, f"{tail}All desktops with their users are in {csv_name}."]


def _state(row: ItemRow, desktop_id: str) -> tuple[str, str]:
    end = row.desktops.get(desktop_id)
    if end is not None:
        return end["state"], end["reason"]
    standing = verdict_of(row)
    return standing, row.reason
