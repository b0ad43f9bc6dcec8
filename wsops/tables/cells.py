"""Cells: the words, the sort key and the markup of one value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from wsops.looks import tone_of, worded
from wsops.markup import Markup, element
from wsops.tables.columns import NUMBERS, Kind
from wsops.text import instant, lasting, visible

LONGEST = 300
WHOLE = 200_000
"""Characters of a cell: of names, and of what is shown whole, such as the body of a request."""


def words(kind: Kind, value: Any) -> str:  # noqa: ANN401  (a cell of a frame)
    """Give the words of a value, safe to show as text; "" for a missing one."""
    return "" if pd.isna(value) else _WORDS.get(kind, plain)(value)


def plain(value: str, longest: int = LONGEST) -> str:
    """Give the text with control and direction characters made visible, cut to `longest`."""
    # What is printable is plain: a fast way past the look at each character.
    return value if value.isprintable() and len(value) <= longest else visible(value, longest)


def sort_key(kind: Kind, value: Any) -> float | int | str | None:  # noqa: ANN401  (the same)
    """Give what a value sorts by; None where its words sort by themselves."""
    if pd.isna(value):
        return None
    if kind == "time":
        return int(value.timestamp()) if isinstance(value, datetime) else None
    return round(float(value), 6) if kind in NUMBERS else None


def cell(kind: Kind, value: Any) -> Markup:  # noqa: ANN401  (the same)
    """Give the element of a value."""
    return element("td", _inside(kind, value), data_kind=kind, data_sort=sort_key(kind, value))


def _inside(kind: Kind, value: Any) -> object:  # noqa: ANN401  (the same)
    shown = words(kind, value)
    if kind == "state" and not pd.isna(value):
        return element("span", shown, class_=f"w-state w-{tone_of(value)}")
    if kind == "id" and shown:
        return element("code", Markup.escape(shown))  # whole: `text` would cut it
    if kind == "user" and ", " in shown:
        # Each of several people is marked, so that a shared report can give each an alias.
        return Markup(", ").join(
            element("span", one, data_kind="user") for one in shown.split(", ")
        )
    if shown in {"0", "no"}:
        return element("span", shown, class_="w-zero")
    return shown


_WORDS: dict[Kind, Callable[[Any], str]] = {
    "count": "{:,}".format,
    "share": "{:.1%}".format,
    "flag": lambda value: "yes" if value else "no",
    "time": instant,
    "duration": lasting,
    "state": lambda value: plain(worded(value), 60),
    "id": lambda value: plain(value, WHOLE),
}
