"""The audit: what differs is decided by comparing image IDs, whatever the region's filter does."""

import random

import pytest

from wsops.audit import audit
from wsops.errors import CloudUnreachable, PlanError
from wsops.readings import region_of
from wsops.settings import Features


def truth(sim):
    return {
        desktop.id
        for pool in sim.cloud.pools.values()
        for desktop in pool.desktops
        if desktop.image_id != pool.image_id
    }


def found(result):
    return {mismatch.desktop_id for mismatch in result.mismatches}


def requests(sim):
    return list(sim.ledger.entries("ListPoolDesktopsDetail"))


@pytest.mark.parametrize("region", ["old", "new"])
@pytest.mark.parametrize("filter_mode", ["honour", "reject", "ignore"])
@pytest.mark.parametrize("full", [False, True])
def test_the_mismatches_are_the_true_ones(fleet, open_ws, region, filter_mode, full):
    """In either generation, and whether the filter works, is refused or is ignored."""
    sim = fleet(pools=6, desktops=30, region=region, filter_mode=filter_mode)
    result = audit(open_ws(sim), full=full)

    assert found(result) == truth(sim)
    assert result.desktops == len(sim.cloud.desktops)
    assert (len(result.pools), result.disagreements) == (6, 0)


def test_the_filter_saves_traffic_where_it_works(fleet, open_ws):
    """A pool of many pages is read in one, with the region's own word."""
    sim = fleet(pools=1, desktops=450, mismatch=0.02)
    audit(open_ws(sim))
    filtered = len(requests(sim))
    audit(open_ws(sim), full=True)

    assert filtered == 2  # one to try the filter, one to read
    assert len(requests(sim)) - filtered >= 4
    assert "inconsistent_type=IMAGE_ID" in requests(sim)[0].query


def test_random_fleets_are_judged_right(fleet, open_ws):
    """Over many seeds and shares, the audit and the simulator's own state agree."""
    chance = random.Random(3)
    for seed in range(12):
        sim = fleet(pools=3, desktops=20, seed=seed, mismatch=chance.random())
        assert found(audit(open_ws(sim))) == truth(sim)


def test_an_audit_sends_nothing_that_changes_anything(sim, ws):
    """Reading never writes: no entry of the ledger executed anything."""
    audit(ws, full=True)

    assert not any(entry.executed for entry in sim.ledger.entries())


def test_patterns_choose_pools(sim, ws):
    """Only the pools that match are read."""
    name = next(iter(sim.cloud.pools.values())).name
    result = audit(ws, [name])

    assert [pool.name for pool in result.pools] == [name]
    assert {entry.pool_id for entry in requests(sim)} == {result.pools[0].id}


def test_a_pool_that_cannot_be_read_is_named_and_the_others_are_read(sim, ws):
    """One broken pool does not hide the rest, and is counted as unread."""
    ws._sleep = lambda _: None
    broken = next(iter(sim.cloud.pools.values()))
    sim.cloud.faults.add(
        "error",
        operation="ListPoolDesktopsDetail",
        match={"pool_id": broken.id},
        args={"status": 500},
    )
    result = audit(ws, full=True)

    assert len(result.unread) == 1
    assert any(broken.name in note for note in result.notes)
    assert found(result) == {
        desktop for desktop in truth(sim) if desktop not in {row.id for row in broken.desktops}
    }


def test_a_service_that_goes_away_ends_the_audit(sim, ws, monkeypatch):
    """Unreachable is an error of the whole, not a note on each pool."""
    ws._sleep = lambda _: None
    ws.project_id  # noqa: B018
    monkeypatch.setattr(
        ws, "settings", ws.settings.model_copy(update={"endpoint": "http://127.0.0.1:1"})
    )

    with pytest.raises(CloudUnreachable):
        audit(ws)


def test_every_desktop_read_can_be_collected(sim, ws):
    """A snapshot needs them all, not only the mismatches."""
    seen = set()
    audit(ws, full=True, collect=lambda _, desktop: seen.add(desktop.id))

    assert seen == set(sim.cloud.desktops)


def test_a_fleet_of_no_pools_is_an_empty_audit(fleet, open_ws):
    """Nothing there is not an error."""
    result = audit(open_ws(fleet(pools=0)))

    assert (result.pools, result.mismatches, result.desktops) == ((), (), 0)


@pytest.mark.parametrize(("region", "knows"), [("old", False), ("new", True)])
def test_the_generation_of_a_region_is_found_by_a_read(fleet, open_ws, region, knows):
    """inconsistent-statics answers 200 in a new region, 404 APIGW.0101 in an old one."""
    sim = fleet(region=region)
    ws = open_ws(sim)

    assert region_of(ws, ws.pools().rows).knows_handle_type is knows


def test_the_profile_may_say_what_the_region_knows(sim, open_ws):
    """Then no read is needed; nothing is guessed of desktop_ids."""
    ws = open_ws(sim, features=Features(handle_type="no", desktop_ids=True))
    region = region_of(ws, ())

    assert (region.knows_handle_type, region.honours_desktop_ids) == (False, True)
    assert len(sim.ledger) == 0


def test_a_region_that_does_not_tell_gets_no_plan(sim, ws):
    """Anything but the two known answers is no answer."""
    ws._sleep = lambda _: None
    pools = ws.pools().rows
    sim.cloud.faults.add("error", operation="ListInconsistentStatics", args={"status": 500})

    with pytest.raises(PlanError, match="cannot tell"):
        region_of(ws, pools)
    with pytest.raises(PlanError, match="no pool"):
        region_of(ws, ())
