"""A copy of a fleet that the simulator can load, to rehearse a repair on it.

Users and addresses are pseudonymised on the way out, unless asked otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from wsops.aliases import Alias
from wsops.models import Desktop, Image, Pool, utc_now

SCHEMA = 1


def as_fleet(
    region: str,
    generation: str,
    pools: Iterable[tuple[Pool, Iterable[Desktop]]],
    images: Iterable[Image],
    alias: Alias | None,
) -> str:
    """Give the fleet as JSON: schema, taken_at, region, generation, images, pools with desktops.

    Args:
        region: its name.
        generation: new where the region knows handle_type, else old.
        pools: the pools, each with all its desktops.
        images: the images of the project.
        alias: maps a kind and a value to a pseudonym; None keeps names as they are.
    """
    rows = [
        _wire(pool) | {"desktops": [_desktop(desktop, alias) for desktop in desktops]}
        for pool, desktops in pools
    ]
    fleet = {
        "schema": SCHEMA,
        "taken_at": utc_now().isoformat(),
        "region": region,
        "generation": generation,
        "images": [_wire(image) for image in images],
        "pools": rows,
    }
    return json.dumps(fleet, ensure_ascii=False, indent=1) + "\n"


def _desktop(desktop: Desktop, alias: Alias | None) -> dict[str, object]:
    row = _wire(desktop)
    if alias is not None:
        row["user_name"] = alias("user", desktop.user_name)
        row["user_list"] = [alias("user", user) for user in desktop.user_list]
        row["computer_name"] = alias("desktop", desktop.computer_name)
        row["ip_addresses"] = [alias("address", address) for address in desktop.ip_addresses]
    return row


def _wire(record: Pool | Desktop | Image) -> dict[str, object]:
    return record.model_dump(mode="json", by_alias=True)
