"""Which rows of a source run: those of a condition, and of these the first so many."""

from __future__ import annotations

from collections.abc import Sequence

from wsops.batch.spec.asked import Asked
from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.rows import Checked
from wsops.batch.spec.where import Where
from wsops.errors import SpecError
from wsops.text import count


def chosen(rows: Sequence[Checked], names: Sequence[str], asked: Asked) -> tuple[Checked, ...]:
    """Give the rows that --where and --limit leave, in their order; `names` are the parameters.

    Raises:
        SpecError: the condition is none, cannot be asked of a row, or leaves none of them.
    """
    if asked.limit < 0:
        msg = f"--limit {asked.limit} is no number of rows"
        raise SpecError(msg, remedy="give 1 or more")
    kept = _kept(rows, names, asked.where) if asked.where else rows
    if not kept:
        msg = f"--where leaves none of {count(len(rows), 'row')}"
        raise SpecError(msg, remedy="choose by another condition; no kernel was started")
    return tuple(kept[: asked.limit or None])


def _kept(rows: Sequence[Checked], names: Sequence[str], condition: str) -> list[Checked]:
    facts = [name for name in rows[0].facts if name not in names]
    try:
        where = Where(condition, [*names, *facts])
    except Unfit as error:
        msg = f"--where {error}"
        raise SpecError(msg, remedy="such as: --where 'mismatches > 10 and in_use == 0'") from None
    return [row for row in rows if _keeps(where, row)]


def _keeps(where: Where, row: Checked) -> bool:
    try:
        return where.keeps(row.whole)
    except Unfit as error:
        msg = f"{row.place}: --where {error}"
        raise SpecError(msg, remedy="correct the condition; no kernel was started") from None
