"""What a simulated Workspace is asked to be: one frozen record of choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Generation = Literal["old", "new"]
HANDLE_TYPES = ("ONLY_FOR_EXPAND", "FOR_EXPAND_AND_IDLE", "FOR_EXPAND_AND_ALL")


class OptionsError(ValueError):
    """The options contradict themselves or lie outside their range."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that may be chosen about a simulation; durations are seconds at speed 1."""

    pools: int = 24
    desktops: int = 50  # mean per pool
    seed: int = 7
    mismatch: float = 0.12  # share of the desktops that do not run their pool's image
    region: Generation | None = None  # None: what the fleet file says, else new
    region_name: str | None = None  # None: what the fleet file says, else sim-region-1
    speed: float = 1.0  # divides durations, never timestamps
    faults: Mapping[str, float] = field(default_factory=dict)  # kind -> probability
    fleet: Path | None = None
    latency: float = 0.0  # added to every answer, not divided by speed
    warm: bool = False  # render every desktop before the first request
    filter_mode: Literal["honour", "reject", "ignore"] = "honour"
    retry_rebuilds: bool = False
    honour_desktop_ids: bool = True
    # The six choices below are published nowhere; the defaults are the ones that hurt most.
    unsaid_handle_type: str = "FOR_EXPAND_AND_ALL"
    empty_desktop_ids: Literal["all", "refuse"] = "all"
    subset_moves_pool_image: bool = False
    fix_needs_pool_image: bool = True
    list_delay: float = 3.0  # until a new job shows in the sub-job list
    retry_after: int | None = None  # seconds in Retry-After of a throttled answer, if any
    desktop_seconds: tuple[float, float] = (180.0, 360.0)  # one desktop's rebuild
    start_seconds: float = 10.0  # WAITING at most this long
    close_seconds: float = 5.0  # from the last sub-job's end to the job's end
    lag_seconds: float = 8.0  # from a sub-job's end to the desktop's fields
    register_seconds: float = 25.0  # UNREGISTER after a rebuild
    security_token: str | None = None  # when set, the AK/SK pair is a temporary one

    def __post_init__(self) -> None:
        """Refuse impossible values with one sentence; raises OptionsError."""
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                msg = f"{name} must be between {low:g} and {high:g}, not {value!r}"
                raise OptionsError(msg)
        if self.region not in (None, "old", "new"):
            msg = f"region must be old or new, not {self.region!r}"
            raise OptionsError(msg)
        if self.unsaid_handle_type not in HANDLE_TYPES:
            msg = f"unsaid_handle_type must be one of {', '.join(HANDLE_TYPES)}"
            raise OptionsError(msg)
        if self.filter_mode not in ("honour", "reject", "ignore"):
            msg = f"filter_mode must be honour, reject or ignore, not {self.filter_mode!r}"
            raise OptionsError(msg)


_RANGES = (
    ("pools", 0, 20_000),
    ("desktops", 0, 10_000),
    ("mismatch", 0.0, 1.0),
    ("speed", 1e-3, 1e6),
    ("latency", 0.0, 3600.0),
    ("list_delay", 0.0, 86_400.0),
    ("start_seconds", 0.0, 86_400.0),
    ("close_seconds", 0.0, 86_400.0),
    ("lag_seconds", 0.0, 86_400.0),
    ("register_seconds", 0.0, 86_400.0),
)
