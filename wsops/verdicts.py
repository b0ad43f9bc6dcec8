"""What a pool, and a run, amounts to: pure rules over what is known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from wsops.plan import allowed_errors
from wsops.rows import ItemRow
from wsops.summary import Trouble
from wsops.text import count
from wsops.verify import GOOD_ENDS, End

EXIT_CODES = {
    "planned": 0,
    "done": 0,
    "left_in_use": 0,
    "error": 1,
    "running": 3,
    "unknown": 3,
    "partial": 4,
    "failed": 4,
    "skipped": 4,
    "held": 4,
    "rejected": 4,
    "refused": 5,
}
"""Exit codes by verdict; besides them: 2 usage, 130 interrupted, 143 terminated."""

NEEDS_HELP = frozenset({"failed", "mismatch", "missed", "not_ready", "stalled", "gone", "beyond"})
"""Ends of a desktop after which its user may be unable to work."""

_WORDS = {
    "done": "done",
    "left_in_use": "left in use",
    "failed": "failed",
    "mismatch": "ended well but run another image",
    "missed": "not touched",
    "not_ready": "not ready again",
    "stalled": "stalled",
    "gone": "gone",
    "unknown": "unknown",
    "beyond": "touched without approval",
}


def of_desktops(ends: Mapping[str, End]) -> tuple[str, str]:
    """Give the verdict of a pool and the reason, from how each of its desktops ended.

    *Done* needs every target read back with the wanted image; *left in use* is not a failure.
    """
    counts = Counter(end.state for end in ends.values())
    bad = {state: n for state, n in counts.items() if state not in GOOD_ENDS}
    if not bad:
        left = counts["left_in_use"]
        return ("left_in_use", f"{left} left in use") if left else ("done", "")
    why = Counter(f"{_WORDS[end.state]}: {end.reason}" for end in ends.values() if end.state in bad)
    reason = "; ".join(f"{n} {text}" for text, n in why.most_common(4))
    whole = sum(bad.values()) == len(ends) and set(bad) == {"failed"}
    return "failed" if whole else "partial", reason


def counts_of(row: ItemRow) -> dict[str, int]:
    """Count the desktops of an item by how they ended; before it has ended all are pending."""
    if row.desktops:
        return dict(Counter(end["state"] for end in row.desktops.values()))
    return {"pending": len(row.targets)} if row.live else {}


def totals(rows: Sequence[ItemRow]) -> dict[str, int]:
    """Count the desktops of a run by how they ended; a state's words have spaces."""
    whole: Counter[str] = Counter()
    for row in rows:
        whole.update(counts_of(row))
    return {state.replace("_", " "): number for state, number in whole.most_common()}


def once_each(rows: Sequence[ItemRow]) -> tuple[ItemRow, ...]:
    """Give the items that touched desktops, each desktop in the last one of them alone.

    A pool that was sent again touches only what had not ended well the first time.
    """
    seen: set[str] = set()
    found = []
    for row in reversed([row for row in rows if row.touched]):
        targets = {i: target for i, target in row.targets.items() if i not in seen}
        desktops = {i: end for i, end in row.desktops.items() if i not in seen}
        seen |= targets.keys() | desktops.keys()
        if targets or desktops:
            found.append(row.model_copy(update={"targets": targets, "desktops": desktops}))
    return tuple(reversed(found))


def in_need(row: ItemRow) -> Iterator[Trouble]:
    """Give the desktops of an item whose users may be unable to work."""
    for desktop_id, end in row.desktops.items():
        if end["state"] in NEEDS_HELP:
            yield _trouble(row, desktop_id, end["state"], end["reason"])


def undecided(row: ItemRow) -> Iterator[Trouble]:
    """Give the desktops of an item of which nobody knows what became."""
    if row.lost or row.state == "intent":
        yield from (_trouble(row, desktop_id, "unknown", row.reason) for desktop_id in row.targets)
    for desktop_id, end in row.desktops.items():
        if end["state"] == "unknown":
            yield _trouble(row, desktop_id, "unknown", end["reason"])


class Tolerance(Protocol):
    """How many errors are borne: a plan says it, and so do the limits of a profile."""

    @property
    def max_errors_share(self) -> float:
        """The share of the desktops attempted, 0-1."""

    @property
    def max_errors_least(self) -> int:
        """So many in any case."""


