"""What comes due later: requests that are executed late, and rebuilds that come to rest."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from wsops.simulator.jobs import SubJob
from wsops.simulator.records import Desktop

Later = Callable[[], None]


class Agenda:
    """Two lists by time; nothing runs by itself, whoever looks at the cloud settles it first."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._moving: list[tuple[float, int, Desktop, SubJob]] = []
        self._later: list[tuple[float, int, Later]] = []
        self._order = count()

    def __bool__(self) -> bool:
        """Return whether anything is still to come."""
        return bool(self._later or self._moving)

    def defer(self, due: float, act: Later) -> None:
        """Do something at a simulated instant."""
        heapq.heappush(self._later, (due, next(self._order), act))

    def give(self, desktop: Desktop, sub: SubJob) -> None:
        """Give a desktop to a sub-job, after the end of the one before."""
        if desktop.sub is not None:
            _leave(desktop, desktop.sub, over=True)
        desktop.sub = sub
        for due in {sub.shows, sub.settles}:
            heapq.heappush(self._moving, (due, next(self._order), desktop, sub))

    def settle(self, now: float) -> None:
        """Do what is due."""
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        while self._moving and self._moving[0][0] <= now:
            _, _, desktop, sub = heapq.heappop(self._moving)
            if desktop.sub is sub:
                _leave(desktop, sub, over=now >= sub.settles)


def _leave(desktop: Desktop, sub: SubJob, *, over: bool) -> None:
    """Write down on a desktop what its sub-job leaves behind, and let go of it when all is over."""
    desktop.core = None
    desktop.status = sub.failure.leaves if sub.failure else "ACTIVE"
    if sub.was_off:
        desktop.status = "SHUTOFF"
    desktop.login_status = "UNREGISTER"
    if sub.changes_image:
        desktop.image_id, desktop.image_name = sub.image.id, sub.image.name
        desktop.os_version = sub.image.os_version
    if over:
        desktop.sub = None
        desktop.login_status = "REGISTERED" if desktop.status == "ACTIVE" else "UNREGISTER"
