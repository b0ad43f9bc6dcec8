"""Every operation of the contract by its operationId, and one way to perform it."""

from __future__ import annotations

from collections.abc import Callable

from wsops.simulator import follow, reads, writes
from wsops.simulator.answers import Answer, Refusal, not_allowed
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud

Read = Callable[[Cloud, Call], bytes]
Write = Callable[[Cloud, Call], Answer]

READS: dict[str, Read] = {
    "ListDesktopPools": reads.list_pools,
    "ShowDesktopPoolDetail": reads.show_pool,
    "ListPoolDesktopsDetail": reads.list_pool_desktops,
    "ListInconsistentStatics": reads.inconsistent_statics,
    "ListDesktopsDetail": reads.list_desktops,
    "CheckDesktopImages": reads.check_images,
    "ListImages": reads.list_images,
    "ShowJob": follow.show_job,
    "ListItaSubJobs": follow.list_sub_jobs,
}
WRITES: dict[str, Write] = {
    "UpdateDesktopPool": writes.update_pool,
    "RebuildDesktopPool": writes.rebuild_pool,
    "SendDesktopPoolNotifications": writes.notify,
    "BatchRebuildDesktopsSystemDisk": writes.rebuild_desktops,
    "RunActionsOnWorkspaceJob": writes.job_action,
}


def perform(cloud: Cloud, call: Call) -> Answer:
    """Carry a call out and return its answer; a refusal is an answer too."""
    with cloud.lock:
        cloud.settle()
        try:
            if call.operation in cloud.denied:
                action = f"workspace:{call.operation}"
                raise not_allowed(action)
            if call.operation in READS:
                return Answer(200, READS[call.operation](cloud, call))
            return WRITES[call.operation](cloud, call)
        except Refusal as refusal:
            return refusal.answer()
