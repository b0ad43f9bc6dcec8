"""The table of an index: a line for each row, its older attempts folded below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from wsops.batch.index.links import Links
from wsops.batch.records import Attempt
from wsops.batch.summing import Run
from wsops.text import lasting

_CUT = 170  # characters of a reason that are seen before it is unfolded
_LONGEST_NAME = 80
_MOST_LINES = 40


@dataclass(frozen=True)
class Line:
    """An attempt as the table shows it.

    `reason` is cut, `whole` its lines where something was cut off. `seconds` is None and `took` ""
    where it has not begun; `report` and `notebook` are links, "" where there is no such file.
    """

    number: int
    label: str
    word: str
    attempt: int
    cell: int
    error: str
    reason: str
    whole: tuple[str, ...]
    seconds: float | None
    took: str
    counts: Mapping[str, int]
    desktops: int
    report: str
    notebook: str
    older: tuple[Line, ...] = ()

    @property
    def name(self) -> str:
        """What people call it, cut; its number where it has no label."""
        label = self.label or f"row {self.number}"
        return label if len(label) <= _LONGEST_NAME else f"{label[:_LONGEST_NAME]}…"

    @property
    def where(self) -> str:
        """Where it failed: "cell 8, NotAllowed"; "" where nobody knows."""
        cell = f"cell {self.cell}" if self.cell else ""
        return ", ".join(filter(None, (cell, self.error)))


def lines_of(runs: Iterable[Run], links: Links, now: datetime) -> Iterator[Line]:
    """Give the lines of the table; `now` is when those that run are looked at."""
    for run in runs:
        older = tuple(_line(run.row.label, one, one.word, links, now, ()) for one in run.older)
        yield _line(run.row.label, run.latest, run.word, links, now, older)


def cut(reason: str) -> tuple[str, tuple[str, ...]]:
    """Give a reason on one line, cut, and all its lines; no lines where nothing is cut off."""
    lines = tuple(short for line in reason.splitlines() if (short := " ".join(line.split())))
    whole = " · ".join(lines)
    if len(whole) <= _CUT:
        return whole, ()
    return f"{whole[:_CUT].rstrip()}…", lines[:_MOST_LINES]


def _line(  # noqa: PLR0913, PLR0917  (what a line is made of)
    label: str, one: Attempt, word: str, links: Links, now: datetime, older: tuple[Line, ...]
) -> Line:
    seconds = one.seconds
    if one.state == "running" and one.started_at is not None:
        seconds = max(0.0, (now - one.started_at).total_seconds())
    reason, whole = cut(one.reason)
    counts = {word: number for word, number in one.counts.items() if number and word != "pools"}
    return Line(
        number=one.row,
        label=label,
        word=word,
        attempt=one.attempt,
        cell=one.cell,
        error=one.error,
        reason=reason,
        whole=whole,
        seconds=seconds,
        took="" if seconds is None else lasting(seconds),
        counts=counts,
        desktops=sum(counts.values()),
        report=links.to(one.report),
        notebook=links.to(one.notebook),
        older=older,
    )
