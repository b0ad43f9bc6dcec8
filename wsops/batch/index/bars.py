"""The bars of a timeline: attempts placed in per cent of its width, the short ones drawn as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wsops.batch.records import Batch
from wsops.looks import sign_of, tone_of, worded
from wsops.text import lasting

_THIN = 0.15  # per cent of the width: two bars that thin cannot be told apart
_LEAST = 0.3  # narrower ones are drawn as wide as this, or nobody would see them
_SIGNED = 2.2  # a sign has room in what is wider
_MARKED = frozenset({"open", "warn", "bad"})

TONES = ("good", "quiet", "open", "warn", "bad")
"""How bars look; what is drawn last lies on top."""


@dataclass(frozen=True)
class Span:
    """When an attempt ran; one that has not ended ends when it is looked at."""

    worker: str
    row: int
    label: str
    attempt: int
    word: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Bar:
    """An attempt, or several that are too short to be told apart; `row` is that of the first.

    `left` and `width` are in per cent.
    """

    left: float
    width: float
    word: str
    row: int
    says: str
    runs: int = 1

    @property
    def tone(self) -> str:
        """How it looks."""
        return tone_of(self.word)

    @property
    def sign(self) -> str:
        """What stands in it; "" where there is no room, or nothing to see."""
        return sign_of(self.word) if self.tone in _MARKED and self.width >= _SIGNED else ""


def spans_of(batch: Batch, now: datetime) -> Iterator[Span]:
    """Give when each attempt ran; those that have not begun are left out."""
    for one in batch.attempts:
        if one.started_at is None or (one.state == "ended" and one.ended_at is None):
            continue
        start = one.started_at
        end = one.ended_at or now
        word = one.word
        yield Span(one.worker, one.row, one.label, one.attempt, word, start, max(start, end))


def bars_of(spans: Sequence[Span], zero: datetime, whole: float) -> tuple[Bar, ...]:
    """Place the spans of one lane, in the order of their begins, over `whole` seconds."""
    bars: list[Bar] = []
    for span in spans:
        bar = _bar(span, zero, whole)
        if bars and _alike(bars[-1], bar):
            bars[-1] = _merged(bars[-1], bar)
        else:
            bars.append(bar)
    seen = (replace(bar, width=max(bar.width, min(_LEAST, 100 - bar.left))) for bar in bars)
    return tuple(sorted(seen, key=lambda bar: TONES.index(bar.tone)))


def _bar(span: Span, zero: datetime, whole: float) -> Bar:
    left = (span.start - zero).total_seconds() / whole * 100
    again = f" (attempt {span.attempt})" if span.attempt > 1 else ""
    begun = f"{span.start.astimezone():%H:%M:%S}"
    how = f"{worded(span.word)}, {lasting(span.seconds)}, from {begun}"
    says = f"{span.row} {span.label}{again}: {how}"
    return Bar(min(left, 100 - _LEAST), span.seconds / whole * 100, span.word, span.row, says)


def _alike(one: Bar, other: Bar) -> bool:
    """Tell whether two bars would be seen as one."""
    gap = other.left - one.left - one.width
    thin = other.width < _THIN and one.width / one.runs < _THIN
    return thin and one.word == other.word and gap < _THIN


def _merged(one: Bar, other: Bar) -> Bar:
    width = max(one.width, other.left + other.width - one.left)
    runs = one.runs + other.runs
    says = f"{runs} short runs from row {one.row}: {worded(one.word)}"
    return replace(one, width=width, runs=runs, says=says)
