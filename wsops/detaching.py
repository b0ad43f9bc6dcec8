"""A request to let go of a run, heard wherever nothing is half done.

Python drops what a signal raises inside a finaliser (a generator that is closed, a callback of a
weak reference): there a Ctrl-C would be lost, and the next pool be sent.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from wsops.jobs import Timing

Handler = Callable[[int, FrameType | None], object]
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Detached(KeyboardInterrupt):
    """Whoever followed a run let go of it; treated as Ctrl-C is."""


class Detaching:
    """Whether to let go, and by what: `let_go` from any thread, or a signal while `listening`."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._by: BaseException | None = None

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._by is not None

    @property
    def timing(self) -> Timing:
        """What a rollout keeps time by, so that it heeds this."""
        return Timing(sleep=self._sleep, heed=self.heed)

    def let_go(self) -> None:
        """Ask; returns at once."""
        self._by = self._by or Detached()
        self._asked.set()

    def heed(self) -> None:
        """Do nothing, or raise what asked.

        Raises:
            BaseException: `Detached`, or what the signal that came raises.
        """
        if self._by is not None:
            raise self._by

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what Ctrl-C and SIGTERM raise during the block; nothing off the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        before: dict[int, Handler] = {n: one for n, one in handlers.items() if callable(one)}
        hook = sys.unraisablehook

        def hear(number: int, frame: FrameType | None) -> None:
            # No `Event.set` here: the signal may have come while this very thread holds its lock.
            try:
                before[number](number, frame)
            except BaseException as raised:
                self._by = self._by or raised
                raise

        def drop(lost: sys.UnraisableHookArgs) -> None:
            if lost.exc_value is not self._by:  # what was kept is not lost, and no news
                hook(lost)

        for number in before:
            signal.signal(number, hear)
        sys.unraisablehook = drop
        try:
            yield
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)

    def _sleep(self, seconds: float) -> None:
        self.heed()
        self._asked.wait(seconds)
        self.heed()
