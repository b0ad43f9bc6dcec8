"""What went wrong in a batch, told once: runs that ended alike in one line, not in a hundred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from wsops.batch.index.lines import Line
from wsops.batch.words import FINE, NOT_BEGUN
from wsops.looks import tone_of

MOST = 8
"""Causes that are told; the table has them all."""

_NAMED = 12
_NOTHING_WRONG = FINE | NOT_BEGUN
_RANKS = {"bad": 0, "open": 1, "warn": 2}


@dataclass(frozen=True)
class Cause:
    """Runs that ended with one verdict, in one cell, by one error.

    `first` is one of them, `others` counts the reasons that differ in more than the run's name;
    `runs` are those that are named, `more` counts the rest.
    """

    first: Line
    total: int
    others: int
    runs: tuple[Line, ...]
    more: int


def causes_of(lines: Sequence[Line], *, running: bool) -> tuple[Cause, ...]:
    """Give what to look at: failures first, then what is unknown; the most frequent first.

    While the batch is `running`, what has not ended is as it should be.
    """
    fine = _NOTHING_WRONG | ({"running"} if running else frozenset())
    alike: dict[tuple[str, int, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line.word not in fine:
            alike[line.word, line.cell, line.error].append(line)
    causes = [_cause(group) for group in alike.values()]
    return tuple(sorted(causes, key=lambda one: (_rank(one.first.word), -one.total)))


def _cause(group: list[Line]) -> Cause:
    reasons = {_unnamed(line) for line in group}
    named = tuple(group[:_NAMED])
    return Cause(group[0], len(group), len(reasons) - 1, named, len(group) - len(named))


def _unnamed(line: Line) -> str:
    """Give the reason of a run without its name, which makes no other reason of it."""
    reason = "\n".join(line.whole) or line.reason
    return reason.replace(line.label, "") if line.label else reason


def _rank(word: str) -> int:
    return _RANKS.get(tone_of(word), len(_RANKS))