def reason_to_stop(
    rows: Sequence[ItemRow], tolerance: Tolerance, beside: Sequence[ItemRow] = ()
) -> str:
    """Say why no further pool may be sent; "" where one may.

    The canary is the first pool that was sent and not left alone because all its desktops were
    in use: anything but a good end of it stops the run. Later the run stops when more has gone
    wrong, over the whole run, than the approved threshold allows.
    `beside` is what the other runs of the same batch have sent, oldest first: the batch has one
    canary and one threshold, and what is only under way there has not failed.
    """
    mine = [row for row in rows if row.sent]
    canary = next(filter(teaches, (*beside, *mine)), None)
    if canary is not None and canary.live:
        return f"the canary, pool {canary.pool_name}, has not ended yet ({canary.state})"
    if canary is not None and not _worked(canary):
        return f"the canary, pool {canary.pool_name}, did not end well ({canary.verdict})"
    return errors_passed(mine, tolerance, beside)


def errors_passed(
    sent: Sequence[ItemRow], tolerance: Tolerance, beside: Sequence[ItemRow] = ()
) -> str:
    """Say that more has gone wrong than is borne, and how much; "" where it has not.

    Desktops that failed count, by those that were attempted; a pool counts once where nobody knows
    what became of it, or the service refused it. What is only under way in `beside` does not.
    """
    counted = [*sent, *(row for row in beside if row.state in {"ended", "unknown"})]
    attempted = sum(len(row.targets) for row in counted if row.touched)
    allowed = allowed_errors(attempted, tolerance.max_errors_share, tolerance.max_errors_least)
    desktops = sum(map(_failed, counted))
    pools = sum(row.state != "ended" or row.verdict == "rejected" for row in counted)
    if desktops + pools <= allowed:
        return ""
    errors = ((desktops, "desktop", "failed"), (pools, "pool", "refused or unknown"))
    told = ", ".join(f"{count(number, thing)} {how}" for number, thing, how in errors if number)
    return f"{told}; the approved threshold is {allowed}"


def teaches(row: ItemRow) -> bool:
    """Tell whether an item that was sent is a canary: not where all its desktops were in use."""
    return row.verdict != "left_in_use" or bool(counts_of(row).get("done"))


def of_run(rows: Sequence[ItemRow], stop: str = "") -> tuple[str, str]:
    """Give the verdict of a run and the reason; `stop` says why it was stopped, if it was."""
    verdicts = {row.verdict for row in rows if row.state == "ended"}
    waiting = any(row.state == "planned" for row in rows)
    reason = "; ".join(filter(None, (_counted(rows), stop)))
    if any(row.lost or row.state == "intent" for row in rows):
        return "unknown", reason
    if any(row.state == "accepted" for row in rows):
        return "running", reason
    if waiting and not verdicts:
        return ("refused" if stop else "error"), reason
    if waiting:
        return "partial", reason
    return _of_ended(verdicts), reason


def _counted(rows: Sequence[ItemRow]) -> str:
    """Count the pools of a run by how they stand: "22 of 24 pools done, 2 not sent"."""
    words = Counter(map(_word, rows)).most_common()
    (first, number), *others = words or [("planned", 0)]
    whole = f"{number} of {count(len(rows), 'pool')} {first}"
    return ", ".join((whole, *(f"{number} {word}" for word, number in others)))


def _word(row: ItemRow) -> str:
    if row.verdict == "left_in_use" and counts_of(row).get("done"):
        return "done but for desktops in use"
    if row.state == "ended":
        return row.verdict.replace("_", " ")
    return "not sent" if row.state == "planned" else "not ended"


def _of_ended(verdicts: set[str]) -> str:
    for only, verdict in (
        ({"done"}, "done"),
        ({"done", "left_in_use"}, "left_in_use"),
        ({"refused"}, "refused"),
        ({"held"}, "held"),
        ({"rejected"}, "rejected"),
        ({"failed", "rejected"}, "failed"),
    ):
        if verdicts <= only:
            return verdict
    return "partial"


def _worked(row: ItemRow) -> bool:
    return row.state == "ended" and row.verdict in GOOD_ENDS


def _failed(row: ItemRow) -> int:
    """Count the desktops of an item that did not end well."""
    return sum(1 for end in row.desktops.values() if end["state"] not in GOOD_ENDS)


def _trouble(row: ItemRow, desktop_id: str, state: str, reason: str) -> Trouble:
    target = row.targets.get(desktop_id, {})
    return Trouble(
        desktop_id=desktop_id,
        desktop=str(target.get("name") or desktop_id),
        user=str(target.get("user", "")),
        pool=row.pool_name or row.pool_id,
        state=state,
        reason=reason,
    )
