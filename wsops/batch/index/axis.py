"""The axis of a timeline: few marks, at round numbers, each in one unit."""

from __future__ import annotations

from dataclasses import dataclass

_MOST = 5
_UNITS = ((1, "s"), (60, "min"), (3600, "h"), (86_400, "d"))
_ROUND = {1: (1, 2, 5, 10, 15, 30), 60: (1, 2, 5, 10, 15, 30), 3600: (1, 2, 3, 6, 12)}


@dataclass(frozen=True)
class Tick:
    """A mark of the axis; `left` in per cent."""

    left: float
    words: str


def ticks_over(seconds: float) -> tuple[Tick, ...]:
    """Give the marks of a length of time, the first at its begin."""
    step, unit, word = _step(seconds)
    marks = range(int(seconds // step) + 1)
    return tuple(
        Tick(number * step / seconds * 100, f"{number * step // unit:,} {word}" if number else "0")
        for number in marks
    )


def _step(seconds: float) -> tuple[int, int, str]:
    """Give the shortest round step that makes few marks, its unit and that one's name."""
    for unit, word in _UNITS:
        for number in _ROUND.get(unit, ()):
            if seconds / (number * unit) <= _MOST:
                return number * unit, unit, word
    day, word = _UNITS[-1]
    return day * (1 + int(seconds / day / _MOST)), day, word
