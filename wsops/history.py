"""What the past teaches: since when desktops differ, who drifts again, how long the next will take.

Pure: works on what the journal has kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from wsops.audited import Audit
from wsops.models import names_of
from wsops.rows import AuditRow, ItemRow, RunRow
from wsops.verify import GOOD_ENDS

_ENOUGH = 3  # jobs of the past from which a forecast is made
_AGAIN = 2  # times from which a desktop is a repeat offender


@dataclass(frozen=True)
class Past:
    """What was done at a place, newest first: runs with their verdicts, items, recorded audits."""

    runs: tuple[RunRow, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    items: tuple[ItemRow, ...] = ()
    audits: tuple[AuditRow, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """How long a job of so many desktops may take, in seconds, by so many jobs of the past.

    `likely` is the median of the past, `late` what nine of ten did not exceed.
    """

    likely: float
    late: float
    jobs: int


@dataclass(frozen=True)
class Offender:
    """A desktop that did not end well, or differed again, more than once."""

    desktop: str
    user: str
    pool: str
    times: int
    last: str


def since(seen: Audit, kept: Iterable[AuditRow]) -> dict[str, datetime]:
    """Give, by desktop ID, when an audit first saw the mismatch that it still has.

    The same mismatch is the same desktop with the same image below the same image of its pool:
    an audit that did not look at its pool says nothing about it.
    """
    first: dict[tuple[str, str, str], datetime] = {}
    for audit in kept:
        for row in audit.mismatches:
            key = _key(row)
            first[key] = min(audit.at, first.get(key, audit.at))
    now = [(m.desktop_id, m.desktop_image_id, m.pool_image_id) for m in seen.mismatches]
    return {key[0]: first[key] for key in now if key in first}


def seconds_of(row: ItemRow) -> float | None:
    """Give how long an item took from its send to its verdict; None while one is missing."""
    if row.sent_at is None or row.ended_at is None:
        return None
    return (row.ended_at - row.sent_at).total_seconds()


def forecast(items: Iterable[ItemRow], desktops: int) -> Forecast | None:
    """Give how long a job over so many desktops may take; None where too little is known.

    The jobs that were nearest in size count: half to twice as many desktops, else all of them.
    """
    known = [
        (len(row.targets), seconds)
        for row in items
        if row.targets and row.job_id and (seconds := seconds_of(row)) is not None
    ]
    near = [seconds for size, seconds in known if desktops / 2 <= size <= desktops * 2]
    times = near if len(near) >= _ENOUGH else [seconds for _, seconds in known]
    if len(times) < _ENOUGH:
        return None
    return Forecast(median(times), quantiles(times, n=10, method="inclusive")[-1], len(times))


def forecasts_of(past: Past, seen: Audit) -> tuple[dict[str, int], dict[str, Forecast | None]]:
    """Give, by pool, how many desktops a repair would touch and how long it may take.

    A pool goes by its name, with its ID where several have the same.
    """
    names = names_of(seen.pools)
    sizes = dict(Counter(names[m.pool_id] for m in seen.mismatches))
    return sizes, {pool: forecast(past.items, number) for pool, number in sizes.items()}


def durations_of(past: Past, most: int) -> dict[str, float]:
    """Give how long the last `most` pools took, in seconds, by pool and item; oldest first."""
    known = [
        (row.ended_at, f"{row.pool_name} ({row.item_id})", seconds)
        for row in past.items
        if row.ended_at and (seconds := seconds_of(row)) is not None
    ]
    newest = sorted(known, reverse=True)[:most]
    return {label: seconds for _, label, seconds in reversed(newest)}


def offenders(past: Past) -> tuple[Offender, ...]:
    """Give the desktops that did not end well, or differed again, more than once; worst first."""
    times: Counter[str] = Counter()
    about: dict[str, tuple[str, str, str, str]] = {}
    for row in reversed(past.items):
        for desktop_id, end in row.desktops.items():
            if end["state"] in GOOD_ENDS:
                continue
            times[desktop_id] += 1
            target = row.targets.get(desktop_id, {})
            name = str(target.get("name") or desktop_id)
            about[desktop_id] = (name, str(target.get("user", "")), row.pool_name, end["reason"])
    for desktop_id, episodes in _episodes(past.audits).items():
        times[desktop_id] += max(0, len(episodes) - 1)
        latest = episodes[-1]
        about.setdefault(
            desktop_id,
            (latest["desktop_name"], latest["user_name"], latest["pool_name"], "differs again"),
        )
    often = [(n, desktop_id) for desktop_id, n in times.items() if n >= _AGAIN]
    return tuple(
        Offender(name, user, pool, n, last)
        for n, desktop_id in sorted(often, reverse=True)
        for name, user, pool, last in (about[desktop_id],)
    )


def _episodes(audits: Sequence[AuditRow]) -> dict[str, list[Mapping[str, Any]]]:
    """Give for each desktop the different mismatches that it had, oldest first."""
    found: dict[str, dict[tuple[str, str, str], Mapping[str, Any]]] = {}
    for audit in sorted(audits, key=lambda one: one.at):
        for row in audit.mismatches:
            found.setdefault(row["desktop_id"], {}).setdefault(_key(row), row)
    return {desktop_id: list(rows.values()) for desktop_id, rows in found.items()}


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["desktop_id"], row["desktop_image_id"], row["pool_image_id"]
