"""The calls that only read; each returns the body of its 200."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wsops.simulator import wire
from wsops.simulator.answers import bad_request, dump, no_api
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud
from wsops.simulator.records import Desktop, Pool, Row
from wsops.simulator.regions import KINDS


def list_pools(cloud: Cloud, call: Call) -> bytes:
    """Answer ListDesktopPools: up to 1000 rows a page."""
    limit, offset = call.number("limit", 1000, 1000), call.number("offset", 0, 20_000)
    _shift_pools(cloud, call, offset)
    tests: list[Callable[[Pool], bool]] = []
    maintained = call.flag("in_maintenance_mode")
    if maintained is not None:
        tests.append(lambda pool: bool(pool.row.get("in_maintenance_mode")) is maintained)
    for name in ("type", "enterprise_project_id"):
        if wanted := call.words.get(name):
            tests += [lambda pool, n=name, w=wanted: pool.row.get(n) == w]  # type: ignore[misc]
    if part := call.words.get("name"):
        tests.append(lambda pool: part in pool.name)
    found = [pool for pool in cloud.pools.values() if all(test(pool) for test in tests)]
    now = cloud.now()
    return dump(
        {
            "total_count": len(found),
            "desktop_pools": [wire.pool_row(pool, now) for pool in found[offset : offset + limit]],
        }
    )


def show_pool(cloud: Cloud, call: Call) -> bytes:
    """Answer ShowDesktopPoolDetail."""
    return dump(wire.pool_row(cloud.pool(call.pool_id), cloud.now()))


def list_pool_desktops(cloud: Cloud, call: Call) -> bytes:
    """Answer ListPoolDesktopsDetail: up to 100 rows a page, ten unless asked for more."""
    limit, offset = call.number("limit", 10, 100), call.number("offset", 0, 10_000)
    pool = cloud.pool(call.pool_id)
    _shift_desktops(cloud, call, pool, offset)
    kind = _difference(cloud, call)
    found = _filtered(call, pool, kind)
    total, now = len(found), cloud.now()
    rows = wire.pool_desktops(found[offset : offset + limit], pool, cloud.region, now)
    return b"".join((b'{"pool_desktops":[', *rows, b"],", dump(_counts(pool, total, kind))[1:]))


def _counts(pool: Pool, total: int, kind: str | None) -> Row:
    """Return the numbers beside the rows: how they are billed, their image too."""
    billed = bool(pool.row.get("image_product_code"))
    demand, period = (0, total) if pool.yearly else (total, 0)
    return {
        "total_count": total,
        "on_demand_desktops_num": demand,
        "period_desktops_num": period,
        "on_demand_free_image_desktops_num": 0 if billed else demand,
        "on_demand_charge_image_desktops_num": demand if billed else 0,
        "period_free_image_desktops_num": 0 if billed else period,
        "period_charge_image_desktops_num": period if billed else 0,
        "inconsistent_type": kind,
    }


def _difference(cloud: Cloud, call: Call) -> str | None:
    """Return the kind of difference to filter by; regions disagree about the words."""
    word = call.words.get("inconsistent_type")
    if word is None:
        return None
    kind = cloud.region.filters.get(word)
    if kind is None:
        msg = f"The parameter inconsistent_type must be one of {', '.join(cloud.region.filters)}."
        raise bad_request(msg)
    mode = cloud.options.filter_mode
    if mode == "reject" or cloud.faults.take(("refuse_filter",), call):
        msg = "The parameter inconsistent_type is not supported."
        raise bad_request(msg)
    ignored = mode == "ignore" or cloud.faults.take(("ignore_filter",), call)
    return None if ignored else kind


def _filtered(call: Call, pool: Pool, kind: str | None) -> list[Desktop]:
    """Return the pool's desktops that pass every filter of the query."""
    tests: list[Callable[[Desktop], bool]] = []
    if kind is not None:
        tests.append(wire.differs(kind, pool))
    for name, field in (("in_maintenance_mode", "maintenance"), ("isolated", "isolated")):
        if (wanted := call.flag(name)) is not None:
            tests.append(lambda one, f=field, w=wanted: getattr(one, f) is w)  # type: ignore[misc]
    for name, field in (("status", "status"), ("user_name", "user")):
        if text := call.words.get(name):
            tests.append(lambda one, f=field, t=text: getattr(one, f) == t)  # type: ignore[misc]
    if image := call.words.get("image_id"):
        tests.append(lambda one: one.image_id == image)
    if part := call.words.get("computer_name"):
        tests.append(lambda one: part in one.name)
    found = pool.desktops
    for test in tests:
        found = [one for one in found if test(one)]
    return _sorted(call, found)


