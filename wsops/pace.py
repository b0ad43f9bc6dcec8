"""How fast the service may be asked: one pacer per process and endpoint for reads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

LONGEST_WAIT = 300.0
"""The longest that a server may make us wait at once, in seconds."""

_RECOVERY = 1.02  # growth of the rate after each good answer: about 35 of them undo a halving
_SLOWEST = 0.5


class Pacer:
    """A rate in requests per second that halves on a 429 and recovers, and a bound on parallelism.

    Clock and sleep are injected, so that tests wait for nothing.
    """

    def __init__(
        self,
        rate: float,
        workers: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.full_rate = self.rate = rate
        self._slots = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._next = 0.0
        self._halved_at = float("-inf")
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a free slot and for the next moment at which a request may leave."""
        with self._slots:
            wait = self._reserve()
            if wait > 0:
                self._sleep(wait)
            yield

    def throttled(self, wait: float) -> None:
        """Halve the rate and hold all requests back for `wait` seconds.

        Several 429s within a second are one event: parallel requests meet the same full bucket.
        """
        with self._lock:
            now = self._clock()
            if now - self._halved_at > 1:
                self.rate = max(_SLOWEST, self.rate / 2)
                self._halved_at = now
            self._next = max(self._next, now + wait)

    def went_well(self) -> None:
        """Let the rate recover by a little."""
        if self.rate < self.full_rate:
            with self._lock:
                self.rate = min(self.full_rate, self.rate * _RECOVERY)

    def _reserve(self) -> float:
        with self._lock:
            now = self._clock()
            start = max(self._next, now)
            self._next = start + 1 / self.rate
            return start - now


@cache
def pacer_for(endpoint: str, rate: float, workers: int) -> Pacer:  # noqa: ARG001
    """Give the pacer that this process shares for an endpoint asked at the same rate."""
    return Pacer(rate, workers)


def retry_after(header: str | None, *, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, seconds or date, clamped to 0-300 s; None without one."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = (then - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def full_jitter(attempt: int, *, base: float = 0.5, longest: float = 20.0) -> float:
    """Give the seconds to wait before try `attempt` (1, 2, …): random below a doubling bound."""
    return random.uniform(0, min(longest, base * 2.0 ** min(attempt, 16)))  # noqa: S311
