"""A table as a file: CSV and Excel, private, and without a live formula."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.styles import Font  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

from wsops.files import as_csv, plain_cell, write_private_bytes
from wsops.tables.columns import Columns, Kind
from wsops.text import visible

_LONGEST = 32_000  # a sheet holds 32,767 characters a cell
_MOST_ROWS = 1_048_575  # and as many rows below the heading
_FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "share": "0.0%",
    "time": "yyyy-mm-dd hh:mm:ss",
    "duration": "#,##0",
}
_UNITS: dict[Kind, str] = {"time": " (UTC)", "duration": " (seconds)"}
_WIDTHS: dict[Kind, int] = {"count": 10, "share": 10, "flag": 10, "state": 16, "time": 20}


def write_csv(path: Path, frame: pd.DataFrame, columns: Columns) -> None:
    """Write the rows as CSV: shares 0-1, durations in seconds, times in ISO 8601, UTC.

    Raises:
        SettingsError: the place cannot be written.
    """
    kinds = [column.kind for column in columns]
    rows = (
        [_cell_of_csv(kind, value) for kind, value in zip(kinds, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    )
    # Half a character, which a server may send, is written as its number.
    text = as_csv([column.name for column in columns], rows)
    write_private_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_excel(path: Path, frame: pd.DataFrame, columns: Columns, title: str) -> None:
    """Write the rows as one sheet: numbers and times as such, all else as text.

    Raises:
        SettingsError: the place cannot be written.
        ValueError: more rows than a sheet can hold.
    """
    if len(frame) > _MOST_ROWS:
        msg = f"{len(frame):,} rows do not fit on a sheet; to_csv writes them"
        raise ValueError(msg)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    last = get_column_letter(len(columns))
    sheet.auto_filter.ref = f"A1:{last}{len(frame) + 1}"
    for number, column in enumerate(columns, 1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column.kind, 26)
    headings = [column.heading + _UNITS.get(column.kind, "") for column in columns]
    sheet.append([_heading(sheet, heading) for heading in headings])
    kinds = [column.kind for column in columns]
    for row in frame.itertuples(index=False, name=None):
        sheet.append([_cell(sheet, k, value) for k, value in zip(kinds, row, strict=True)])
    out = io.BytesIO()
    book.save(out)
    write_private_bytes(path, out.getvalue())


def _cell_of_csv(kind: Kind, value: Any) -> object:  # noqa: ANN401  (a cell of a frame)
    if pd.isna(value):
        return None
    if kind == "time":
        return value.isoformat()
    return ("yes" if value else "no") if kind == "flag" else value


def _heading(sheet: Any, text: str) -> WriteOnlyCell:  # noqa: ANN401  (no types)
    cell = _text(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, kind: Kind, value: Any) -> WriteOnlyCell:  # noqa: ANN401  (no types)
    if pd.isna(value):
        return WriteOnlyCell(sheet)
    if kind == "flag":
        return _text(sheet, "yes" if value else "no")
    if kind not in _FORMATS:
        return _text(sheet, value)
    if kind == "time":
        value = value.tz_convert(None).to_pydatetime()
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = _FORMATS[kind]
    return cell


def _text(sheet: Any, value: str) -> WriteOnlyCell:  # noqa: ANN401  (no types)
    cell = WriteOnlyCell(sheet, plain_cell(visible(value, _LONGEST)))
    cell.data_type = "s"  # never a formula, never an error value, whatever it reads like
    return cell


def _sheet_name(title: str) -> str:
    """Give a name that a sheet may have: letters, digits and spaces, up to 31 characters."""
    return "".join(c for c in title if c.isalnum() or c == " ")[:31].strip() or "table"
