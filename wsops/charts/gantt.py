"""The timeline of jobs: when each desktop's part began and ended, and how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from wsops.charts.chart import LINE, SOFT, Chart, Look, draw, lasting, legend, named, nothing
from wsops.models import Job, SubJob
from wsops.text import count, instant

_TITLE = "Timeline of the desktops"
_ROW = 0.26
_LOOKS: dict[str, Look] = {
    "failed": {"facecolor": "#f5d3d7", "edgecolor": "#c02637", "hatch": "xxxx"},
    "not ended": {"facecolor": "#ddd5f7", "edgecolor": "#6b4fc8", "hatch": "////"},
    "done": {"facecolor": "#0b7285", "edgecolor": "#0b7285"},
}
_ORDER = tuple(_LOOKS)


@dataclass(frozen=True)
class _Part:
    """A sub-job as drawn; times in seconds since the epoch, None where nobody told."""

    name: str
    how: str
    begin: float | None
    end: float | None
    words: str


def timeline(jobs: Job | Sequence[Job], most: int = 60, now: datetime | None = None) -> Chart:
    """Draw the sub-jobs from begin to end: failed ones first, `most` of them at the most.

    What has not ended is drawn until `now`, or until the last instant that the jobs tell of.
    """
    subs = [sub for job in ((jobs,) if isinstance(jobs, Job) else jobs) for sub in job.sub_jobs]
    parts = sorted((_part(sub) for sub in subs), key=_place)
    if not parts:
        return nothing(_TITLE)
    told = [at for part in parts for at in (part.begin, part.end) if at is not None]
    zero = min(told, default=0.0)
    last = max([*told, *([now.timestamp()] if now else [])], default=zero)
    shown = parts[:most]

    def paint(axes: Axes) -> None:
        for row, part in enumerate(shown):
            _bar(axes, row, part, zero, last)
        _scale(axes, shown, zero, last, told=bool(told))
        met = {part.how for part in shown}
        legend(axes, [(how, look) for how, look in _LOOKS.items() if how in met])
        if len(parts) > len(shown):
            more = f"and {count(len(parts) - len(shown), 'more desktop')}"
            axes.set_xlabel(f"{more}        {axes.get_xlabel()}", loc="left")

    return Chart(draw(paint, 1.0 + _ROW * len(shown)), _alt(parts, last - zero), _TITLE)


def _part(sub: SubJob) -> _Part:
    how = "done" if sub.good else "failed" if sub.final else "not ended"
    begin, end = _seconds(sub.begin_time), _seconds(sub.end_time)
    name = sub.entities.desktop_name or sub.desktop_id or sub.id or "?"
    if how == "failed":
        words = f"failed {named(f'{sub.error_code} {sub.fail_reason}'.strip(), 36)}".strip()
    elif how == "not ended":
        done = "not begun" if begin is None else f"{sub.process or 0} %"
        words = f"{named(sub.status, 20) or 'unknown'}, {done}"
    else:
        words = "" if begin is None or end is None else lasting(max(0.0, end - begin))
    return _Part(name, how, begin, end, words)


def _place(part: _Part) -> tuple[int, float, str]:
    return _ORDER.index(part.how), math.inf if part.begin is None else part.begin, part.name


def _bar(axes: Axes, row: int, part: _Part, zero: float, last: float) -> None:
    """Draw a part from its begin; one without an end reaches to the last instant."""
    right = 0.0
    if part.begin is not None:
        end = last if part.end is None else max(part.end, part.begin)
        left, right = (part.begin - zero) / 60, (end - zero) / 60
        axes.barh(row, right - left, left=left, height=0.62, linewidth=0.9, **_LOOKS[part.how])
    color = "#c02637" if part.how == "failed" else SOFT
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "size": 8.5}
    axes.annotate(part.words, (right, row), (6, 0), color=color, **place)


def _scale(axes: Axes, shown: Sequence[_Part], zero: float, last: float, *, told: bool) -> None:
    axes.set_yticks(range(len(shown)), [named(part.name) for part in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, max((last - zero) / 60, 1 / 60))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(axis="x", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    if told:
        since = instant(datetime.fromtimestamp(zero, UTC))
        axes.set_xlabel(f"minutes since {since}", loc="left")


def _alt(parts: Sequence[_Part], seconds: float) -> str:
    counts = [f"{sum(part.how == how for part in parts):,} {how}" for how in reversed(_ORDER)]
    return (
        f"Timeline of {count(len(parts), 'desktop')} over {lasting(seconds)}: {', '.join(counts)}."
    )


def _seconds(text: str) -> float | None:
    """Read an instant of the service, which is in UTC where it does not say so."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
