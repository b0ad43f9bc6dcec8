"""What to type after a batch, or while it runs: each command once, as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from wsops.batch.records import Batch
from wsops.batch.summing import Run
from wsops.batch.words import AGAIN, FINE, OPEN


def next_of(batch: Batch, runs: Sequence[Run]) -> tuple[str, ...]:
    """Give the commands to type, each once: what is unknown first, then the batch's own."""
    unknown = [run for run in runs if run.word in OPEN and run.latest.state == "ended"]
    others = [run for run in runs if run.word not in FINE and run.word not in OPEN]
    ours = _of_ended(batch, runs) if batch.ended_at else _of_running(batch, runs)
    return tuple(dict.fromkeys([*_typed(unknown), *ours, *_typed(others)]))


def _of_running(batch: Batch, runs: Sequence[Run]) -> Iterator[str]:
    """Give how to look at a batch that has not ended, and how to go on with it."""
    name = shlex.quote(batch.batch_id)
    if any(run.latest.state == "running" for run in runs):
        yield f"wsops batch status {name}"
        yield f"wsops batch resume {name}  # where nothing runs it any more"
    else:
        yield f"wsops batch resume {name}"


def _of_ended(batch: Batch, runs: Sequence[Run]) -> Iterator[str]:
    """Give how to try again what did not end well or was not begun; approved anew where it acts."""
    if any(run.word in AGAIN for run in runs):
        approved = " --apply  # asks how many desktops you approve now"
        again = f"wsops batch retry {shlex.quote(batch.batch_id)} --failed"
        yield f"{again}{approved if batch.spec.apply else ''}"
    if any(run.latest.rollouts for run in runs):
        yield f"wsops handover {shlex.quote(batch.batch_id)}"


def _typed(runs: Sequence[Run]) -> Iterator[str]:
    return (line for run in runs for line in run.latest.next)
