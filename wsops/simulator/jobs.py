"""How a rebuild moves through time: pure functions of a plan made when it was accepted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from wsops.simulator.records import Image

REBUILD_POOL = "rebuildDesktopPool"
REBUILD_DESKTOPS = "rebuildDesktops"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a desktop's rebuild fails, and the status it leaves the desktop in."""

    code: str
    reason: str
    leaves: str = "ACTIVE"


FAILURES = (
    Failure("WKS.00010213", "Failed to attach the system disk to the desktop."),
    Failure("WKS.00010207", "The desktop agent did not register within the time limit."),
    Failure("WKS.00010225", "Insufficient resources in the availability zone."),
    Failure("WKS.00010232", "Failed to join the desktop to the domain."),
    Failure("WKS.00010241", "The system disk could not be created from the image."),
)
FROZEN = Failure("WKS.00010032", "The desktop is frozen; the operation conflicts with its state.")


@dataclass(frozen=True, slots=True)
class SubJob:
    """The rebuild of one desktop, planned from start to end; all times are epoch seconds."""

    id: str
    desktop_id: str
    desktop_name: str
    user_name: str
    pool_id: str
    product_id: str
    ip: str
    image: Image
    created: float
    starts: float
    ends: float  # infinite when the desktop never finishes
    pace: float  # seconds for the way from 0 to 100
    shows: float  # when the desktop's own fields follow
    settles: float  # when nothing moves any more
    failure: Failure | None = None
    ignored: bool = False  # ends as SUCCESS although the image stays
    was_off: bool = False

    @property
    def changes_image(self) -> bool:
        """Return whether the desktop runs the new image in the end."""
        return self.failure is None and not self.ignored

    def status(self, now: float) -> str:
        """Return WAITING, RUNNING, SUCCESS or FAILED."""
        if now < self.starts:
            return "WAITING"
        if now < self.ends:
            return "RUNNING"
        return "FAILED" if self.failure else "SUCCESS"

    def process(self, now: float) -> int:
        """Return how far the rebuild is, 0 to 100; it reaches 100 only with SUCCESS."""
        if now < self.starts:
            return 0
        if now >= self.ends and not self.failure:
            return 100
        cap = 99 if math.isfinite(self.ends) else 57
        return min(cap, int(100 * (min(now, self.ends) - self.starts) / self.pace))

    def task_status(self, now: float) -> str:
        """Return the desktop's task word; it lags behind the end of the sub-job."""
        if not self.starts <= now < self.shows:
            return ""
        done = self.process(now)
        if done < 10:
            return "rebuilding"
        return "rebuild_block_device_mapping" if done < 35 else "rebuild_spawning"


@dataclass(slots=True)
class Job:
    """An accepted order to the service; `subs` holds one entry a desktop."""

    id: str
    kind: str
    pool_ids: tuple[str, ...]
    created: float
    close_after: float  # seconds from the last sub-job's end to the job's own
    word: str  # SUCCESS or COMPLETE: what a good end is called
    subs: tuple[SubJob, ...] = ()

    @property
    def ended_at(self) -> float:
        """Return when the job is over (infinite when a desktop never finishes)."""
        return max((sub.ends for sub in self.subs), default=self.created) + self.close_after

    def status(self, now: float) -> str:
        """Return the job's word; SUCCESS and COMPLETE say nothing about single desktops."""
        if now < self.ended_at:
            return "RUNNING" if any(now >= sub.starts for sub in self.subs) else "WAITING"
        return "FAIL" if self.failed_wholly else self.word

    @property
    def failed_wholly(self) -> bool:
        """Return whether every desktop fails."""
        return bool(self.subs) and all(sub.failure for sub in self.subs)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the steps of one desktop's rebuild take, in seconds already divided by speed."""

    wait: float
    pace: float
    lag: float
    register: float
    fails_at: float  # the share of `pace` after which a failure shows


def draw_durations(
    rng: Random, seconds: tuple[float, float], rest: tuple[float, float, float], speed: float
) -> Durations:
    """Draw one desktop's durations; `rest` holds the longest wait, the lag and the registering."""
    wait, lag, register = rest
    return Durations(
        wait=wait * rng.uniform(0.2, 1.0) / speed,
        pace=max(rng.triangular(*seconds), 0.001) / speed,
        lag=lag * rng.uniform(0.5, 1.0) / speed,
        register=register * rng.uniform(0.6, 1.4) / speed,
        fails_at=rng.uniform(0.15, 0.9),
    )
