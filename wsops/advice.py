"""What to type next, from how a run stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from wsops import locks
from wsops.outcome import left, run_key
from wsops.plan import Plan
from wsops.rows import ItemRow, RunRow
from wsops.verdicts import reason_to_stop
from wsops.verify import GOOD_ENDS

_MOST_NAMED = 4


def next_commands(
    run: RunRow, rows: Sequence[ItemRow], verdict: str, plan: Plan | None
) -> tuple[str, ...]:
    """Give the commands to type next; none where all is well, or a process is at it.

    Without its plan, which may be damaged, it is not known from which image a pool that was not
    touched was to be rebuilt; after a failed canary no other pool is to be, whoever stopped it.
    """
    if verdict == "running" and locks.holder(*run_key(run)):
        return ()
    if verdict in {"running", "unknown"}:
        return (f"wsops resume {run.run_id}",)
    if left(run, rows) == "send":
        return (f"wsops resume {run.run_id} --continue",)
    bad = [row for row in rows if row.verdict not in GOOD_ENDS]
    touched = [row for row in bad if row.touched]
    if plan is None or (plan.kind == "rebuild" and reason_to_stop(rows, plan)):
        plans = (*_repair(touched),)
    elif plan.kind == "rebuild":
        plans = (*_repair(touched), *_rebuild([row for row in bad if not row.touched], plan))
    else:
        plans = (*_repair(bad),)
    files = ("plan.json", *(f"plan-{number}.json" for number in range(2, len(plans) + 1)))
    return tuple(
        f"{what} -o {file}  # {why}" for (what, why), file in zip(plans, files, strict=False)
    )


def _repair(rows: Sequence[ItemRow]) -> Iterator[tuple[str, str]]:
    """Give the plan for what still differs; all pools are meant where they are many."""
    named = _named(rows) if len(rows) <= _MOST_NAMED else ""
    if rows:
        yield f"wsops plan repair{named}", "what still differs"


def _rebuild(rows: Sequence[ItemRow], plan: Plan) -> Iterator[tuple[str, str]]:
    """Give a plan for each image from which pools were to be rebuilt and were not."""
    images = {item.item_id: item.image_id for item in plan.items}
    for image in dict.fromkeys(images[row.item_id] for row in rows):
        named = _named([row for row in rows if images[row.item_id] == image])
        yield f"wsops plan rebuild{named} --image {shlex.quote(image)}", "what was not rebuilt"


def _named(rows: Sequence[ItemRow]) -> str:
    return "".join(f" {shlex.quote(row.pool_id)}" for row in rows)
