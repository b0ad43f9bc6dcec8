"""The two shapes of rows in YAML and JSON: a list of rows, or a mapping with the list in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wsops.batch.spec.given import Empty, Given, Source, not_among
from wsops.batch.spec.plain import Unfit, shown

_KEYS: Final = ("rows", "set", "defaults", "name")


def shaped(document: object, what: str) -> Source:
    """Give the source that a document is.

    Args:
        document: a list of mappings; or a mapping with `rows`, and at will `set` (values of all
            rows), `defaults` (of the rows that do not say otherwise) and `name`.
        what: what messages call it.

    Raises:
        Unfit: it has another shape.
    """
    if isinstance(document, list):
        return Source(what, _rows(document))
    if not isinstance(document, dict) or "rows" not in document:
        msg = "has no rows: it wants a list of mappings, or a mapping with `rows`"
        raise Unfit(msg)
    for key in document:
        if key not in _KEYS:
            msg = f"has the key {shown(key)}, which means nothing here; {not_among(key, _KEYS)}"
            raise Unfit(msg)
    name = _given(document, "name", "")
    if not isinstance(name, str):
        msg = f"has a name that is not text: {shown(name)}"
        raise Unfit(msg)
    rows = _given(document, "rows", [])
    if not isinstance(rows, list):
        msg = "has `rows` that are no list"
        raise Unfit(msg)
    everywhere, defaults = (_mapping(document, key) for key in ("set", "defaults"))
    return Source(what, _rows(rows), everywhere, defaults, name)


def _rows(rows: list[Any]) -> tuple[Given, ...]:
    return tuple(_row(number, row) for number, row in enumerate(rows, 1))


def _row(number: int, row: object) -> Given:
    line = getattr(row, "line", 0)
    place = f"row {number} (line {line})" if line else f"row {number}"
    if not isinstance(row, dict):
        msg = f"has no mapping of names and values in {place}, but {shown(row)}"
        raise Unfit(msg)
    return Given(place, row)


def _given(document: Mapping[str, Any], key: str, nothing: object) -> Any:  # noqa: ANN401  (JSON)
    found = document.get(key)
    return nothing if found is None or found is Empty.EMPTY else found


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, object]:
    found = _given(document, key, {})
    if isinstance(found, dict):
        return found
    msg = f"has `{key}` that is no mapping of names and values"
    raise Unfit(msg)
