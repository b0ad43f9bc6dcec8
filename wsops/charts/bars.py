"""Charts of bars: mismatches and images by pool, and lengths of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from matplotlib.axes import Axes

from wsops.audited import Audit
from wsops.charts.chart import INK, SOFT, Chart, Look, draw, lasting, legend, named, nothing
from wsops.models import Pool
from wsops.text import count

_ROW = 0.34
_HEAD = 0.55
_THICK = 0.62
_OWN: Look = {"facecolor": "#0b7285", "edgecolor": "#0b7285"}
_IN_USE: Look = {"facecolor": "#f6e3bd", "edgecolor": "#9a6200", "hatch": "////"}
_OTHERS: tuple[Look, ...] = (
    {"facecolor": "#f6e3bd", "edgecolor": "#9a6200", "hatch": "////"},
    {"facecolor": "#ddd5f7", "edgecolor": "#6b4fc8", "hatch": "\\\\\\\\"},
    {"facecolor": "#f5d3d7", "edgecolor": "#c02637", "hatch": "xxxx"},
    {"facecolor": "#cfe6d9", "edgecolor": "#1a7f4b", "hatch": "----"},
)
_REST: Look = {"facecolor": "#e6e9ef", "edgecolor": "#5a6475", "hatch": "||||"}
_REST_NAME = "any other image"


def mismatches_by_pool(audit: Audit, most: int = 20) -> Chart:
    """Draw how many desktops of each pool do not run its image, those in use or asleep apart.

    Pools with a mismatch only, most first, `most` of them at the most.
    """
    title = "Mismatches by pool"
    differ = Counter(row.pool_id for row in audit.mismatches)
    in_use = Counter(row.pool_id for row in audit.mismatches if row.in_use)
    pools = sorted((p for p in audit.pools if differ[p.id]), key=lambda p: (-differ[p.id], p.name))
    if not pools:
        return nothing(title)
    shown = pools[:most]

    def paint(axes: Axes) -> None:
        idle = [differ[pool.id] - in_use[pool.id] for pool in shown]
        busy = [in_use[pool.id] for pool in shown]
        _stack(axes, [(idle, _OWN), (busy, _IN_USE)])
        _label(axes, [f"{differ[pool.id]:,} of {pool.desktop_count:,}" for pool in shown], shown)
        legend(axes, [("not in use", _OWN), ("in use or asleep", _IN_USE)])
        _say_more(axes, len(pools) - len(shown), "pool")

    first = pools[0]
    alt = (
        f"Bars: {count(len(audit.mismatches), 'desktop')} in {len(pools):,} of "
        f"{count(len(audit.pools), 'pool')} do not run their pool's image, "
        f"{sum(in_use.values()):,} of them in use or asleep; most in "
        f"{named(first.name or first.id)} ({differ[first.id]:,} of {first.desktop_count:,})."
    )
    return Chart(draw(paint, _height(len(shown))), alt, title)


def image_generations(audit: Audit, most: int = 20) -> Chart:
    """Draw how many desktops of each pool run which image, the pool's own image first.

    Pools with the most mismatches first, `most` of them at the most; the four images that are met
    most often have a pattern of their own.
    """
    title = "Images by pool"
    fleet = _Fleet(audit)
    if not fleet.pools:
        return nothing(title)
    shown = fleet.pools[:most]

    def paint(axes: Axes) -> None:
        own = [fleet.own(pool) for pool in shown]
        parts, keys = [(own, _OWN)], [("the pool's own image", _OWN)]
        for image, look in zip(fleet.often, _OTHERS, strict=False):
            parts.append(([fleet.runs[pool.id, image] for pool in shown], look))
            keys.append((named(image, 28), look))
        rest = [fleet.rest(pool) for pool in shown]
        _stack(axes, [*parts, (rest, _REST)])
        pairs = zip(own, shown, strict=True)
        _label(axes, [f"{n:,} of {pool.desktop_count:,}" for n, pool in pairs], shown)
        legend(axes, [*keys, (_REST_NAME, _REST)] if any(rest) else keys)
        _say_more(axes, len(fleet.pools) - len(shown), "pool")

    return Chart(draw(paint, _height(len(shown))), fleet.in_words(), title)


class _Fleet:
    """Which images the desktops of an audit run, by pool."""

    def __init__(self, audit: Audit) -> None:
        met = [
            (row.pool_id, row.desktop_image_name or row.desktop_image_id or "unknown")
            for row in audit.mismatches
        ]
        self.runs = Counter(met)
        self.others = Counter(image for _, image in met)
        self.differ = Counter(pool_id for pool_id, _ in met)
        self.often = [image for image, _ in self.others.most_common(len(_OTHERS))]
        pools = (pool for pool in audit.pools if pool.desktop_count or self.differ[pool.id])
        self.pools = sorted(pools, key=lambda pool: (-self.differ[pool.id], pool.name))

    def own(self, pool: Pool) -> int:
        return max(0, pool.desktop_count - self.differ[pool.id])

    def rest(self, pool: Pool) -> int:
        return self.differ[pool.id] - sum(self.runs[pool.id, image] for image in self.often)

    def in_words(self) -> str:
        first = self.others.most_common(1)
        met = f"; most often {named(first[0][0])} ({first[0][1]:,})" if first else ""
        whole = sum(self.own(pool) for pool in self.pools)
        return (
            f"Stacked bars: in {count(len(self.pools), 'pool')} {count(whole, 'desktop')} run "
            f"their pool's own image and {sum(self.differ.values()):,} run "
            f"{count(len(self.others), 'other image')}{met}."
        )


def durations(
    seconds_by_label: Mapping[str, float], title: str = "How long it took", most: int = 40
) -> Chart:
    """Draw lengths of time in seconds, longest first, with a line at the median of them all."""
    order = sorted(seconds_by_label.items(), key=lambda pair: (-pair[1], pair[0]))
    if not order:
        return nothing(title)
    shown = order[:most]
    middle = median(seconds_by_label.values())

    def paint(axes: Axes) -> None:
        _stack(axes, [([max(0.0, seconds) for _, seconds in shown], _OWN)])
        _names(axes, [label for label, _ in shown])
        for place, (_, seconds) in enumerate(shown):
            _word(axes, max(0.0, seconds), place, lasting(seconds))
        axes.axvline(middle, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"median {lasting(middle)}",
            (middle, 1),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=SOFT,
        )
        _say_more(axes, len(order) - len(shown), "bar")

    (longest, most_seconds), (_, least) = order[0], order[-1]
    alt = (
        f"Bars: {count(len(order), 'length')} of time from {lasting(least)} to "
        f"{lasting(most_seconds)} ({named(longest)}), median {lasting(middle)}."
    )
    return Chart(draw(paint, _height(len(shown))), alt, title)


def _height(rows: int) -> float:
    return _HEAD + _ROW * rows + 0.25


def _stack(axes: Axes, parts: Sequence[tuple[Sequence[float], Look]]) -> None:
    """Draw bars one after the other from the left, the first row on top."""
    rows = len(parts[0][0])
    left = [0.0] * rows
    for lengths, look in parts:
        drawn = [(n, left[n], length) for n, length in enumerate(lengths) if length > 0]
        if drawn:
            places, begins, lengths_drawn = zip(*drawn, strict=True)
            axes.barh(places, lengths_drawn, left=begins, height=_THICK, linewidth=0.8, **look)
        left = [start + length for start, length in zip(left, lengths, strict=True)]
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0, max(left) or 1)
    axes.set_xticks([])


def _label(axes: Axes, texts: Sequence[str], pools: Sequence[Pool]) -> None:
    _names(axes, [pool.name or pool.id for pool in pools])
    ends = [0.0] * len(texts)
    for bar in axes.patches:
        place = round(bar.get_y() + bar.get_height() / 2)  # type: ignore[attr-defined]
        ends[place] = max(ends[place], bar.get_x() + bar.get_width())  # type: ignore[attr-defined]
    for place, (end, text) in enumerate(zip(ends, texts, strict=True)):
        _word(axes, end, place, text)


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [named(name) for name in names])


def _word(axes: Axes, end: float, place: int, text: str) -> None:
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    offset: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, (end, place), color=SOFT, bbox=paper, **offset)


def _say_more(axes: Axes, left: int, thing: str) -> None:
    if left:
        axes.set_xlabel(f"and {count(left, f'more {thing}')}", loc="left")
