"""The calls that change something: rebuilds, a pool's attributes, messages, retry."""

from __future__ import annotations

from wsops.simulator import checks
from wsops.simulator.answers import Answer, bad_request, conflict, dump
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud
from wsops.simulator.jobs import REBUILD_DESKTOPS, REBUILD_POOL
from wsops.simulator.orders import chosen_desktops, fitting_image, handled_desktops, refuse_busy
from wsops.simulator.starting import Work, occupy, run_again, start

ATTRIBUTES = frozenset(
    {
        "name",
        "description",
        "ou_name",
        "tags",
        "disconnected_retention_period",
        "enable_autoscale",
        "autoscale_policy",
        "user_reset_policy",
        "in_maintenance_mode",
        "desktop_name_policy_id",
        "availability_zone",
        "vpc_id",
        "subnet_ids",
        "enterprise_project_id",
    }
)


def rebuild_pool(cloud: Cloud, call: Call) -> Answer:
    """Recompose a pool, or those of its desktops that the order picks."""
    pool = cloud.pool(call.pool_id)
    order = checks.rebuild_order(call.fields(), modern=cloud.region.modern)
    image = fitting_image(cloud, order, [pool])
    refuse_busy(cloud, [pool])
    if order.is_fix and cloud.options.fix_needs_pool_image and order.image_id != pool.image_id:
        msg = "With is_fix the parameter image_id must be the image of the desktop pool."
        raise bad_request(msg)
    chosen = chosen_desktops(cloud, order, pool)
    whole = not (order.desktop_ids and cloud.options.honour_desktop_ids)
    targets = handled_desktops(cloud, order, chosen)
    if not order.is_fix and (whole or cloud.options.subset_moves_pool_image):
        pool.take_image(image)
    return start(cloud, call, REBUILD_POOL, [pool], Work(image, targets, order.delay_time))


def rebuild_desktops(cloud: Cloud, call: Call) -> Answer:
    """Recompose named desktops, of one pool or of several."""
    fields = call.fields()
    named = [cloud.desktop(one) for one in checks.named_desktops(fields)]
    order = checks.rebuild_order(fields, modern=cloud.region.modern)
    pools = list({one.pool_id: cloud.pools[one.pool_id] for one in named}.values())
    image = fitting_image(cloud, order, pools)
    refuse_busy(cloud, pools)
    targets = handled_desktops(cloud, order, named)
    return start(cloud, call, REBUILD_DESKTOPS, pools, Work(image, targets, order.delay_time))


def update_pool(cloud: Cloud, call: Call) -> Answer:
    """Change a pool's attributes; unknown fields are ignored."""
    pool, fields = cloud.pool(call.pool_id), call.fields()
    name = checks.text(fields, "name", 255)
    if name == "":
        msg = "The parameter name must not be empty."
        raise bad_request(msg)
    checks.truth(fields, "in_maintenance_mode")
    checks.truth(fields, "enable_autoscale")
    pool.row |= {
        key: value for key, value in fields.items() if key in ATTRIBUTES and value is not None
    }
    return Answer(200, b"{}", executed=True)


def notify(cloud: Cloud, call: Call) -> Answer:
    """Message the users of a pool."""
    pool, fields = cloud.pool(call.pool_id), call.fields()
    if not checks.text(fields, "notifications", 400):
        msg = "The parameter notifications is required."
        raise bad_request(msg)
    job = cloud.accept("sendDesktopPoolNotifications", (pool.id,))
    return Answer(200, dump({"job_id": job.id}), executed=True, job_id=job.id)


def job_action(cloud: Cloud, call: Call) -> Answer:
    """Retry a job: refused for rebuilds unless switched on; then the failed sub-jobs run again."""
    job, fields = cloud.job(call.job_id), call.fields()
    if fields.get("op_type") != "retry":
        msg = "The parameter op_type must be retry."
        raise bad_request(msg)
    if not cloud.options.retry_rebuilds or job.kind not in (REBUILD_POOL, REBUILD_DESKTOPS):
        msg = f"The action retry is not supported for jobs of type {job.kind}."
        raise bad_request(msg)
    now = cloud.now()
    refuse_busy(cloud, [cloud.pool(pool_id) for pool_id in job.pool_ids])
    failed = [sub for sub in job.subs if sub.failure]
    if not failed:
        msg = "The job has nothing to retry."
        raise conflict(msg)
    again = run_again(cloud, call, failed, now)
    job.subs = tuple(again.get(sub.id, sub) for sub in job.subs)
    occupy(cloud, job)
    return Answer(200, dump({"job_id": job.id}), executed=True, job_id=job.id)
