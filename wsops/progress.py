"""One reporter with a face for each place: bars in a terminal, lines in a log.

Progress goes to stderr, so that stdout holds only what was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from wsops.looks import colour_of, sign_of
from wsops.rollout import Event
from wsops.text import visible

_LINE_EVERY = 30.0  # seconds between two lines about the same job in a log

_MARKS = {
    "item": "▸",
    "sent": "→",
    "adopted": "→",
    "unknown": "?",
    "parked": "?",
    "running": "…",
    "stop": "■",
    "not_sent": "✗",
}


class Counting:
    """Counts pools while they are read."""

    def __init__(self, console: Console, what: str) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn(what),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def tell(self, done: int, total: int) -> None:
        """Show how many of how many are done."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done)


def show(events: Iterable[Event], console: Console) -> None:
    """Drain the events of a run, showing them: live in a terminal, as lines elsewhere."""
    if console.is_terminal:
        _live(events, console)
    else:
        for line in lines(events):
            console.print(line, markup=False, soft_wrap=True)


def lines(events: Iterable[Event], *, every: float = _LINE_EVERY) -> Iterator[str]:
    """Give the events as lines of a log; a job says something every `every` seconds at the most."""
    last = 0.0
    for event in events:
        if event.kind == "job":
            if time.monotonic() - last < every:
                continue
            last = time.monotonic()
        poll = event.kind == "job" and event.item
        done = f"{event.item.pool_name}: {event.share or 0:.0%}, " if poll and event.item else ""
        yield f"{time.strftime('%H:%M:%S')} {visible(done)}{visible(event.text)}"


def _live(events: Iterable[Event], console: Console) -> None:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[note]}", style="dim"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task: TaskID | None = None
        for event in events:
            if event.kind in {"job", "verifying"} and event.item:
                if task is None:
                    name = escape(visible(event.item.pool_name))
                    task = bar.add_task(name, total=1.0, note="")
                note = escape(visible(event.text)) if event.kind == "job" else "reading back"
                bar.update(task, completed=event.share or 0.0, note=note)
                continue
            if task is not None and event.kind in {"item_ended", "parked", "running"}:
                bar.remove_task(task)
                task = None
            console.print(_line(event), markup=True)


def _line(event: Event) -> str:
    text = escape(visible(event.text))
    if event.kind == "item_ended" and event.item:
        verdict = event.item.verdict
        return f"  [{colour_of(verdict)}]{sign_of(verdict)} {text}[/]"
    if event.kind in {"run", "ended"}:
        return f"[bold]{text}[/]"
    return f"  [dim]{_MARKS.get(event.kind, '·')} {text}[/]"
