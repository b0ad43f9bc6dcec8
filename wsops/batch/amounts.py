"""What a batch amounts to: pure rules over its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsops.batch.records import Attempt
from wsops.batch.words import FINE, OPEN
from wsops.rows import ItemRow
from wsops.text import count
from wsops.verdicts import EXIT_CODES, teaches

_HARMLESS = frozenset({"done", "left_in_use", "planned", "skipped", "held"})
"""Ends of a canary after which the next row may follow: it worked, or it has changed nothing."""


def of_batch(latest: Sequence[Attempt], stop: str = "") -> tuple[str, str]:
    """Give the verdict of a batch and its headline, from the newest attempt of each row.

    *running* says that rows are left that may still be started, or that one has not ended; a run
    that nobody knows the outcome of makes the whole *unknown*.
    """
    ended = [one for one in latest if one.state == "ended"]
    words = Counter(one.verdict for one in ended)
    how = ", ".join(f"{number:,} {word.replace('_', ' ')}" for word, number in words.most_common())
    counted = f"{len(ended):,} of {count(len(latest), 'row')} ended" + (f": {how}" if how else "")
    headline = "; ".join(filter(None, (counted, stop)))
    verdict = _verdict(set(words), waiting=len(ended) < len(latest))
    if verdict == "refused" and any(one.attempt > 1 for one in latest):
        verdict = "failed"  # an earlier attempt may have sent
    return verdict, headline


def exit_code(verdict: str) -> int:
    """Give the exit code of a batch's verdict."""
    # 1 would say that nothing was begun, and that running it again is safe.
    return 4 if verdict == "error" else EXIT_CODES.get(verdict, 4)


def after_canary(tried: Sequence[Attempt], sent: Sequence[ItemRow]) -> tuple[bool, str]:
    """Tell whether the next row has to be the canary, and why none may follow, "" where one may.

    Args:
        tried: the attempts that have ended, in the order in which they were begun.
        sent: the items of the journal that they have sent.
    """
    for one in tried:
        if one.verdict not in _HARMLESS:
            how = "was refused" if one.verdict == "refused" else f"ended {one.verdict}"
            return True, f"the canary, row {one.row} ({one.label}), {how}"
        if any(row.run_id in one.rollouts and teaches(row) for row in sent):
            return False, ""
    return True, ""


def totals(latest: Sequence[Attempt]) -> dict[str, int]:
    """Count the desktops of a batch by how they ended, from what its rows have counted."""
    whole: Counter[str] = Counter()
    for one in latest:
        whole.update({word: number for word, number in one.counts.items() if word != "pools"})
    return {word: number for word, number in whole.most_common() if number}


def _verdict(words: set[str], *, waiting: bool) -> str:
    if waiting:
        return "running"
    for word in OPEN:
        if word in words:
            return word
    if words <= FINE:
        return next((word for word in ("planned", "left_in_use") if word in words), "done")
    if len(words - {"not_started"}) == 1 and "refused" in words:
        return "refused"
    if len(words) == 1:
        [only] = words
        return only if only in EXIT_CODES else "failed"
    return "partial" if words & FINE or "partial" in words else "failed"
