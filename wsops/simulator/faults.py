"""Faults by script and by rate: which one hits a request or a desktop."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from wsops.simulator.call import Call

_REBUILDS = ("RebuildDesktopPool", "BatchRebuildDesktopsSystemDisk")
_LISTS = ("ListPoolDesktopsDetail", "ListDesktopPools", "ListItaSubJobs")

# Kind -> the operations it hits when none is named ("*": all).
DELAYS = {"latency": "*", "hang": "*"}
WIRE = {
    "throttle": "*",
    "error": "*",
    "error_in_200": "*",
    "strange_200": "*",
    "not_found_as_500": "*",
    "cut": "*",
    "lost": "*",
    "cut_body": "*",
    "drip": "*",
    "late": "*",
    "redirect": "*",
    "echo_headers": "*",
}
STATE = {
    "job_missing": ("ShowJob",),
    "strange_status": ("ShowJob", "ListItaSubJobs"),
    "shift_list": _LISTS[:2],
    "refuse_filter": ("ListPoolDesktopsDetail",),
    "ignore_filter": ("ListPoolDesktopsDetail",),
}
_AT_WORK = (*_REBUILDS, "RunActionsOnWorkspaceJob")
DESKTOPS = {"stuck": _AT_WORK, "desktop_fails": _AT_WORK, "ignore_desktop": _AT_WORK}
KINDS: Mapping[str, str | tuple[str, ...]] = {**DELAYS, **WIRE, **STATE, **DESKTOPS}


class FaultError(ValueError):
    """The description of a fault makes no sense."""


@dataclass(slots=True)
class Fault:
    """One scripted fault, and how often it has been asked and has struck."""

    kind: str
    operations: tuple[str, ...]  # empty: all
    match: Mapping[str, object]
    times: int | None  # None: for ever
    after: int  # matches to let pass first
    args: Mapping[str, Any]
    rate: float | None = None
    seen: int = 0
    struck: int = field(default=0)

    def fits(self, call: Call) -> bool:
        """Return whether the fault concerns this request."""
        if self.operations and call.operation not in self.operations:
            return False
        return all(_same(call.facts.get(key), value) for key, value in self.match.items())


def _same(found: object, wanted: object) -> bool:
    return (
        found in wanted
        if isinstance(wanted, list) and not isinstance(found, list)
        else found == wanted
    )


class Faults:
    """All faults of a cloud; the seeded generator decides about rates."""

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        """Take rates as kind -> probability; raises FaultError for an unknown kind."""
        self._rng = Random(f"faults:{seed}")
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        for kind, rate in rates.items():
            if not 0 <= rate <= 1:
                msg = f"the rate of the fault {kind} must be between 0 and 1, not {rate!r}"
                raise FaultError(msg)
            self.add(kind, rate=rate)

    def add(  # noqa: PLR0913 - the six words of a script
        self,
        kind: str,
        *,
        operation: str | None = None,
        match: Mapping[str, object] | None = None,
        times: int | None = None,
        after: int = 0,
        args: Mapping[str, Any] | None = None,
        rate: float | None = None,
    ) -> Fault:
        """Script a fault; without `operation` it hits the operations that its kind is about."""
        _check(kind, times, after, match, args)
        known = KINDS[kind] if operation is None else operation
        operations = () if known == "*" else (known,) if isinstance(known, str) else tuple(known)
        fault = Fault(kind, operations, dict(match or {}), times, after, dict(args or {}), rate)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault, those by rate too."""
        with self._lock:
            self._faults.clear()

    def take(self, kinds: Iterable[str], call: Call) -> Fault | None:
        """Return the first fault of these kinds that strikes now, and count it."""
        if not self._faults:
            return None
        with self._lock:
            return next(
                (
                    fault
                    for fault in self._faults
                    if fault.kind in kinds and fault.fits(call) and self._strikes(fault)
                ),
                None,
            )

    def take_all(self, kinds: Iterable[str], call: Call) -> list[Fault]:
        """Return every fault of these kinds that strikes now, and count them."""
        if not self._faults:
            return []
        with self._lock:
            return [
                fault
                for fault in self._faults
                if fault.kind in kinds and fault.fits(call) and self._strikes(fault)
            ]

    def _strikes(self, fault: Fault) -> bool:
        if fault.times is not None and fault.struck >= fault.times:
            return False
        fault.seen += 1
        if fault.seen <= fault.after:
            return False
        # A rate about desktops is drawn once for each of them, by the one who plans the job.
        drawn = fault.rate is not None and fault.kind not in DESKTOPS
        if drawn and self._rng.random() >= (fault.rate or 0.0):
            return False
        fault.struck += 1
        return True


def _check(kind: str, times: int | None, after: int, match: object, args: object) -> None:
    if kind not in KINDS:
        msg = f"there is no fault {kind!r}; known are {', '.join(sorted(KINDS))}"
        raise FaultError(msg)
    for name, value in (("times", times), ("after", after)):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value < 0
        ):
            msg = f"{name} of the fault {kind} must be a whole number, not {value!r}"
            raise FaultError(msg)
    for name, found in (("match", match), ("args", args)):
        if found is not None and not isinstance(found, Mapping):
            msg = f"{name} of the fault {kind} must be an object, not {found!r}"
            raise FaultError(msg)


def hit_desktops(fault: Fault, desktop_ids: Iterable[str], rng: Random) -> set[str]:
    """Return the desktops that a fault about desktops hits: those named, or a share of all."""
    named = fault.args.get("desktop_ids")
    if named is not None:
        return set(named).intersection(desktop_ids)
    share = fault.rate if fault.rate is not None else float(fault.args.get("share", 1.0))
    return {desktop_id for desktop_id in desktop_ids if rng.random() < share}
