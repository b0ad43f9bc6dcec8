"""Rows in CSV: a header of names, a row a line; an empty cell leaves the notebook's default."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from io import StringIO

from wsops.batch.spec.given import MOST_ROWS, Empty, Given
from wsops.batch.spec.plain import Unfit, shown
from wsops.text import count


def read_csv(text: str) -> tuple[Given, ...]:
    """Read rows; commas part the cells, or semicolons where the header has no comma.

    Raises:
        Unfit: it is no CSV, a column has no name or comes twice, or a row has too many cells.
    """
    lines = _lines(text)
    top, header = next(lines)
    names = [name.strip() for name in header]
    for number, name in enumerate(names, 1):
        if not name:
            msg = f"has no name for column {number}"
            raise Unfit(msg)
        if names.index(name) != number - 1:
            msg = f"has two columns {shown(name)}"
            raise Unfit(msg)
    rows = []
    for line, cells in lines:
        rows.append(_row(f"line {line}", f"line {top}", names, cells))
        if len(rows) > MOST_ROWS:
            break
    return tuple(rows)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give each line that is not blank, with its number; a cell in quotes may span several."""
    head = next(line for line in text.splitlines() if line.strip())
    parted = ";" if "," not in head and ";" in head else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=parted, strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        msg = f"is not CSV in line {before + 1}: {error}"
        raise Unfit(msg) from None


def _row(place: str, head: str, names: Sequence[str], cells: Sequence[str]) -> Given:
    if len(cells) > len(names):
        has = f"{count(len(cells), 'cell')}, and the header {len(names)}"
        msg = f"has too many cells in {place}: {has}"
        raise Unfit(msg)
    by_name = itertools.zip_longest(names, cells, fillvalue="")
    return Given(place, {name: cell or Empty.EMPTY for name, cell in by_name}, head=head)