def _sorted(call: Call, found: list[Desktop]) -> list[Desktop]:
    field = {"computer_name": "name", "status": "status", "user_name": "user"}.get(
        call.words.get("sort_field", "")
    )
    if field is None:
        return found
    return sorted(
        found,
        key=lambda one: str(getattr(one, field)),
        reverse=call.words.get("sort_type", "").upper() == "DESC",
    )


def _shift_desktops(cloud: Cloud, call: Call, pool: Pool, offset: int) -> None:
    """Change the list between two pages, when a script says so."""
    if not offset or not (fault := cloud.faults.take(("shift_list",), call)):
        return
    if fault.args.get("action") == "insert":
        cloud.add_desktop(pool.id, first=True)
    elif pool.desktops:
        cloud.remove_desktop(pool.desktops[0].id)


def _shift_pools(cloud: Cloud, call: Call, offset: int) -> None:
    if offset and cloud.pools and cloud.faults.take(("shift_list",), call):
        pool = cloud.pools.pop(next(iter(cloud.pools)))
        for desktop in pool.desktops:
            del cloud.desktops[desktop.id]


def inconsistent_statics(cloud: Cloud, call: Call) -> bytes:
    """Answer ListInconsistentStatics; an old region has no such call."""
    if not cloud.region.modern:
        raise no_api()
    pool = cloud.pool(call.pool_id)
    disks = wire.pool_disks(pool)
    counts = dict.fromkeys(KINDS, 0)
    for desktop in pool.desktops:
        for kind in wire.differences(desktop, pool, disks):
            counts[kind] += 1
    return dump(counts)


def list_desktops(cloud: Cloud, call: Call) -> bytes:
    """Answer ListDesktopsDetail: desktops of the project, or of the pools named with commas."""
    limit, offset = call.number("limit", 1000, 1000), call.number("offset", 0, 2_147_483_647)
    now, words = cloud.now(), call.words
    found: Iterable[Desktop] = cloud.desktops.values()
    if named := words.get("pool_id"):
        chosen = dict.fromkeys(part.strip() for part in named.split(","))
        found = [
            one
            for pool_id in chosen
            if pool_id in cloud.pools
            for one in cloud.pools[pool_id].desktops
        ]
    if image := words.get("image_id"):
        found = [one for one in found if one.image_id == image]
    if status := words.get("status"):
        found = [one for one in found if one.status == status]
    if kind := words.get("desktop_type"):
        found = [one for one in found if one.shared.fields.get("desktop_type") == kind]
    rows = list(found)
    body = wire.project_desktops(rows[offset : offset + limit], now)
    return b'{"desktops":[' + body + b'],"total_count":' + str(len(rows)).encode() + b"}"


def check_images(cloud: Cloud, call: Call) -> bytes:
    """Answer CheckDesktopImages: only desktops whose image still exists are in the answer."""
    ids = call.fields().get("desktop_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        msg = "The parameter desktop_ids must be a list of desktops."
        raise bad_request(msg)
    infos = []
    for desktop_id in ids:
        image = cloud.images.get(cloud.desktop(desktop_id).image_id)
        if image is not None:
            infos.append(
                {
                    "desktop_id": desktop_id,
                    "image_id": image.id,
                    "image_name": image.name,
                    "image_type": image.row.get("image_type"),
                    "os_type": image.row.get("os_type"),
                }
            )
    return dump({"image_infos": infos})


def list_images(cloud: Cloud, call: Call) -> bytes:
    """Answer ListImages: up to 100 rows a page."""
    limit, offset = call.number("limit", 100, 100), call.number("offset", 0, 5000)
    wanted = {
        name: value
        for name in ("os_type", "image_type", "architecture")
        if (value := call.words.get(name))
    }
    found = [
        image.row
        for image in cloud.images.values()
        if call.words.get("image_id", image.id) == image.id
        and all(image.row.get(name) == value for name, value in wanted.items())
    ]
    return dump({"images": found[offset : offset + limit], "total_count": len(found)})
