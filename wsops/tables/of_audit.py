"""Tables of what an audit saw, and of the images there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from wsops.audited import Audit, Mismatch
from wsops.models import Image
from wsops.tables.columns import Column
from wsops.tables.table import Table

_POOLS = (
    Column("pool"),
    Column("type", label="type"),
    Column("image", label="image of the pool"),
    Column("desktops", "count"),
    Column("differ", "count"),
    Column("in_use", "count", "in use or asleep"),
    Column("share", "share", "share that differs"),
)
_MISMATCHES = (
    Column("pool"),
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("runs", label="runs image"),
    Column("should_run", label="should run"),
    Column("status", "state"),
    Column("login", "state"),
    Column("in_use", "flag", "in use or asleep"),
    Column("os", label="OS"),
    Column("zone"),
    Column("since", "time", "differs since"),
)
_COUNTS = (
    Column("differ", "count"),
    Column("in_use", "count", "in use or asleep"),
    Column("pools", "count"),
)
_IMAGES = (
    Column("id", "id", "ID"),
    Column("name"),
    Column("type"),
    Column("os", label="OS"),
    Column("architecture"),
    Column("disk_gb", "count", "disk GB"),
    Column("billed", "flag"),
    Column("created", "time"),
)

By = Literal["pool", "image", "os", "zone"]

_KEYS: dict[By, Callable[[Mismatch], tuple[str, str]]] = {
    "pool": lambda row: (row.pool_id, row.pool_name or row.pool_id),
    "image": lambda row: (row.desktop_image_id, row.desktop_image_name or row.desktop_image_id),
    "os": lambda row: (row.os_version, row.os_version),
    "zone": lambda row: (row.availability_zone, row.availability_zone),
}


def pools(audit: Audit) -> Table:
    """Give the pools, most mismatches first: pool, type, image, desktops, differ, in_use, share.

    `in_use` counts among those that differ; `share` is differ of desktops, missing without any.
    """
    differ = Counter(row.pool_id for row in audit.mismatches)
    in_use = Counter(row.pool_id for row in audit.mismatches if row.in_use)
    rows = [
        (
            pool.name or pool.id,
            pool.type,
            pool.image_name or pool.image_id,
            pool.desktop_count,
            differ[pool.id],
            in_use[pool.id],
            differ[pool.id] / pool.desktop_count if pool.desktop_count else None,
        )
        for pool in sorted(audit.pools, key=lambda pool: (-differ[pool.id], pool.name))
    ]
    return Table.of(_POOLS, rows, "Pools")


def mismatches(audit: Audit, since: Mapping[str, datetime] | None = None) -> Table:
    """Give the desktops that do not run their pool's image.

    Columns: pool, desktop, user, runs and should_run (an image's name, or ID), status, login,
    in_use, os, zone, since. `since` maps a desktop's ID to when it was first seen to differ.
    """
    known = since or {}
    should = {pool.id: pool.image_name for pool in audit.pools}
    rows = (
        (
            row.pool_name or row.pool_id,
            row.desktop_name or row.desktop_id,
            row.user_name,
            row.desktop_image_name or row.desktop_image_id or "unknown",
            should.get(row.pool_id) or row.pool_image_id,
            row.status,
            row.login_status,
            row.in_use,
            row.os_version,
            row.availability_zone,
            known.get(row.desktop_id),
        )
        for row in audit.mismatches
    )
    return Table.of(_MISMATCHES, rows, "Desktops that do not run their pool's image")


def mismatches_by(audit: Audit, by: By) -> Table:
    """Count the mismatches, most first: a column named as `by` is, then differ, in_use, pools.

    `pools` is the number of pools that have such a desktop.
    """
    groups: dict[tuple[str, str], list[Mismatch]] = {}
    for row in audit.mismatches:
        groups.setdefault(_KEYS[by](row), []).append(row)
    rows = [
        (
            name or "unknown",
            len(group),
            sum(row.in_use for row in group),
            len({row.pool_id for row in group}),
        )
        for (_, name), group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    heading = {"image": "runs image", "os": "OS"}.get(by, by)
    return Table.of((Column(by, label=heading), *_COUNTS), rows, f"Mismatches by {heading}")


def images(rows: Iterable[Image]) -> Table:
    """Give the images: id, name, type, os, architecture, disk_gb, billed, created."""
    cells = (
        (
            image.id,
            image.name,
            image.image_type,
            image.os_type,
            image.architecture,
            image.min_disk or None,
            bool(image.product_code),
            image.created_at or None,
        )
        for image in sorted(rows, key=lambda image: (image.os_type, image.name))
    )
    return Table.of(_IMAGES, cells, "Images")
