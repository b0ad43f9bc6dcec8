"""A batch as it is told: its rows with how they stand, what is counted, who is in trouble."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from wsops.batch.records import Attempt, Batch, Row
from wsops.batch.words import FINE
from wsops.redact import scrubbed
from wsops.summary import Trouble
from wsops.text import count
from wsops.verdicts import EXIT_CODES

_ORDER = (
    *("done", "left_in_use", "planned", "partial", "failed", "error", "died", "overdue"),
    *("refused", "rejected", "held", "skipped", "interrupted", "unknown", "running"),
    *("waiting", "not_started"),
)

_TELL_ALL = EXIT_CODES.keys() - {"refused", "error"}
"""Verdicts of an attempt that knows how the desktops of its row are."""


@dataclass(frozen=True)
class Run:
    """A row with its newest attempt and the older ones, the oldest first.

    `word` is how it stands: a verdict, or running, waiting or not_started.
    """

    row: Row
    latest: Attempt
    older: tuple[Attempt, ...]
    word: str


def runs_of(batch: Batch) -> tuple[Run, ...]:
    """Give the rows of a batch in their order; one that has no attempt yet is waiting."""
    known = {row.number: row for row in batch.spec.rows}
    tried: dict[int, list[Attempt]] = defaultdict(list)
    for one in sorted(batch.attempts, key=lambda one: one.attempt):
        tried[one.row].append(one)
    numbers = sorted({*known, *tried})
    return tuple(_run(known.get(number), tried[number]) for number in numbers)


def _run(row: Row | None, tried: Sequence[Attempt]) -> Run:
    if row is None:
        row = Row(number=tried[0].row, label=tried[0].label)
    *older, latest = tried or [Attempt(attempt_id="", row=row.number, label=row.label)]
    return Run(row, latest, tuple(older), latest.word)


def counted_of(runs: Sequence[Run]) -> dict[str, int]:
    """Count the rows by how they stand: what went well first, what did not begin last."""
    found = Counter(run.word for run in runs)
    return {word: found[word] for word in (*_ORDER, *sorted({*found} - {*_ORDER})) if found[word]}


def done_of(runs: Sequence[Run]) -> str:
    """Say how many rows went well: "47 of 50 rows done, 2 of them with desktops left in use"."""
    fine = [run.word for run in runs if run.word in FINE]
    word = "planned" if fine and set(fine) == {"planned"} else "done"
    left = fine.count("left_in_use")
    more = f", {left:,} of them with desktops left in use" if left else ""
    return f"{len(fine):,} of {count(len(runs), 'row')} {word}{more}"


def troubles_of(runs: Sequence[Run]) -> tuple[tuple[Trouble, ...], tuple[Trouble, ...]]:
    """Give the desktops whose users need help, and those that are unknown, each once."""
    telling = [_telling(run) for run in runs]
    return (
        tuple(dict.fromkeys(one for attempt in telling for one in attempt.help)),
        tuple(dict.fromkeys(one for attempt in telling for one in attempt.unknown)),
    )


def _telling(run: Run) -> Attempt:
    """Give the newest attempt that knows how the desktops of a row are.

    One that waits, died, was never started or was refused says nothing of those that an earlier
    one left behind.
    """
    for one in (run.latest, *reversed(run.older)):
        told = one.state == "ended" and one.verdict in _TELL_ALL
        if one.help or one.unknown or told:
            return one
    return run.latest


def without_secrets(batch: Batch) -> Batch:
    """Give a batch with every registered secret in it masked, wherever it stands."""
    return Batch.model_validate(scrubbed(batch.model_dump(by_alias=True)))
