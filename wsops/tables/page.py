"""The plain faces of a table: HTML that needs no script, and text."""

from __future__ import annotations

import pandas as pd  # type: ignore[import-untyped]

from wsops.markup import Markup, element, join
from wsops.tables.cells import cell, words
from wsops.tables.columns import Columns
from wsops.text import visible

LARGE = 200
"""Rows above which a live table is searched and paged instead of printed."""

MOST = 2_000
"""Rows that plain HTML shows at the most."""

_MOST_PLAIN = 20
_WIDEST = 40


def as_html(frame: pd.DataFrame, columns: Columns, caption: str, most: int = MOST) -> Markup:
    """Give a table that scrolls in its own box, with a header that stays in sight.

    A report's script may sort it: `data-sort` says by what, where the words do not.
    """
    shown = frame.head(most)
    head = join(element("th", c.heading, scope="col", data_kind=c.kind) for c in columns)
    table = element(
        "table",
        element("caption", caption) if caption else "",
        element("thead", element("tr", head)),
        element("tbody", _body(shown, columns)),
        class_="w-table w-sortable",
    )
    return element("div", table, class_="w-scroll") + _more(len(shown), len(frame))


def as_text(frame: pd.DataFrame, columns: Columns, caption: str) -> str:
    """Give the first rows as text, for where no HTML is shown."""
    if frame.empty:
        return f"{visible(caption)}: none" if caption else "none"
    shown = frame.head(_MOST_PLAIN)
    lines = [[column.heading for column in columns]]
    for row in shown.itertuples(index=False, name=None):
        kinds = zip(columns, row, strict=True)
        lines.append([visible(words(c.kind, value), _WIDEST) for c, value in kinds])
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns))]
    text = "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    left = len(frame) - len(shown)
    parts = [visible(caption), text, f"… and {left:,} more rows" if left else ""]
    return "\n".join(part for part in parts if part)


def _body(frame: pd.DataFrame, columns: Columns) -> Markup:
    if frame.empty:
        return element("tr", element("td", "none", class_="w-none", colspan=len(columns)))
    kinds = [column.kind for column in columns]
    return join(
        element("tr", *(cell(kind, value) for kind, value in zip(kinds, row, strict=True)))
        for row in frame.itertuples(index=False, name=None)
    )


def _more(shown: int, whole: int) -> Markup:
    if shown == whole:
        return Markup("")
    says = f"The first {shown:,} of {whole:,} rows; to_csv and to_excel write them all."
    return element("p", says, class_="w-more")
