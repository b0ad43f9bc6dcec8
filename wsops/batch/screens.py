"""Batches in a terminal: the rows of a dry run, a batch as it stands, a list of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wsops.batch.folder import INDEX
from wsops.batch.index import next_of
from wsops.batch.records import MISMATCHES, Attempt, Batch, Spec
from wsops.batch.summing import runs_of
from wsops.looks import colour_of, tone_of, worded
from wsops.screens import grid
from wsops.text import count, instant, lasting, visible

_ID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}|")
_LONGEST = 60  # characters of a value
_REASON = 110
_LINE = 500
_MOST_NEXT = 3
_FIRST = {"open": 0, "bad": 1, "warn": 2, "quiet": 3, "good": 4}  # what needs a look comes first


def rows(spec: Spec, most: int) -> RenderableType:
    """Give the rows of a batch as a table: number, label, and what each is given but for IDs."""
    given = [{**row.facts, **row.parameters} for row in spec.rows]
    columns = {name: [str(one.get(name, "")) for one in given] for one in given for name in one}
    columns = {name: cells for name, cells in columns.items() if not _says_nothing(spec, cells)}
    heads = (f">{name}" if "".join(cells).isdecimal() else name for name, cells in columns.items())
    shown = grid(">row", "label", *heads)
    for row, *cells in zip(spec.rows[:most], *columns.values(), strict=False):
        texts = (visible(row.label, _LONGEST), *(visible(cell, _LONGEST) for cell in cells))
        shown.add_row(str(row.number), *map(Text, texts))
    return _titled(_title(spec), shown, len(spec.rows) - most)


def _says_nothing(spec: Spec, cells: Sequence[str]) -> bool:
    """Tell whether a column holds but IDs, which take the room of what people read, or the labels.

    All of them are in --json.
    """
    labels = [row.label for row in spec.rows]
    return list(cells) == labels or all(_ID.fullmatch(cell) for cell in cells)


def total(spec: Spec) -> str:
    """Say how many desktops the rows have to repair, as far as an audit has counted them."""
    known, in_use = spec.summed(MISMATCHES), spec.summed("in_use")
    used = f"{in_use} of them in use or asleep"
    return f"{count(known, 'desktop')} to repair, {used}" if known else ""


def batch(whole: Batch, most: int) -> RenderableType:
    """Give the newest attempt of each row as a table: those that need a look come first."""
    shown = grid(">row", "label", "verdict", ">cell", ">took", "desktops", "why")
    latest = sorted(whole.latest, key=lambda one: (_rank(one), one.row))
    for one in latest[:most]:
        word = one.word
        error = f"{one.error}: " if one.error else ""
        shown.add_row(
            f"{one.row}" + (f".{one.attempt}" if one.attempt > 1 else ""),
            Text(visible(one.label, _LONGEST)),
            Text(worded(word), style=colour_of(word)),
            str(one.cell or ""),
            "" if one.seconds is None else lasting(one.seconds),
            Text(_ends(one)),
            Text(visible(f"{error}{one.reason}", _REASON)),
        )
    return _titled(_headline(whole), shown, len(latest) - most)


def batches(found: Sequence[Batch]) -> Table:
    """Give batches as a table, as they come."""
    shown = grid("batch", "verdict", ">rows", "begun", "name")
    for one in found:
        verdict = Text(worded(one.verdict), style=colour_of(one.verdict))
        facts = (str(len(one.spec.rows)), instant(one.started_at))
        shown.add_row(one.batch_id, verdict, *facts, Text(visible(one.spec.name)))
    for column in shown.columns[:2]:  # an ID is there to be copied
        column.min_width = max(map(len, map(str, column.cells)), default=0)
    return shown


def facts(one: Batch) -> dict[str, Any]:
    """Give a batch of a list as `--json` prints it."""
    kept = {"batch_id", "folder", "started_at", "ended_at", "verdict", "headline", "stop"}
    return one.model_dump(mode="json", include=kept) | {
        "name": one.spec.name,
        "notebook": one.spec.notebook,
        "rows": len(one.spec.rows),
    }


def after(whole: Batch) -> Iterator[str]:
    """Give the lines after the table: where the index is, and what to type next."""
    if whole.totals:
        numbers = (f"{number:,} {word}" for word, number in whole.totals.items())
        yield f"in all: {', '.join(numbers)}"
    yield f"index: {Path(whole.folder) / INDEX}"
    for line in next_of(whole, runs_of(whole))[:_MOST_NEXT]:
        yield f"next: {visible(line)}"


def _title(spec: Spec) -> Text:
    how = "applies nothing"
    if spec.apply:
        most = spec.max_desktops
        how = f"applies, {count(most, 'desktop')} at the most" if most else "applies"
    return Text(f"{visible(spec.notebook)}: {count(len(spec.rows), 'row')}, {how}")


def _headline(whole: Batch) -> Text:
    word = worded(whole.verdict)
    return Text(
        visible(f"{whole.batch_id}  {word}: {whole.headline}", _LINE),
        style=colour_of(whole.verdict),
    )


def _rank(one: Attempt) -> int:
    return _FIRST[tone_of(one.word)]


def _ends(one: Attempt) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in one.counts.items() if word != "pools")


def _titled(title: Text, shown: Table, left: int) -> RenderableType:
    more = f"and {left:,} more; all are in the index, and in --json"
    return Group(title, shown, *([Text(more, style="dim")] if left > 0 else []))
