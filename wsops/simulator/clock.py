"""Simulated wall time: the real clock plus what has been skipped."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """A wall clock that tests can move forward; `base` gives epoch seconds."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        """Start at the time of `base`, nothing skipped."""
        self._base = base
        self._skipped = 0.0

    def now(self) -> float:
        """Return the simulated epoch seconds."""
        return self._base() + self._skipped

    def advance(self, seconds: float) -> None:
        """Skip some seconds; raises ValueError for a negative or endless number."""
        if not 0 <= seconds <= 10 * 365 * 86_400:
            msg = f"The clock can only be moved forward by up to ten years, not {seconds!r} s."
            raise ValueError(msg)
        self._skipped += seconds


def iso(at: float) -> str:
    """Return an instant as 2022-05-11T11:45:42.000Z."""
    return (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{int(at * 1000) % 1000:03d}Z"
    )


def zoneless(at: float) -> str:
    """Return an instant as 2020-04-10 06:45:14: UTC, but the text does not say so."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
