"""What became of an attempt: from its notebook, its process, and what the journal has of it.

The notebook says what it came to, in its outputs; where its process did not end well it cannot be
believed to know; and of what was sent the journal knows more than both. What papermill notes of a
cell only tells which one broke off, never how a run ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from wsops.batch.folder import place_of
from wsops.batch.records import Attempt
from wsops.batch.words import BROKE_OFF, FINE, OPEN
from wsops.kernels import Played
from wsops.outcome import Standing
from wsops.report import Ending, ending_of
from wsops.report.cells import numbered
from wsops.verdicts import in_need, totals, undecided

_BY_ERROR = {"cell": "failed", "start": "error"}
_BADLY = BROKE_OFF | {"failed"}
_NOTHING_SAID = "no verdict"


def judged(attempt: Attempt, played: Played) -> Attempt:
    """Give an attempt with what its notebook and its process say of it."""
    if played.notebook is None:
        verdict = _BY_ERROR.get(played.error, played.error or "error")
        return attempt.model_copy(update=_own({"verdict": verdict, "reason": played.message}))
    ending = ending_of(played.notebook)
    said = ending.summary
    facts: dict[str, Any] = {
        "counts": dict(said.counts),
        "help": said.help,
        "unknown": said.unknown,
        "next": said.next,
        "place": said.place,
    }
    found = _verdict(played, ending)
    return attempt.model_copy(update=facts | _own(found))


def _own(found: dict[str, Any]) -> dict[str, Any]:
    """Add that this is what the run itself says: the journal may yet know more."""
    return found | {"told": found["verdict"], "said": found["reason"]}


def settled(attempt: Attempt, standings: Sequence[Standing]) -> Attempt:
    """Give an attempt that is judged with what the journal has of the runs that it began."""
    if not standings:
        return attempt
    rows = [row for one in standings for row in one.items]
    own = attempt.told or attempt.verdict
    verdict = _with_journal(own, [one.verdict for one in standings])
    said = attempt.said if attempt.cell or own in _BADLY else ""
    is_open = (one.run.run_id for one in standings if one.verdict in OPEN)
    return attempt.model_copy(
        update={
            "rollouts": tuple(one.run.run_id for one in standings),
            "verdict": verdict,
            "reason": "; ".join(filter(None, (said, *_why(standings)))),
            "counts": {"pools": len(rows)} | totals(rows),
            "help": tuple(one for row in rows for one in in_need(row)),
            "unknown": tuple(one for row in rows for one in undecided(row)),
            "next": tuple(f"wsops resume {run_id}" for run_id in is_open),
        }
    )


def _with_journal(own: str, words: Sequence[str]) -> str:
    """Give the verdict of a notebook over those of its runs: what is open first, then what broke.

    A notebook that ended badly after all it sent ended well has still ended badly.
    """
    open_ones = [word for word in OPEN if word in words]
    if open_ones or own in _BADLY:
        return open_ones[0] if open_ones else own
    different = set(words)
    if not different <= FINE:
        return different.pop() if len(different) == 1 else "partial"
    if own == "refused":  # what it did before has ended well
        return "partial"
    if own and own not in FINE and own not in OPEN:
        return own
    return "left_in_use" if "left_in_use" in different else "done"


def _why(standings: Sequence[Standing]) -> Iterator[str]:
    """Give what there is to say of the runs: how the open ones stand, why a pool was not well."""
    for one in standings:
        if one.verdict in OPEN:
            yield f"{one.run.run_id} is {one.verdict}: {one.reason}"
        elif one.verdict not in FINE:
            reasons = [row.reason for row in one.items if row.verdict not in FINE and row.reason]
            yield "; ".join(dict.fromkeys(reasons)) or one.reason


def _verdict(played: Played, ending: Ending) -> dict[str, Any]:
    """Give the verdict with its reason, the cell and the error, as fields of an attempt."""
    if played.error in {"", "cell"} and ending.failures:
        failure = ending.failures[0]
        reason = "; ".join(filter(None, (failure.message, failure.remedy)))
        facts = {"reason": reason, "cell": failure.cell, "error": failure.error}
        return {"verdict": failure.verdict, **facts}
    if played.error:
        verdict = _BY_ERROR.get(played.error, played.error)
        cell = _broke_off(played.notebook) or ending.at
        return {"verdict": verdict, "reason": played.message, "cell": cell}
    if ending.at or ending.verdict in {"not executed", "out of order"}:
        return {"verdict": "failed", "reason": ending.headline, "cell": ending.at}
    word = "done" if ending.verdict == _NOTHING_SAID else ending.summary.verdict
    return {"verdict": word, "reason": ending.headline}


def _broke_off(notebook: NotebookNode | None) -> int:
    """Give the number of the cell that our engine saw begin and not end; 0 where there is none."""
    cells = numbered(notebook) if notebook is not None else ()
    failed = (n for n, c in cells if c.metadata.get("papermill", {}).get("status") == "failed")
    return next(failed, 0)


def lost(attempt: Attempt, folder: Path, notebook: str) -> Attempt:
    """Give an attempt whose process is gone, as the folder of its batch shows it.

    `notebook` is the name of the batch's notebook.
    """
    path = f"{place_of(attempt)}/{notebook}"
    reason = "whoever ran it was killed, and it with it; nobody saw its end"
    known = path if (folder / path).is_file() else ""
    return attempt.over("died", reason, told="died", said=reason, notebook=known)
