"""Figures, and the page that shows them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

_SHOWN = ("wsops", "httpx", "pydantic", "sqlalchemy", "uvicorn", "huaweicloudsdkworkspace")


@dataclass(frozen=True)
class Figure:
    """One line of the report; `met` is None where there is no goal."""

    what: str
    values: tuple[float, ...]
    unit: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells."""
        low, high = min(self.values), max(self.values)
        spread = f"{_short(low)}-{_short(high)}" if len(self.values) > 1 else ""
        met = {True: "met", False: "**not met**", None: ""}[self.met]
        middle = f"{_short(median(self.values))} {self.unit}"
        return (self.what, middle, spread, str(len(self.values)), self.ratio, self.goal, met)


def ratio(slow: Sequence[float], fast: Sequence[float]) -> tuple[float, str]:
    """Compare two sides round by round: the median of the ratios, and it with its spread."""
    found = [one / other for one, other in zip(slow, fast, strict=False)]
    middle = median(found)
    return middle, f"{middle:.1f}x ({min(found):.1f}-{max(found):.1f})"


def compared(
    what: str, fast: Sequence[float], slow: Sequence[float], least: float, *, judged: bool
) -> Figure:
    """Give the line of a goal of the form "so many times faster"."""
    middle, text = ratio(slow, fast)
    met = middle >= least if judged else None
    return Figure(what, tuple(fast), "s", text, f">= {least:g}x", met)


def bounded(what: str, values: Sequence[float], unit: str, most: float, *, judged: bool) -> Figure:
    """Give the line of a goal of the form "at most so much"."""
    met = median(values) < most if judged else None
    return Figure(what, tuple(values), unit, "", f"< {most:g} {unit}", met)


Room = Sequence[Figure] | Exception
"""What became of a room: its figures, or the error that it ended with."""


def met(room: Room) -> bool:
    """Tell whether a room was measured and no goal in it was missed."""
    return not isinstance(room, Exception) and all(figure.met is not False for figure in room)


def page(rooms: dict[str, Room], *, quick: bool, seconds: float) -> str:
    """Write the report of the rooms that are through."""
    lines = ["# Speed", "", _when_and_where(seconds), ""]
    if quick:
        lines += ["A cut: too small a fleet for the goals, which are not judged here.", ""]
    for title, room in rooms.items():
        lines += [f"## {title}", "", *_body(room), ""]
    return "\n".join(lines)


def _body(room: Room) -> list[str]:
    """Give a room's table; of an error the kind alone, its words may name places of the machine."""
    if isinstance(room, Exception):
        return [f"**failed**, not measured: {type(room).__name__}"]
    return table(room)


def table(figures: Sequence[Figure]) -> list[str]:
    """Write the figures as a table."""
    head = ("what", "median", "spread", "n", "ratio", "goal", "")
    rows = [head, ("---",) * len(head), *(figure.cells for figure in figures)]
    return ["| " + " | ".join(cells) + " |" for cells in rows]


def save(text: str, place: Path | None) -> None:
    """Write the report to its place if it has one."""
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def _when_and_where(seconds: float) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores, {platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}; {versions}. "
        f"The run took {seconds:.0f} s; load average at its end {load}."
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
