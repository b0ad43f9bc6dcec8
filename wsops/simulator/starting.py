"""How an accepted rebuild starts: one planned sub-job a desktop, some of them doomed by faults."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from wsops.simulator.answers import Answer, dump
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud
from wsops.simulator.faults import DESKTOPS, hit_desktops
from wsops.simulator.jobs import FAILURES, FROZEN, Failure, Job, SubJob, draw_durations
from wsops.simulator.records import Desktop, Image, Pool


@dataclass(frozen=True, slots=True)
class Work:
    """What a rebuild is to do."""

    image: Image
    targets: list[Desktop]
    delay_time: int  # minutes


def start(cloud: Cloud, call: Call, kind: str, pools: list[Pool], work: Work) -> Answer:
    """Open the job, plan every desktop's way through time, and answer with the job's ID."""
    now, speed = cloud.now(), cloud.options.speed
    job = cloud.accept(kind, tuple(pool.id for pool in pools))
    hits = _hits(cloud, call, work.targets)
    subs = []
    for desktop in work.targets:
        # Users who are connected get their minutes to save; the others lose nothing by waiting.
        grace = work.delay_time * 60 / speed if desktop.login_status == "CONNECTED" else 0.0
        plain = plan_desktop(cloud, desktop, work.image, now, grace)
        subs.append(_doomed(plain, hits.get(desktop.id)))
    job.subs = tuple(subs)
    occupy(cloud, job)
    return Answer(200, dump({"job_id": job.id}), executed=True, job_id=job.id)


def occupy(cloud: Cloud, job: Job) -> None:
    """Give the job its pools, and every desktop that is still to move its sub-job."""
    now = cloud.now()
    for pool_id in job.pool_ids:
        cloud.pool(pool_id).jobs.append(job)
    for sub in job.subs:
        if now < sub.settles and sub.desktop_id in cloud.desktops:
            cloud.agenda.give(cloud.desktops[sub.desktop_id], sub)


def plan_desktop(
    cloud: Cloud, desktop: Desktop, image: Image, now: float, grace: float = 0.0
) -> SubJob:
    """Plan one desktop's rebuild; `grace` is the time its user gets, in seconds."""
    options = cloud.options
    drawn = draw_durations(
        cloud.rng,
        options.desktop_seconds,
        (options.start_seconds, options.lag_seconds, options.register_seconds),
        options.speed,
    )
    failure = FROZEN if desktop.frozen else None
    starts = now + grace + drawn.wait
    ends = starts + drawn.pace * (drawn.fails_at if failure else 1.0)
    off = desktop.status == "SHUTOFF"
    return SubJob(
        id=str(uuid.uuid4()),
        desktop_id=desktop.id,
        desktop_name=desktop.name,
        user_name=desktop.user,
        pool_id=desktop.pool_id,
        product_id=desktop.product_id,
        ip=desktop.ip,
        image=image,
        created=now,
        starts=starts,
        ends=ends,
        pace=drawn.pace,
        shows=ends + drawn.lag,
        settles=ends + drawn.lag + (0.0 if off else drawn.register),
        failure=failure,
        was_off=off,
    )


def run_again(cloud: Cloud, call: Call, failed: Iterable[SubJob], now: float) -> dict[str, SubJob]:
    """Plan failed sub-jobs anew, each by its own ID; faults hit them as they did at first."""
    by_id = {sub.id: (sub, cloud.desktop(sub.desktop_id)) for sub in failed}
    hits = _hits(cloud, call, [desktop for _, desktop in by_id.values()])
    planned = {
        sub_id: _doomed(plan_desktop(cloud, desktop, sub.image, now), hits.get(desktop.id))
        for sub_id, (sub, desktop) in by_id.items()
    }
    return {sub_id: replace(sub, id=sub_id) for sub_id, sub in planned.items()}


@dataclass(frozen=True, slots=True)
class _Hit:
    kind: str
    failure: Failure


def _hits(cloud: Cloud, call: Call, targets: list[Desktop]) -> dict[str, _Hit]:
    """Return which desktops a fault hits, and how."""
    found: dict[str, _Hit] = {}
    ids = [one.id for one in targets]
    for fault in cloud.faults.take_all(DESKTOPS, call):
        rng = Random(cloud.rng.random())
        for desktop_id in sorted(hit_desktops(fault, ids, rng)):
            drawn = rng.choice(FAILURES)
            found[desktop_id] = _Hit(
                fault.kind,
                Failure(
                    str(fault.args.get("code", drawn.code)),
                    str(fault.args.get("reason", drawn.reason)),
                    str(fault.args.get("leaves", drawn.leaves)),
                ),
            )
    return found


def _doomed(sub: SubJob, hit: _Hit | None) -> SubJob:
    """Return the sub-job as a fault makes it go."""
    if hit is None:
        return sub
    if hit.kind == "stuck":
        return replace(sub, ends=math.inf, shows=math.inf, settles=math.inf)
    if hit.kind == "ignore_desktop":
        return replace(sub, ignored=True)
    early = (sub.ends - sub.starts) * 0.4
    return replace(
        sub,
        failure=hit.failure,
        ends=sub.ends - early,
        shows=sub.shows - early,
        settles=sub.settles - early,
    )
