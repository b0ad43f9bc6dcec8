"""A batch on its way: a live line for each run and a total with a forecast, or lines of a log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from wsops.batch.records import Attempt
from wsops.batch.runner import Began, Happening, Notice
from wsops.looks import colour_of, sign_of
from wsops.text import lasting, visible

_REASON = 160  # characters of a reason in one line


def show(happenings: Iterable[Happening], rows: int, ended: int, console: Console) -> None:
    """Drain what happens in a batch, showing it: live in a terminal, as lines elsewhere.

    Args:
        happenings: what a runner gives.
        rows: how many rows the batch has.
        ended: how many of them have ended before.
        console: where to show it.
    """
    if console.is_terminal:
        _live(happenings, rows, ended, console)
        return
    for line in lines(happenings, rows, ended):
        console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False, soft_wrap=True)


def lines(happenings: Iterable[Happening], rows: int, ended: int) -> Iterator[str]:
    """Give what happens as lines of a log, each attempt's end with how many of how many ended."""
    for one in happenings:
        if isinstance(one, Notice):
            yield visible(one.text)
        elif isinstance(one, Began):
            yield f"{_named(one.attempt)} begun"
        else:
            ended += 1
            yield f"{ended} of {rows}  {_told(one.attempt)}"


def _live(happenings: Iterable[Happening], rows: int, ended: int, console: Console) -> None:
    each = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    whole = Progress(
        TextColumn("[bold]total"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left about"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    total = whole.add_task("total", total=rows, completed=ended)
    under_way: dict[str, TaskID] = {}
    with Live(Group(each, whole), console=console, transient=True, refresh_per_second=8) as live:
        for one in happenings:
            if isinstance(one, Notice):
                live.console.print(f"[bold yellow]■ {escape(visible(one.text))}[/]")
            elif isinstance(one, Began):
                name = escape(_named(one.attempt))
                under_way[one.attempt.attempt_id] = each.add_task(name)
            else:
                task = under_way.pop(one.attempt.attempt_id, None)
                if task is not None:
                    each.remove_task(task)
                whole.advance(total)
                colour = colour_of(one.attempt.verdict)
                live.console.print(f"  [{colour}]{escape(_told(one.attempt))}[/]")


def _named(attempt: Attempt) -> str:
    again = f" (attempt {attempt.attempt})" if attempt.attempt > 1 else ""
    return f"{attempt.row:04d} {visible(attempt.label, 60)}{again}"


def _told(attempt: Attempt) -> str:
    """Give how an attempt ended, in a line: sign, name, verdict, how long, and why."""
    took = f" in {lasting(attempt.seconds)}" if attempt.seconds is not None else ""
    at = f" at cell {attempt.cell}" if attempt.cell else ""
    error = f"{attempt.error}: " if attempt.error else ""
    why = f" ({error}{attempt.reason})" if attempt.reason else ""
    word = attempt.verdict.replace("_", " ")
    line = f"{sign_of(attempt.verdict)} {_named(attempt)}: {word}{at}{took}"
    return line + visible(why, _REASON)
