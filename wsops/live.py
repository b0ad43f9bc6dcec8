"""Progress in a notebook: one output that is updated in place and ends in its final state.

An output with a `display_id` is what a rendered report shows of it: the last state. Updates are
what papermill saves the file by, so whoever waits says something at every poll.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from IPython.display import display

from wsops.markup import Markup, bundle, element

_EVERY = 0.2  # seconds between two updates: a browser has to draw each


class Live:
    """An output of a notebook whose content is put in place of the one before."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = 0.0

    def show(self, body: Markup, plain: str, *, final: bool = False) -> None:
        """Show a state; between two that are not final a moment passes, or it is left out."""
        now = time.monotonic()
        if self._handle is not None and not final and now - self._last < _EVERY:
            return
        self._last = now
        faces = bundle(body, plain)
        if self._handle is None:
            self._handle = display(faces, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(faces, raw=True)


def counting(what: str) -> Callable[[int, int], None]:
    """Give what counts things while they are read: "12 of 24 pools read", with a bar."""
    live = Live()

    def tell(done: int, total: int) -> None:
        line = f"{done:,} of {total:,} {what}"
        final = done == total
        bar = element("progress", value=str(done), max=str(max(1, total)), aria_label=what)
        body = element("p", line, class_="w-facts") if final else element("p", bar, " ", line)
        live.show(body, line, final=final)

    return tell
