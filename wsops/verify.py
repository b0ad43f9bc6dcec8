"""Reads every desktop back: *done* is said only after two reads in agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsops.client import Workspace
from wsops.errors import BadAnswer, CloudRefused, CloudUnreachable, NotAllowed
from wsops.jobs import Timing
from wsops.models import GOOD_WORDS, SESSIONS, Desktop, Job, SubJob
from wsops.plan import Item
from wsops.redact import scrub
from wsops.rows import ItemRow

GOOD_ENDS = frozenset({"done", "left_in_use"})
_READS = 2


@dataclass(frozen=True)
class End:
    """How one desktop ended: its state and, where it is not done, why.

    States: done, left_in_use, failed, mismatch, missed, not_ready, stalled, gone, unknown, beyond.
    """

    state: str
    reason: str = ""

    def as_dict(self) -> dict[str, str]:
        """Give it as the journal keeps it."""
        return {"state": self.state, "reason": scrub(self.reason)}


def read_back(  # noqa: PLR0913  (what is read, beside what, and how)
    ws: Workspace, item: Item, row: ItemRow, job: Job, timing: Timing, *, all_here: bool
) -> dict[str, End]:
    """Read the targets of an item until two reads in a row agree, `verify_within` at the most.

    Args:
        ws: the connection.
        item: the request; its image is the one wanted.
        row: its record; its targets say what each desktop was just before the send.
        job: its job, as last seen.
        timing: clocks and sleep.
        all_here: whether the job comes with all its sub-jobs.

    Returns:
        How each target ended, and each desktop that the job touched beyond them.
    """
    polling = ws.settings.polling
    subs = {sub.desktop_id: sub for sub in job.sub_jobs}
    # A job tells all it did when it ended well, with all its sub-jobs, each with its desktop.
    whole = job.finished and job.status in GOOD_WORDS and all_here and "" not in subs
    judge = _Judge(row.targets, subs, item.image_id, idle_only=item.idle_only, whole=whole)
    end = timing.clock() + polling.verify_within
    before: dict[str, End] = {}
    agreed: dict[str, int] = dict.fromkeys(row.targets, 0)
    while True:
        now = _states(ws, row, judge)
        if now is not None:
            for desktop_id, state in now.items():
                same = before.get(desktop_id) == state
                agreed[desktop_id] = agreed[desktop_id] + 1 if same else 1
            before = now
            if all(agreed[i] >= _READS and now[i].state not in _MAY_CHANGE for i in now):
                break
        if timing.clock() >= end:
            break
        timing.sleep(polling.verify_every)
    ends = {i: before.get(i, _UNREAD) if agreed[i] >= _READS else _UNREAD for i in row.targets}
    # A retried job still lists the sub-jobs of its first time: they were approved then.
    beyond = () if item.retries else subs.keys() - row.targets.keys() - {""}
    return ends | dict.fromkeys(beyond, _BEYOND)


_UNREAD = End("unknown", "it could not be read twice in agreement")
_BEYOND = End("beyond", "the job touched it, although it was not approved")
_MAY_CHANGE = frozenset({"mismatch", "missed", "not_ready"})


class _Judge:
    """What one read of a desktop means, beside its sub-job."""

    def __init__(
        self,
        targets: Mapping[str, Any],
        subs: Mapping[str, SubJob],
        image_id: str,
        *,
        idle_only: bool,
        whole: bool,
    ) -> None:
        self.targets, self.subs, self.image_id, self.idle_only = targets, subs, image_id, idle_only
        self.whole = whole

    def end(self, desktop_id: str, desktop: Desktop | None) -> End:
        sub = self.subs.get(desktop_id)
        if desktop is None:
            return End("gone", "it is no longer in the pool")
        return self._untouched(desktop) if sub is None else self._touched(sub, desktop)

    def _touched(self, sub: SubJob, desktop: Desktop) -> End:
        if not sub.final:
            return End("stalled", f"its sub-job is {sub.status or 'without a word'}, not ended")
        if not sub.good:
            return End("failed", f"{sub.error_code} {sub.fail_reason}".strip() or "no reason given")
        if desktop.image_id != self.image_id:
            return End("mismatch", f"its sub-job ended well, but it runs {desktop.image_id or '?'}")
        was_off = self.targets[desktop.desktop_id].get("off")
        if desktop.ready or (was_off and desktop.off and not desktop.task_status):
            return End("done")
        return End("not_ready", f"it runs the image, but is {desktop.login_status or 'unknown'}")

    def _untouched(self, desktop: Desktop) -> End:
        """Judge a desktop for which the job shows no sub-job."""
        before = self.targets[desktop.desktop_id]
        if desktop.image_id == self.image_id and before["image_id"] != self.image_id:
            return End("unknown", "it runs the image, but no sub-job says why")
        used = before["in_use"] or desktop.login_status in SESSIONS
        if self.idle_only and used and self.whole:
            return End("left_in_use", "someone used it")
        if not self.whole:
            return End("unknown", "the job does not say what became of it")
        return End("missed", "the job had no sub-job for it")


def _states(ws: Workspace, row: ItemRow, judge: _Judge) -> dict[str, End] | None:
    """Read the targets once; None where the read failed."""
    try:
        listing = ws.pool_desktops(row.pool_id)
    except NotAllowed:
        raise
    except (BadAnswer, CloudRefused, CloudUnreachable):
        return None
    if not listing.steady:
        return None  # a row that paging lost would count as gone
    present = {desktop.desktop_id: desktop for desktop in listing.rows}
    return {
        desktop_id: judge.end(desktop_id, present.get(desktop_id)) for desktop_id in row.targets
    }
