"""Records as the JSON of the contract; a desktop's row is rendered once and kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence

from wsops.simulator.clock import iso, zoneless
from wsops.simulator.jobs import Job, SubJob
from wsops.simulator.records import Desktop, Pool, Row, disk_sizes
from wsops.simulator.regions import KINDS, Region

_BARE = b"}"


def pool_row(pool: Pool, now: float) -> Row:
    """Return a pool with what has to be counted: desktops, those in use, its status."""
    busy = pool.busy(now)
    return pool.row | {
        "desktop_count": len(pool.desktops),
        "desktop_used": sum(1 for desktop in pool.desktops if desktop.user),
        "status": "TEMPORARY" if busy else pool.row.get("status") or "STEADY",
    }


def differences(desktop: Desktop, pool: Pool, disks: tuple[int, ...]) -> tuple[str, ...]:
    """Return the kinds in which a desktop differs from its pool; `disks` are the pool's."""
    own = desktop.shared.disks
    if desktop.image_id == pool.image_id and desktop.product_id == pool.product_id and own == disks:
        return ()
    found = (
        desktop.product_id != pool.product_id,
        desktop.image_id != pool.image_id,
        len(own) != len(disks),
        sum(own) != sum(disks),
    )
    return tuple(kind for kind, differs in zip(KINDS, found, strict=True) if differs)


def pool_disks(pool: Pool) -> tuple[int, ...]:
    """Return the sizes of the data disks that the pool's desktops should have, in GB."""
    return disk_sizes(pool.row.get("data_volumes"))


def pool_desktops(
    desktops: Sequence[Desktop], pool: Pool, region: Region, now: float
) -> list[bytes]:
    """Return rows of PoolDesktopsDetailInfo with commas between, in parts that are to be joined.

    A page holds a quarter of a megabyte at times, so it is put together only once, by the caller.
    """
    disks, ends = pool_disks(pool), dict[tuple[object, ...], bytes]()
    parts: list[bytes] = []
    for desktop in desktops:
        parts.append(desktop.core if desktop.core and not desktop.sub else core(desktop, now))
        build = (desktop.image_id, desktop.product_id, desktop.shared.disks)
        if build not in ends:  # a handful of builds in a pool, hundreds of desktops
            kinds = differences(desktop, pool, disks)
            words = [region.marks[kind] for kind in kinds if kind in region.marks]
            ends[build] = b',"inconsistent_types":' + json.dumps(words).encode() + b"},"
        parts.append(ends[build])
    return [*parts[:-1], parts[-1][:-1]] if parts else parts


def differs(kind: str, pool: Pool) -> Callable[[Desktop], bool]:
    """Return the question whether a desktop differs from the pool in this kind."""
    if kind == "image_id":  # by far the most frequent question, and asked of every desktop
        image_id = pool.image_id
        return lambda desktop: desktop.image_id != image_id
    disks = pool_disks(pool)
    return lambda desktop: kind in differences(desktop, pool, disks)


def project_desktops(desktops: Iterable[Desktop], now: float) -> bytes:
    """Return rows of DesktopDetailInfo, joined by commas; they do not say their pool."""
    return b",".join(core(desktop, now) + _BARE for desktop in desktops)


def core(desktop: Desktop, now: float) -> bytes:
    """Return a desktop's row without its end; kept until the desktop changes."""
    if desktop.sub is None:
        if desktop.core is None:
            desktop.core = _render(desktop, desktop_fields(desktop))
        return desktop.core
    return _render(desktop, desktop_fields(desktop) | _moving(desktop.sub, now))


def _render(desktop: Desktop, fields: Row) -> bytes:
    shared = desktop.shared
    if not _DERIVED.isdisjoint(shared.fields):
        # A loaded row may say by itself what is otherwise derived.
        fields = {key: value for key, value in fields.items() if key not in shared.said}
    own = json.dumps(fields, separators=(",", ":")).encode()[:-1]
    return own + b"," + shared.tail if shared.tail else own


_DERIVED = frozenset(
    {"os_host_name", "ip_addresses", "addresses", "user_list", "attach_user_infos", "sid"}
)


def desktop_fields(desktop: Desktop) -> Row:
    """Return the part of a desktop's row that is its own."""
    user, ip = desktop.user, desktop.ip
    return {
        "desktop_id": desktop.id,
        "computer_name": desktop.name,
        "os_host_name": desktop.name,
        "addresses": {"subnet": [{"addr": ip, "version": "4"}]} if ip else {},
        "ip_addresses": [ip] if ip else [],
        "ipv4": ip or None,
        "ipv6": None,
        "user_list": [user] if user else [],
        "metadata": desktop.shared.metadata
        | {"image_name": desktop.image_name, "metering.image_id": desktop.image_id},
        "status": desktop.status,
        "task_status": "",
        "in_maintenance_mode": desktop.maintenance,
        "login_status": desktop.login_status,
        "user_name": user,
        "attach_user_infos": [{"user_name": user, "type": "USER"}] if user else [],
        "product_id": desktop.product_id,
        "os_version": desktop.os_version,
        "sid": desktop.id,
        "process": None,
        "is_freeze": desktop.frozen,
        "isolated": desktop.isolated,
    }


def _moving(sub: SubJob, now: float) -> Row:
    """Return the fields that a rebuild under way shows instead of the desktop's own."""
    if not sub.starts <= now < sub.shows:
        return {}
    return {
        "task_status": sub.task_status(now),
        "process": sub.process(now),
        "login_status": "UNREGISTER",
    }


def sub_job_row(sub: SubJob, job: Job, project_id: str, now: float) -> Row:
    """Return one JobDetailInfo; its times are UTC but do not say so."""
    status = sub.status(now)
    failed = sub.failure if status == "FAILED" else None
    return {
        "id": sub.id,
        "job_type": job.kind,
        "job_id": job.id,
        "project_id": project_id,
        "entities": {
            "desktop_id": sub.desktop_id,
            "product_id": sub.product_id,
            "user_name": sub.user_name,
            "desktop_name": sub.desktop_name,
            "ip_address": sub.ip,
        },
        "begin_time": zoneless(sub.created),
        "end_time": zoneless(sub.ends) if now >= sub.ends else None,
        "status": status,
        "process": sub.process(now),
        "error_code": failed.code if failed else None,
        "fail_reason": failed.reason if failed else None,
        "host": None,
        "attach_user": sub.user_name,
        "entity": sub.desktop_id,
        "ip_address": sub.ip,
    }


def job_row(job: Job, project_id: str, now: float) -> Row:
    """Return ShowJobResponse; the times of a job itself do say their zone."""
    over = math.isfinite(job.ended_at) and now >= job.ended_at
    failure = job.subs[0].failure if over and job.failed_wholly else None
    return {
        "id": job.id,
        "job_type": job.kind,
        "status": job.status(now),
        "begin_time": iso(job.created),
        "end_time": iso(job.ended_at) if over else None,
        "job_error_code": failure.code if failure else None,
        "fail_reason": failure.reason if failure else None,
        "sub_jobs_total": len(job.subs),
        "sub_jobs": [sub_job_row(sub, job, project_id, now) for sub in job.subs],
    }
