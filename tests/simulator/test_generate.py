from __future__ import annotations

import json
import re

from wsops.simulator.fleet import dump_fleet
from wsops.simulator.generate import generate


def text(*args):
    return json.dumps(dump_fleet(generate(*args), 0.0))


def test_the_same_seed_gives_the_same_fleet() -> None:
    """Two fleets of one seed are equal to the last byte."""
    assert text(5, 20, 3, 0.2) == text(5, 20, 3, 0.2)


def test_another_seed_gives_another_fleet() -> None:
    """No identifier is shared between seeds."""
    first, second = (generate(3, 5, seed, 0.1) for seed in (1, 2))

    assert not {p.id for p in first.pools} & {p.id for p in second.pools}


def test_the_default_fleet_is_as_promised() -> None:
    """24 pools, 1,200 desktops, 12 % mismatched, of both kinds, some yearly, some in use or off."""
    fleet = generate(24, 50, 7, 0.12)
    desktops = [one for pool in fleet.pools for one in pool.desktops]
    images = {pool.id: pool.image_id for pool in fleet.pools}
    bad = [one for one in desktops if one.image_id != images[one.pool_id]]

    assert (len(fleet.pools), len(desktops), len(bad)) == (24, 1200, 144)
    assert len({one.pool_id for one in bad}) <= 10
    assert {pool.row["type"] for pool in fleet.pools} == {"DYNAMIC", "STATIC"}
    assert {pool.row["charging_mode"] for pool in fleet.pools} == {"0", "1"}
    assert {one.status for one in desktops} == {"ACTIVE", "SHUTOFF", "HIBERNATED"}
    assert {one.login_status for one in desktops} == {
        "REGISTERED",
        "CONNECTED",
        "DISCONNECTED",
        "UNREGISTER",
    }
    assert {image.row["image_type"] for image in fleet.images} == {"gold", "private", "market"}
    assert len({pool.name for pool in fleet.pools}) == 24
    assert any(pool.row["enable_autoscale"] for pool in fleet.pools)


def test_identifiers_are_uuids() -> None:
    """Identifiers look like those of the service."""
    one = generate(1, 1, 1, 0).pools[0].desktops[0].id

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)


def test_every_desktop_can_be_mismatched() -> None:
    """A share of 1 reaches all desktops."""
    fleet = generate(4, 10, 1, 1.0)

    assert all(one.image_id != pool.image_id for pool in fleet.pools for one in pool.desktops)


def test_an_empty_fleet_is_possible() -> None:
    """No pools, and pools without desktops, are fleets too."""
    assert generate(0, 50, 1, 0.5).pools == []
    assert [pool.desktops for pool in generate(2, 0, 1, 0.5).pools] == [[], []]
