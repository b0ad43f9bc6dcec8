"""Tables of what the past teaches: failures with what they share, repeat offenders, forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wsops.failures import Failure, grouped
from wsops.history import Forecast, Offender
from wsops.tables.columns import Column
from wsops.tables.table import Table

_FAILURES = (
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("pool"),
    Column("state", "state"),
    Column("code", "id"),
    Column("zone"),
    Column("image"),
    Column("why"),
)
_GROUPS = (
    Column("code", "id", "error code"),
    Column("zone"),
    Column("image"),
    Column("desktops", "count"),
    Column("pools", "count"),
)
_OFFENDERS = (
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("pool"),
    Column("times", "count"),
    Column("last"),
)
_FORECASTS = (
    Column("pool"),
    Column("desktops", "count"),
    Column("likely", "duration"),
    Column("late", "duration", "nine of ten within"),
    Column("jobs", "count", "jobs of the past"),
)


def failures(rows: Iterable[Failure]) -> Table:
    """Give failed desktops: desktop, user, pool, state, code, zone, image, why."""
    cells = (
        (one.desktop, one.user, one.pool, one.state, one.code, one.zone, one.image, one.reason)
        for one in rows
    )
    return Table.of(_FAILURES, cells, "Desktops that did not end well")


def failures_by_cause(rows: Iterable[Failure]) -> Table:
    """Give what failures share, the most frequent first: code, zone, image, desktops, pools."""
    cells = ((one.code, one.zone, one.image, one.desktops, one.pools) for one in grouped(rows))
    return Table.of(_GROUPS, cells, "What the failures have in common")


def offenders(rows: Iterable[Offender]) -> Table:
    """Give desktops that failed or differed more than once: desktop, user, pool, times, last."""
    cells = ((one.desktop, one.user, one.pool, one.times, one.last) for one in rows)
    return Table.of(_OFFENDERS, cells, "Repeat offenders")


def forecasts(sizes: Mapping[str, int], by_pool: Mapping[str, Forecast | None]) -> Table:
    """Give how long a repair of each pool may take: pool, desktops, likely, late, jobs.

    `sizes` maps pools to desktops; both spans are in seconds, missing where too little is known.
    """
    cells = (
        (pool, number, *_spans(by_pool.get(pool)))
        for pool, number in sorted(sizes.items(), key=lambda pair: -pair[1])
    )
    return Table.of(_FORECASTS, cells, "What the next repair may take")


def _spans(forecast: Forecast | None) -> tuple[float | None, float | None, int]:
    return (forecast.likely, forecast.late, forecast.jobs) if forecast else (None, None, 0)
