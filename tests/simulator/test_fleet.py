from __future__ import annotations

import json

import pytest

from wsops.simulator import Cloud, FleetError, Options
from wsops.simulator import fleet as fleets


def written(tmp_path, document):
    path = tmp_path / "fleet.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def fleet_with(**pool):
    return {"schema": 1, "images": [], "pools": [{"id": "p-1", **pool}]}


def test_a_snapshot_loads_as_the_same_fleet(cloud, tmp_path) -> None:
    """What a cloud writes, another cloud reads and writes again unchanged."""
    before = cloud.snapshot()
    again = Cloud(Options(fleet=written(tmp_path, before)), clock=cloud.now)

    assert again.snapshot() == before


def test_a_file_says_its_generation(cloud, tmp_path) -> None:
    """Without a word about the region, the file decides; with one, the option does."""
    path = written(tmp_path, cloud.snapshot() | {"generation": "old"})

    assert Cloud(Options(fleet=path)).region.generation == "old"
    assert Cloud(Options(fleet=path, region="new")).region.generation == "new"


def test_missing_fields_get_defaults() -> None:
    """A pool and a desktop need nothing but their identifiers."""
    fleet = fleets.parse_fleet(fleet_with(image_id="i-1", desktops=[{"desktop_id": "d-1"}]))
    desktop = fleet.pools[0].desktops[0]

    assert (desktop.image_id, desktop.status, desktop.name) == ("i-1", "ACTIVE", "d-1")
    assert (fleet.pools[0].name, fleet.region) == ("p-1", "sim-region-1")


def test_nulls_get_defaults_too() -> None:
    """A null is as good as a missing field."""
    nothing = {"desktop_id": "d-1", "status": None, "metadata": None, "data_volumes": None}
    fleet = fleets.parse_fleet(fleet_with(name=None, type=None, desktops=[nothing]))

    assert (fleet.pools[0].name, fleet.pools[0].row["type"]) == ("p-1", "DYNAMIC")
    assert fleet.pools[0].desktops[0].status == "ACTIVE"


def test_a_task_of_the_recorded_region_does_not_go_on(tmp_path) -> None:
    """A snapshot taken during a rebuild loads as a fleet at rest."""
    row = {"desktop_id": "d-1", "task_status": "rebuilding", "process": 40}
    path = written(tmp_path, fleet_with(status="TEMPORARY", desktops=[row]))
    pool = Cloud(Options(fleet=path)).snapshot()["pools"][0]

    assert pool["status"] == "STEADY"
    assert (pool["desktops"][0]["task_status"], pool["desktops"][0]["process"]) == ("", None)


def test_a_row_may_say_what_is_otherwise_derived(tmp_path) -> None:
    """Fields of a loaded row are kept, also those that a generated row derives."""
    row = {"desktop_id": "d-1", "user_list": ["a", "b"], "sid": "s-9", "agent_version": "1"}
    shown = Cloud(Options(fleet=written(tmp_path, fleet_with(desktops=[row])))).snapshot()

    assert row.items() <= shown["pools"][0]["desktops"][0].items()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "schema"),
        ({"schema": 2}, "schema"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ({"schema": 1, "generation": "future"}, "generation"),
        ({"schema": 1, "pools": {}}, "pools of the fleet must be a list"),
        ({"schema": 1, "pools": [3]}, "Pool 1 .* no id"),
        ({"schema": 1, "images": [{"name": "x"}]}, "Image 1 .* no id"),
        ({"schema": 1, "region": 7}, "region of the fleet must be a text"),
        (fleet_with(name=3), "name of pool p-1"),
        (fleet_with(product=[]) | {}, None),
        (fleet_with(product=[1]), "product of pool p-1"),
        (fleet_with(desktops={}), "desktops of pool p-1 must be a list"),
        (fleet_with(desktops=[{}]), "Desktop 1 of pool p-1 has no desktop_id"),
        (
            fleet_with(desktops=[{"desktop_id": "d", "metadata": [1]}]),
            "metadata of desktop d of pool p-1",
        ),
        (fleet_with(desktops=[{"desktop_id": "d", "is_freeze": "no"}]), "is_freeze of desktop d"),
        (
            fleet_with(desktops=[{"desktop_id": "d", "data_volumes": [{"size": "1"}]}]),
            "data_volumes",
        ),
        (
            fleet_with(desktops=[{"desktop_id": "d"}, {"desktop_id": "d"}]),
            "desktop d is in the fleet twice",
        ),
        ({"schema": 1, "pools": [{"id": "p"}, {"id": "p"}]}, "pool p is in the fleet twice"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(tmp_path, document, sentence) -> None:
    """The sentence says where the file is wrong."""
    path = written(tmp_path, document)
    if sentence is None:
        assert fleets.load_fleet(path).pools
        return
    with pytest.raises(FleetError, match=sentence):
        fleets.load_fleet(path)


def test_a_missing_file_is_refused(tmp_path) -> None:
    """A path that leads nowhere is named."""
    with pytest.raises(FleetError, match=r"none\.json cannot be read"):
        fleets.load_fleet(tmp_path / "none.json")


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch) -> None:
    """The size is looked at before the content."""
    monkeypatch.setattr(fleets, "MAX_BYTES", 3)
    with pytest.raises(FleetError, match="larger than"):
        fleets.load_fleet(written(tmp_path, {"schema": 1}))
