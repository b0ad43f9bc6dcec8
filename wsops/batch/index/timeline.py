"""The timeline of a batch: a lane for each worker, a bar for each attempt, placed in per cent.

The page draws it as it is: nothing here knows of pixels, so it fits a telephone and paper alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wsops.batch.index.axis import Tick, ticks_over
from wsops.batch.index.bars import TONES, Bar, Span, bars_of, spans_of
from wsops.batch.records import Batch
from wsops.looks import tone_of
from wsops.text import count, lasting


@dataclass(frozen=True)
class Lane:
    """What one worker ran: `busy` and `longest` in seconds."""

    worker: str
    bars: tuple[Bar, ...]
    runs: int
    busy: float
    longest: float


@dataclass(frozen=True)
class Timeline:
    """Lanes over a length of time, in seconds.

    `attempts` counts those that are drawn, `legend` by how they look and stand; `alt` says it in a
    sentence.
    """

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    start: datetime
    seconds: float
    attempts: int
    legend: Mapping[str, Mapping[str, int]]
    alt: str


def timeline_of(batch: Batch, now: datetime) -> Timeline | None:
    """Place every attempt that has begun; None before the first. What runs is drawn until `now`."""
    spans = sorted(spans_of(batch, now), key=lambda span: span.start)
    if not spans:
        return None
    start = spans[0].start
    seconds = max((max(span.end for span in spans) - start).total_seconds(), 1.0)
    counts = Counter(span.word for span in spans)
    return Timeline(
        lanes=tuple(_lane(worker, ran, start, seconds) for worker, ran in _by_worker(spans)),
        ticks=ticks_over(seconds),
        start=start,
        seconds=seconds,
        attempts=len(spans),
        legend=_legend(counts),
        alt=_alt(counts, seconds),
    )


def _by_worker(spans: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    """Give what each worker ran: it has run one at a time."""
    found: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        found[span.worker].append(span)
    return sorted(found.items(), key=lambda one: (len(one[0]), one[0]))  # worker 2 before 10


def _lane(worker: str, spans: Sequence[Span], start: datetime, seconds: float) -> Lane:
    lengths = [span.seconds for span in spans]
    bars = bars_of(spans, start, seconds)
    return Lane(worker, bars, len(spans), sum(lengths), max(lengths))


def _legend(counts: Counter[str]) -> Mapping[str, Mapping[str, int]]:
    """Give the words by how they look: what looks alike has one sample."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for word, number in counts.most_common():
        found[tone_of(word)][word] = number
    return {tone: found[tone] for tone in TONES if tone in found}


def _alt(counts: Counter[str], seconds: float) -> str:
    said = (f"{number:,} {word.replace('_', ' ')}" for word, number in counts.most_common())
    total = count(counts.total(), "attempt")
    return f"Timeline of {total} over {lasting(seconds)}: {', '.join(said)}."
