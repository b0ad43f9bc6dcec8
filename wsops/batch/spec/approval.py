"""The approval of a batch that applies: for each row its number of desktops and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wsops.batch.records import MISMATCHES, Spec
from wsops.batch.spec.asked import Asked
from wsops.batch.spec.declared import Notebook
from wsops.batch.spec.plain import Unfit, shown
from wsops.batch.spec.problems import Problems
from wsops.batch.spec.rows import APPLY, Checked
from wsops.batch.spec.typed import read_value
from wsops.errors import NotApproved, PlanError, SpecError
from wsops.parameters import read_images
from wsops.text import count

_NUMBER: Final = "max_desktops"
_IMAGES: Final = "expect_images"
_WANTED: Mapping[str, object] = {APPLY: True, _NUMBER: 1, _IMAGES: "an ID"}


def not_applied(rows: Sequence[Checked], notebook: Notebook) -> tuple[Mapping[str, Any], ...]:
    """Give the parameters of rows that only look, also where the notebook would apply by itself."""
    parameter = notebook.parameters.get(APPLY)
    if parameter is None or parameter.kind is not bool or parameter.default is False:
        return tuple(row.values for row in rows)
    return tuple({**row.values, APPLY: False} for row in rows)


def approved(
    rows: Sequence[Checked], notebook: Notebook, asked: Asked, problems: Problems
) -> tuple[tuple[Mapping[str, Any], ...], int]:
    """Give the parameters of rows that apply, and the approved total; 0 where nobody has said it.

    The total is what was asked for, or else the sum over the rows where each has its own number.

    Raises:
        SpecError: the notebook has not the parameters that an approval takes.
    """
    _check_notebook(notebook)
    _check_profile(rows, problems)
    numbers = [row.values[_NUMBER] for row in rows if _NUMBER in row.values]
    total = asked.max_desktops or (sum(numbers) if len(numbers) == len(rows) else 0)
    found = []
    for row in rows:
        number = row.values.get(_NUMBER, total)
        if number > total > 0 or (number < 1 and _NUMBER in row.values):
            why = (
                f"{number:,} is not one of 1 to {total:,}, which is approved for all rows together"
            )
            problems.add(row.place, why, _NUMBER)
        images = _images(row, asked, problems)
        found.append({**row.values, APPLY: True, _NUMBER: number, _IMAGES: images})
    return tuple(found), total


def with_total(spec: Spec, total: int) -> Spec:
    """Give a spec with the total that was approved later; rows without a number are given it.

    Raises:
        SpecError: a row has a number of its own that is larger.
        NotApproved: the total cannot be enough.
    """
    problems = Problems(f"{spec.name} with {count(total, 'desktop')}")
    rows = []
    for row in spec.rows:
        number = row.parameters[_NUMBER] or total
        if number > total:
            problems.add(f"row {row.number} ({row.label})", f"{number:,} is more", _NUMBER)
        rows.append(row.model_copy(update={"parameters": {**row.parameters, _NUMBER: number}}))
    problems.refuse()
    whole = spec.model_copy(update={"rows": tuple(rows), "max_desktops": total})
    check_total(whole)
    return whole


def check_total(spec: Spec) -> None:
    """Refuse a total that cannot be enough: rows would be refused when others are done.

    Raises:
        NotApproved: an audit has counted more desktops in the rows than are approved.
    """
    known = spec.summed(MISMATCHES)
    if known > spec.max_desktops > 0:
        found = count(known, "desktop")
        msg = f"the rows have {found} to repair, and {spec.max_desktops} are approved"
        remedy = f"approve {known}, or choose fewer rows by --where or --limit"
        raise NotApproved(msg, remedy=remedy)


def _check_notebook(notebook: Notebook) -> None:
    for name, value in _WANTED.items():
        try:
            read_value(notebook.parameters[name].kind, value)
        except KeyError:
            msg = f"{notebook.path} cannot be approved: it has no parameter {name}"
        except Unfit:
            written = notebook.parameters[name].written
            msg = f"{notebook.path} cannot be approved: its {name} is {written}"
        else:
            continue
        raise SpecError(msg, remedy="run it without --apply, or another notebook")


def _check_profile(rows: Sequence[Checked], problems: Problems) -> None:
    first = rows[0]
    for row in rows:
        if row.whole.get("profile") != first.whole.get("profile"):
            why = f"is another than that of {first.place}: what is applied goes to one place"
            problems.add(row.place, why, "profile")
            return


def _images(row: Checked, asked: Asked, problems: Problems) -> str:
    """Give the images that a row may build from: its own, its audit's, or those of all rows."""
    given = ",".join(asked.expect_images)
    found = str(row.values.get(_IMAGES) or row.facts.get("image_id") or given)
    try:
        images, others = _ids(found), _ids(given)
    except PlanError as error:
        problems.add(row.place, error, _IMAGES)
        return found
    if not images:
        problems.add(row.place, "says no image, and --expect-image none for all rows", _IMAGES)
    elif others and not images <= others:
        strange = ", ".join(map(shown, sorted(images - others)))
        problems.add(row.place, f"{strange} is not among those of --expect-image", _IMAGES)
    return found


def _ids(text: str) -> frozenset[str]:
    return frozenset().union(*read_images(text).values())
