"""What the rows of a batch were given: what all have in common, and what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wsops.batch.records import Row

MOST = 2_000
"""Rows of the table; all of them are in the spec that the page carries."""

_MISSING = object()


@dataclass(frozen=True)
class Given:
    """Parameters and facts of the rows as text.

    `common` is what all have; `columns` name what differs, `facts` those of them that are no
    parameters; `rows` are number, label and a value for each column, None where a row has none.
    """

    common: Mapping[str, str]
    columns: tuple[str, ...]
    facts: frozenset[str]
    rows: tuple[tuple[int, str, tuple[str | None, ...]], ...]
    more: int


def given_to(rows: Sequence[Row]) -> Given:
    """Part what all rows were given from what makes each of them what it is."""
    names = dict.fromkeys(name for row in rows for name in (*row.parameters, *row.facts))
    parameters = {name for row in rows for name in row.parameters}
    alike = {name: _value(rows[0], name) for name in names if _is_common(rows, name)}
    columns = tuple(name for name in names if name not in alike)
    listed = rows[:MOST] if columns else ()
    return Given(
        common={name: shown(value) for name, value in alike.items()},
        columns=columns,
        facts=frozenset(columns) - parameters,
        rows=tuple((row.number, row.label, _cells(row, columns)) for row in listed),
        more=len(rows) - len(listed) if columns else 0,
    )


def changes_of(rows: Sequence[Row]) -> str:
    """Give the tickets that the rows were done for, where a parameter says so."""
    found = dict.fromkeys(str(row.parameters.get("change") or "") for row in rows)
    named = [change for change in found if change]
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def shown(value: Any) -> str:  # noqa: ANN401  (whatever a spec holds)
    """Give a value as text: text as it is, all else as JSON writes it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _value(row: Row, name: str) -> Any:  # noqa: ANN401  (whatever a spec holds)
    return row.parameters.get(name, row.facts.get(name, _MISSING))


def _is_common(rows: Sequence[Row], name: str) -> bool:
    first = _value(rows[0], name)
    return all(_same(_value(row, name), first) for row in rows)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401  (whatever a spec holds)
    """Tell whether two values are one: True is not 1."""
    return type(one) is type(other) and bool(one == other)


def _cells(row: Row, columns: Sequence[str]) -> tuple[str | None, ...]:
    values = (_value(row, name) for name in columns)
    return tuple(None if value is _MISSING else shown(value) for value in values)
