"""What has to hold of a pool right before its request leaves, beside what the journal says."""

from __future__ import annotations

from wsops.client import Workspace
from wsops.errors import Held, StalePlan
from wsops.models import SubJob
from wsops.plan import Item, Plan, Reading, drift, more_in_use
from wsops.readings import region_of, whole_job


def check_pool(item: Item, reading: Reading) -> None:
    """Check that a pool is as it was approved, and that nobody rebuilds it.

    Raises:
        StalePlan: a rebuild is under way, or images or desktops are not those of the plan.
        Held: more of its desktops are in use than were approved.
    """
    if reading.busy_jobs:
        msg = f"a rebuild of the pool is under way: job {reading.busy_jobs[0]}"
        raise StalePlan(msg)
    changed = drift(item, reading)
    if changed:
        raise StalePlan(changed)
    used = more_in_use(item, reading)
    if used:
        raise Held(used)


def check_source(ws: Workspace, plan: Plan, item: Item, reading: Reading) -> tuple[SubJob, ...]:
    """Check what the plan took for granted: what the region knows, where the job failed.

    Gives the sub-jobs that a retry runs again.

    Raises:
        StalePlan: it is not so any more.
        CloudError: it could not be read.
    """
    if item.retries:
        failed = whole_job(ws, item.retries).failed
        # All that failed runs again: what is not a target would be touched without approval.
        if {sub.desktop_id for sub in failed} != {target.desktop_id for target in item.targets}:
            msg = f"job {item.retries} did not fail at just the desktops of the plan"
            raise StalePlan(msg)
        return failed
    region = region_of(ws, [reading.pool])
    if region.knows_handle_type != plan.knows_handle_type:
        msg = "the region does not know the same fields as when the plan was made"
        raise StalePlan(msg)
    return ()
