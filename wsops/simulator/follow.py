"""The calls that follow a job: the job itself, and the list of sub-jobs."""

from __future__ import annotations

from wsops.simulator import wire
from wsops.simulator.answers import dump, no_job
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud


def show_job(cloud: Cloud, call: Call) -> bytes:
    """Answer ShowJob with all its sub-jobs."""
    job = cloud.job(call.job_id)
    if cloud.faults.take(("job_missing",), call):
        raise no_job(call.job_id)
    row = wire.job_row(job, cloud.project_id, cloud.now())
    for fault in cloud.faults.take_all(("strange_status",), call):
        row["status"] = fault.args.get("job", row["status"])
        for sub in row["sub_jobs"]:
            sub["status"] = fault.args.get("sub", sub["status"])
    return dump(row)


def list_sub_jobs(cloud: Cloud, call: Call) -> bytes:
    """Answer ListItaSubJobs, newest first; a young job does not show at once."""
    limit, offset = call.number("limit", 1000, 1000), call.number("offset", 0, 10_000)
    now, words = cloud.now(), call.words
    visible = now - cloud.options.list_delay / cloud.options.speed
    strange = [
        fault.args["sub"]
        for fault in cloud.faults.take_all(("strange_status",), call)
        if "sub" in fault.args
    ]
    wanted = {value for name, value in call.query if name == "status"}
    found = [
        (job, sub)
        for job in reversed(cloud.jobs.values())
        if job.created <= visible
        and words.get("job_id") in (None, "", job.id)
        and words.get("job_type") in (None, "", job.kind)
        for sub in job.subs
        if words.get("desktop_pool_id") in (None, "", sub.pool_id)
        and (not wanted or (strange[-1] if strange else sub.status(now)) in wanted)
    ]
    rows = [
        wire.sub_job_row(sub, job, cloud.project_id, now)
        for job, sub in found[offset : offset + limit]
    ]
    if strange:
        rows = [row | {"status": strange[-1]} for row in rows]
    return dump({"total_count": len(found), "jobs": rows})
