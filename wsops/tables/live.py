"""The face of a large table in a live notebook: searched, sorted and paged in the browser.

The output stands by itself: the library travels inside it, and where no script runs (a notebook
that is not trusted, a report) the first rows are there as plain HTML.
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from itables import options
from itables.javascript import (
    generate_init_offline_itables_html,
    get_itable_arguments,
    html_table_from_template,
)

from wsops.markup import Markup, element
from wsops.tables.cells import words
from wsops.tables.columns import NUMBERS, Columns
from wsops.tables.page import LARGE, as_html

_LOADING = re.compile(r"<tbody>.*?</tbody>", re.DOTALL)
_SCRIPT_END = "</script>"


def as_live_html(frame: pd.DataFrame, columns: Columns, caption: str) -> Markup:
    """Give the whole table for the browser to page through; all text in it is escaped."""
    name = f"w-{secrets.token_hex(8)}"
    arguments = get_itable_arguments(
        _display(frame, columns),
        table_id=name,
        classes="row-border hover compact nowrap",
        style="width:100%;margin:0",
        columnDefs=_definitions(columns),
        layout={"topStart": "info", "topEnd": "search", "bottomStart": "pageLength"},
        lengthMenu=[25, 50, 200],
        pageLength=50,
        scrollX=True,
        scrollY="28rem",
        scrollCollapse=True,
        deferRender=True,
        autoWidth=False,
        allow_html=False,
        text_in_header_can_be_selected=False,  # a click on a heading sorts
        showIndex=False,
        maxBytes=0,
        maxRows=0,
        maxColumns=0,
    )
    for theirs in ("dt_url", "connected", "display_logo_when_loading"):
        arguments.pop(theirs, None)  # type: ignore[misc]
    whole = html_table_from_template(
        table_id=name,
        dt_url="",
        connected=False,
        display_logo_when_loading=False,
        kwargs=arguments,
        fallback_html=as_html(frame, columns, caption, LARGE),
    )
    # Their word on loading would stay where no script runs; the plain table says it all there.
    quiet = _LOADING.sub("", whole, count=1)
    title = element("p", caption, class_="w-caption") if caption else Markup("")
    return title + element("div", Markup(library() + quiet), class_="w-live")


@cache
def library() -> str:
    """Give the script that brings the library, once a page however often it is there."""
    whole = generate_init_offline_itables_html(options.dt_bundle)
    return whole[: whole.rindex(_SCRIPT_END) + len(_SCRIPT_END)]


def _display(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Give the words of each column, then the numbers that some of them are sorted by."""
    data: dict[str, Any] = {
        column.heading: [words(column.kind, value) for value in frame[column.name]]
        for column in columns
    }
    for column in columns:
        if column.kind in NUMBERS:
            data[f"{column.heading} (to sort)"] = frame[column.name].fillna(-1).astype(float)
    return pd.DataFrame(data, dtype=object)


def _definitions(columns: Columns) -> list[dict[str, Any]]:
    numbers = [n for n, column in enumerate(columns) if column.kind in NUMBERS]
    hidden = range(len(columns), len(columns) + len(numbers))
    return [
        {"targets": numbers, "className": "dt-right"},
        {"targets": list(hidden), "visible": False, "searchable": False},
        *({"targets": n, "orderData": [key]} for n, key in zip(numbers, hidden, strict=True)),
    ]
