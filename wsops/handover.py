"""A run in the words of the help desk: who is concerned, and three lines to mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsops.files import as_csv
from wsops.outcome import verdict_of
from wsops.rows import ItemRow, RunRow
from wsops.text import count, instant, visible
from wsops.verdicts import NEEDS_HELP

_COLUMNS = ("user", "desktop", "pool", "state", "reason")


def as_csv_text(rows: Sequence[ItemRow]) -> str:
    """Give one line a desktop that was touched: user, desktop, pool, state, reason.

    Those in need come first.
    """
    lines = [
        (
            target.get("user", ""),
            target.get("name") or desktop_id,
            row.pool_name,
            *_state(row, desktop_id),
        )
        for row in rows
        if row.touched
        for desktop_id, target in row.targets.items()
    ]
    return as_csv(
        _COLUMNS, sorted(lines, key=lambda line: (line[3] in {"done", "left_in_use"}, line))
    )


def mail_lines(run: RunRow, rows: Sequence[ItemRow], verdict: str, csv_name: str) -> list[str]:
    """Give three lines to mail: what was done, who needs help, what is open or was not touched."""
    touched = [row for row in rows if row.touched]
    ends = [(row, _state(row, desktop_id)[0]) for row in touched for desktop_id in row.targets]
    counts = Counter(state for _, state in ends)
    return [
        _what_was_done(run, len({row.pool_id for row in touched}), counts, verdict),
        _who_needs_help(Counter(visible(row.pool_name) for row, end in ends if end in NEEDS_HELP)),
        _what_is_open(counts, sum(not row.touched for row in rows), csv_name),
    ]


def _what_was_done(run: RunRow, pools: int, counts: Counter[str], verdict: str) -> str:
    under_way = counts["unknown"] + counts["running"]
    change = f" for change {visible(run.change)}" if run.change else ""
    left = counts["left_in_use"]
    spared = f", {left} left because someone used them" if left else ""
    return (
        f"{run.environment}: desktops of {count(pools, 'pool')} "
        f"{'are being' if under_way else 'were'} recomposed, begun {instant(run.started_at)}"
        f"{change}: {counts['done']} are back{spared} (verdict: {verdict.replace('_', ' ')})."
    )


def _who_needs_help(by_pool: Counter[str]) -> str:
    if not by_pool:
        return "No desktop is known to need help."
    where = ", ".join(f"{pool} {number}" for pool, number in by_pool.most_common(5))
    needing = count(by_pool.total(), "desktop")
    return f"In need of help: {needing} ({where}); their users may be unable to log in."


def _what_is_open(counts: Counter[str], untouched: int, csv_name: str) -> str:
    under_way = counts["unknown"] + counts["running"]
    facts = [
        f"{count(under_way, 'desktop')} still running or unknown." if under_way else "",
        f"{count(untouched, 'pool')} not touched." if untouched else "",
        f"All desktops that were touched, with their users, are in {csv_name}.",
    ]
    return " ".join(fact for fact in facts if fact)


def _state(row: ItemRow, desktop_id: str) -> tuple[str, str]:
    end = row.desktops.get(desktop_id)
    if end is not None:
        return end["state"], end["reason"]
    standing = verdict_of(row)
    return standing, row.reason
