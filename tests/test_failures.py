"""Failures: what did not end well, and what it has in common."""

import pytest

from wsops.errors import NotAllowed
from wsops.failures import failures_of, grouped
from wsops.rows import ItemRow

ENDS = {
    "failed": ("failed", "WKS.00010034 no capacity in the zone"),
    "gone": ("gone", "it is not in the pool any more"),
    "fine": ("done", ""),
    "used": ("left_in_use", "someone used it"),
    "lost": ("unknown", "nobody knows"),
}


@pytest.fixture
def row(sim):
    """Give an item of a real pool, of whose desktops one ended in each way."""
    pool = next(one for one in sim.cloud.pools.values() if len(one.desktops) > len(ENDS))
    desktops = list(zip(pool.desktops, ENDS.values(), strict=False))
    return ItemRow(
        item_id="i-01",
        run_id="run-1",
        seq=1,
        endpoint="e",
        project_id="p",
        pool_id=pool.id,
        pool_name=pool.name,
        state="ended",
        targets={d.id: {"name": d.name, "user": "ana"} for d, _ in desktops},
        desktops={d.id: {"state": s, "reason": r} for d, (s, r) in desktops},
    )


def test_those_in_need_are_read_as_they_are_now(sim, ws, row):
    """Code from the reason, zone and image from the service; good and unknown ends are left out."""
    first, second = failures_of(ws, [row])

    assert (first.state, first.code, second.state, second.code) == (
        "failed",
        "WKS.00010034",
        "gone",
        "",
    )
    assert first.pool == row.pool_name
    assert first.user == "ana"
    assert first.zone
    assert first.image
    assert first.label == f"{first.desktop}   ({row.pool_name} · WKS.00010034 · {first.zone})"


def test_a_desktop_that_is_gone_has_no_zone(sim, ws, row):
    """It is listed all the same, by the name that it had."""
    gone = next(iter(row.desktops))
    sim.cloud.remove_desktop(gone)
    first = failures_of(ws, [row])[0]

    assert (first.desktop_id, first.zone, first.image) == (gone, "", "")
    assert first.desktop == row.targets[gone]["name"]


def test_a_pool_that_cannot_be_read_leaves_zone_and_image_empty(sim, ws, row):
    """The rest is known from the journal; credentials that are not good are an error."""
    sim.cloud.faults.add(
        "error", operation="ListPoolDesktopsDetail", args={"status": 400, "code": "WKS.1"}
    )
    assert [(one.state, one.zone) for one in failures_of(ws, [row])] == [
        ("failed", ""),
        ("gone", ""),
    ]
    sim.cloud.faults.clear()
    sim.cloud.denied.add("ListPoolDesktopsDetail")

    with pytest.raises(NotAllowed):
        failures_of(ws, [row])


def test_without_failures_nothing_is_read(sim, ws, row):
    """An item that ended well, or has not ended, asks the service nothing."""
    well = row.model_copy(update={"desktops": {"d": {"state": "done", "reason": ""}}})
    pending = row.model_copy(update={"desktops": {}})
    before = len(sim.ledger)

    assert failures_of(ws, [well, pending]) == ()
    assert failures_of(ws, []) == ()
    assert len(sim.ledger) == before


def test_what_failures_share_comes_most_frequent_first(ws, row):
    """By code, or state where there is none, zone and image; pools of the same ID count once."""
    found = failures_of(ws, [row])
    groups = grouped([*found, found[0]])

    assert [(one.code, one.desktops, one.pools) for one in groups] == [
        ("WKS.00010034", 2, 1),
        ("gone", 1, 1),
    ]
    assert grouped([]) == ()
