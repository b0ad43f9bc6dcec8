"""Fleet files: a whole fleet as JSON, to be loaded again or made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from wsops.simulator import wire
from wsops.simulator.clock import iso
from wsops.simulator.records import Desktop, Fleet, Image, Pool, Row, Shared
from wsops.simulator.regions import REGIONS, Region

SCHEMA = 1
MAX_BYTES = 200 * 1024 * 1024
# What a Desktop keeps by itself; everything else of a row is carried along unread.
_OWN = frozenset(
    {
        "desktop_id",
        "computer_name",
        "ipv4",
        "user_name",
        "status",
        "task_status",
        "login_status",
        "product_id",
        "os_version",
        "process",
        "is_freeze",
        "isolated",
        "in_maintenance_mode",
        "inconsistent_types",
        "ipv6",
    }
)


class FleetError(ValueError):
    """A fleet file cannot be used; the message says which pool, desktop and field."""


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file; raises FleetError with one sentence when it is bad."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            msg = f"The fleet file {path} is larger than {MAX_BYTES // 1024 // 1024} MiB."
            raise FleetError(msg)
        document = json.loads(path.read_bytes())
    except OSError as error:
        msg = f"The fleet file {path} cannot be read: {error.strerror or error}."
        raise FleetError(msg) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, FleetError):
            raise
        msg = f"The fleet file {path} is not JSON: {error}."
        raise FleetError(msg) from error
    return parse_fleet(document)


def parse_fleet(document: object) -> Fleet:
    """Turn the content of a fleet file into a fleet; raises FleetError."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        msg = f'A fleet file is an object with "schema": {SCHEMA}; this one is not.'
        raise FleetError(msg)
    generation = document.get("generation", "new")
    if generation not in REGIONS:
        msg = f"The fleet's generation must be old or new, not {generation!r}."
        raise FleetError(msg)
    images = [
        _image(row, place) for place, row in enumerate(_rows(document, "images", "the fleet"))
    ]
    pools = [_pool(row, place) for place, row in enumerate(_rows(document, "pools", "the fleet"))]
    _distinct((pool.id for pool in pools), "pool")
    _distinct((desktop.id for pool in pools for desktop in pool.desktops), "desktop")
    return Fleet(
        images=images,
        pools=pools,
        generation=str(generation),
        region=_text(document, "region", "the fleet", "sim-region-1"),
        taken_at=_text(document, "taken_at", "the fleet", ""),
    )


def dump_fleet(fleet: Fleet, now: float) -> Row:
    """Return the content of a fleet file for this fleet as it is at this time."""
    region = REGIONS[fleet.generation]
    return {
        "schema": SCHEMA,
        "taken_at": iso(now),
        "region": fleet.region,
        "generation": fleet.generation,
        "images": [image.row for image in fleet.images],
        "pools": [
            wire.pool_row(pool, now) | {"desktops": _desktop_rows(pool, region, now)}
            for pool in fleet.pools
        ],
    }


def _desktop_rows(pool: Pool, region: Region, now: float) -> list[Row]:
    rows: list[Row] = json.loads(
        b"".join((b"[", *wire.pool_desktops(pool.desktops, pool, region, now), b"]"))
    )
    return rows


def _image(row: object, place: int) -> Image:
    if not isinstance(row, dict) or not _text(row, "id", f"image {place + 1}", ""):
        msg = f"Image {place + 1} of the fleet has no id."
        raise FleetError(msg)
    _text(row, "name", f"image {row['id']}", "")
    return Image(row)


def _pool(row: object, place: int) -> Pool:
    where = f"pool {place + 1}"
    if not isinstance(row, dict) or not _text(row, "id", where, ""):
        msg = f"Pool {place + 1} of the fleet has no id."
        raise FleetError(msg)
    where = f"pool {row['id']}"
    desktops = _rows(row, "desktops", where)
    defaults = {"type": "DYNAMIC", "charging_mode": "1", "name": row["id"]}
    kept = {key: value for key, value in row.items() if key != "desktops"}
    kept |= {key: value for key, value in defaults.items() if kept.get(key) is None}
    for name in ("name", "type", "charging_mode", "image_id"):
        _text(kept, name, where, "")
    _volumes(kept, where)
    if not isinstance(kept.get("product") or {}, dict):
        msg = f"The field product of {where} must be an object."
        raise FleetError(msg)
    # A job of the recorded region does not go on here.
    kept["status"] = "STEADY" if kept.get("status") in (None, "TEMPORARY") else kept["status"]
    pool = Pool(kept)
    pool.desktops = [_desktop(item, pool, number) for number, item in enumerate(desktops)]
    return pool


def _desktop(row: object, pool: Pool, place: int) -> Desktop:
    where = f"desktop {place + 1} of pool {pool.id}"
    if not isinstance(row, dict) or not _text(row, "desktop_id", where, ""):
        msg = f"Desktop {place + 1} of pool {pool.id} has no desktop_id."
        raise FleetError(msg)
    where = f"desktop {row['desktop_id']} of pool {pool.id}"
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        msg = f"The field metadata of {where} must be an object."
        raise FleetError(msg)
    _volumes(row, where)
    return Desktop(
        id=row["desktop_id"],
        name=_text(row, "computer_name", where, row["desktop_id"]),
        pool_id=pool.id,
        shared=Shared({k: v for k, v in row.items() if k not in _OWN}),
        image_id=_text(metadata, "metering.image_id", where, pool.image_id),
        image_name=_text(metadata, "image_name", where, ""),
        os_version=_text(row, "os_version", where, ""),
        user=_text(row, "user_name", where, ""),
        status=_text(row, "status", where, "ACTIVE"),
        ip=_text(row, "ipv4", where, ""),
        login_status=_text(row, "login_status", where, "REGISTERED"),
        product_id=_text(row, "product_id", where, pool.product_id),
        frozen=_flag(row, "is_freeze", where),
        isolated=_flag(row, "isolated", where),
        maintenance=_flag(row, "in_maintenance_mode", where),
    )


def _rows(holder: Row, name: str, where: str) -> list[object]:
    value = holder.get(name, [])
    if not isinstance(value, list):
        msg = f"The field {name} of {where} must be a list."
        raise FleetError(msg)
    return value


def _text(row: Row, name: str, where: str, default: str) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"The field {name} of {where} must be a text."
        raise FleetError(msg)
    return default if value is None else value


def _flag(row: Row, name: str, where: str) -> bool:
    value = row.get(name)
    if value is not None and not isinstance(value, bool):
        msg = f"The field {name} of {where} must be true or false."
        raise FleetError(msg)
    return bool(value)


def _volumes(row: Row, where: str) -> None:
    volumes = row.get("data_volumes") or []
    if not isinstance(volumes, list) or not all(
        isinstance(one, dict) and isinstance(one.get("size") or 0, int) for one in volumes
    ):
        msg = f"The field data_volumes of {where} must be a list of disks with a size in GB."
        raise FleetError(msg)


def _distinct(ids: object, kind: str) -> None:
    seen: set[str] = set()
    for one in ids:  # type: ignore[attr-defined]
        if one in seen:
            msg = f"The {kind} {one} is in the fleet twice."
            raise FleetError(msg)
        seen.add(one)
