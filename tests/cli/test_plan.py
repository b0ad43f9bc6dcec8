"""`wsops plan`: what would be sent, to whom, and why not to the others."""

import json
from datetime import datetime, timedelta

import pytest

from wsops.plan import read_plan

KEYS = {
    "schema",
    "plan_id",
    "kind",
    "created_at",
    "expires_at",
    "profile",
    "environment",
    "region",
    "project_id",
    "endpoint",
    "operator",
    "change",
    "desktops",
    "items",
    "skipped",
    "digest",
}
IDLE, ALL = "FOR_EXPAND_AND_IDLE", "FOR_EXPAND_AND_ALL"


def image(simulation, name):
    """Give the ID of an image by its name."""
    return next(one.id for one in simulation.cloud.images.values() if one.name == name)


def pool_named(simulation, start):
    return next(p for p in simulation.cloud.pools.values() if p.name.startswith(start))


def bodies(plan):
    return [json.loads(item["body"]) for item in plan["items"]]


def test_the_file_is_the_document(planned):
    """`-o` and --json hold the same plan, and it reads back as one."""
    path, document = planned()
    assert json.loads(path.read_text()) == document
    assert document.keys() >= KEYS
    assert document["schema"] == 1
    assert document["environment"] == "SIMULATOR"
    assert read_plan(path.read_text()).digest == document["digest"]


def test_a_repair_names_what_differs(place, planned, behind):
    """One request a pool with mismatches, is_fix, the pool's own image, exactly the mismatches."""
    _, plan = planned()
    assert {item["pool_id"] for item in plan["items"]} == {pool.id for pool in behind(place)}
    for item, body in zip(plan["items"], bodies(plan), strict=True):
        pool = place.cloud.pools[item["pool_id"]]
        differing = {one.id for one in pool.desktops if one.image_id != pool.image_id}
        assert body["is_fix"] is True
        assert body["image_id"] == pool.image_id
        assert body["handle_type"] == IDLE
        assert {target["desktop_id"] for target in item["targets"]} == differing
    assert plan["desktops"] == sum(len(item["targets"]) for item in plan["items"])


def test_planning_sends_nothing(place, planned, sent):
    """A plan is made by reading alone."""
    planned()
    assert sent(place) == 0
    assert {e.operation for e in place.ledger if e.method != "GET"} == {"CheckDesktopImages"}


def test_a_plan_lasts_half_a_day(planned):
    """It expires 12 hours after it was made."""
    _, plan = planned()
    made, ends = (datetime.fromisoformat(plan[key]) for key in ("created_at", "expires_at"))
    assert ends - made == timedelta(hours=12)


def test_the_screen_shows_what_would_be_sent(place, wsops, tmp_path):
    """Place, number, pools, exact requests, digest and the next command."""
    said = wsops("plan", "repair", "-o", tmp_path / "plan.json", "--change", "CHG-7").out
    plan = json.loads((tmp_path / "plan.json").read_text())
    flat = " ".join(said.split())
    assert "SIMULATOR" in said
    assert f"up to {plan['desktops']} desktops in {len(plan['items'])} pools" in flat
    assert "CHG-7" in said
    assert plan["digest"] in said
    assert f"next: wsops apply {tmp_path / 'plan.json'}" in flat
    for item in plan["items"]:
        assert item["pool_name"] in said
        assert f"POST {item['path']}" in said
        assert item["body"] in said, "an exact request is not broken into lines"


def test_every_choice_reaches_the_request(place, planned, behind):
    """Types, delay, message and order are sent as given, and the change ticket is kept."""
    pool = behind(place)[0]
    choice = ("--image-type", "private", "--os-type", "Windows", "--delay", "5")
    words = ("--message", "Save your work.", "--change", "CHG-8", "--order", f"{pool.name}=CS-1")
    _, plan = planned(pool.name, *choice, *words)
    (body,) = bodies(plan)
    assert body == {
        "image_type": "private",
        "image_id": pool.image_id,
        "os_type": "Windows",
        "delay_time": 5,
        "message": "Save your work.",
        "order_id": "CS-1",
        "is_fix": True,
        "handle_type": IDLE,
    }
    assert plan["change"] == "CHG-8"
    assert plan["items"][0]["origins"] == "image_type as asked for, os_type as asked for"


def test_those_at_work_are_taken_only_when_asked(place, planned):
    """--include-in-use sends FOR_EXPAND_AND_ALL, with a delay and a message to the users."""
    _, plan = planned("dev-linux-01", "--include-in-use", "--delay", "15", "--message", "Save.")
    (body,) = bodies(plan)
    assert (body["handle_type"], body["delay_time"], body["message"]) == (ALL, 15, "Save.")
    assert plan["include_in_use"] is True


def test_an_old_region_leaves_out_pools_in_use(fleet, at, planned, behind):
    """Where no desktop can be left out, a pool with one in use is skipped and named."""
    simulation = at(fleet(region="old"))
    used = next(p for p in behind(simulation) if p.name.startswith("dev-linux"))
    _, plan = planned()
    assert not plan["knows_handle_type"]
    assert all("handle_type" not in body and "desktop_ids" not in body for body in bodies(plan))
    skipped = {one["pool_name"]: one for one in plan["skipped"]}
    assert "in use" in skipped[used.name]["reason"]
    assert skipped[used.name]["desktops"]
    assert used.id not in {item["pool_id"] for item in plan["items"]}


def test_an_old_region_takes_them_when_asked(fleet, at, planned, behind):
    """--include-in-use plans the pool, still without the word that the region does not know."""
    at(fleet(region="old"))
    _, plan = planned("dev-linux-01", "--include-in-use", "--delay", "15", "--message", "Save.")
    (body,) = bodies(plan)
    assert "handle_type" not in body


def test_a_region_that_lists_desktops_gets_them_named(place, planned, monkeypatch):
    """With features.desktop_ids the idle targets are listed; those in use are left out."""
    monkeypatch.setenv("WSOPS_FEATURES", '{"desktop_ids": true}')
    _, plan = planned("dev-linux-01")
    (item,), (body,) = plan["items"], bodies(plan)
    assert body["desktop_ids"] == [target["desktop_id"] for target in item["targets"]]
    assert len(item["left_out"]) == 1
    assert item["in_use"] == 0


def test_static_pools_name_their_owners(place, wsops, tmp_path):
    """The preview of a STATIC pool says whose desktops these are."""
    said = " ".join(wsops("plan", "repair", "dev-linux-01").out.split())
    plan = wsops("plan", "repair", "dev-linux-01", "--json").document
    owner = next(t["user_name"] for t in plan["items"][0]["targets"] if t["user_name"])
    assert "STATIC: these desktops belong to" in said
    assert owner in said


def test_a_rebuild_moves_a_pool_to_an_image(place, wsops):
    """--image takes the whole pool, with the types of the image and without is_fix."""
    new = image(place, "Win11-Office-2025.06")
    pool = pool_named(place, "fin-office")
    plan = wsops("plan", "rebuild", pool.name, "--image", new, "--json").document
    (item,), (body,) = plan["items"], bodies(plan)
    assert body["image_id"] == new
    assert body["is_fix"] is False
    assert (body["image_type"], body["os_type"]) == ("private", "Windows")
    assert len(item["targets"]) == len(pool.desktops)
    assert item["origins"] == "image_type from the image, os_type from the image"


def test_a_map_chooses_by_the_present_image(place, wsops):
    """--map OLD=NEW gives each pool the successor of its image; pools of no pair are left out."""
    office, dev = pool_named(place, "fin-office"), pool_named(place, "dev-linux")
    new = image(place, "Win11-Office-2025.06")
    pairs = ("--map", f"{office.image_id}={new}")
    plan = wsops("plan", "rebuild", office.name, dev.name, *pairs, "--json").document
    assert [item["pool_id"] for item in plan["items"]] == [office.id]
    assert plan["skipped"][0]["reason"] == "no new image is given for its present one"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Kylin-V10-Office-a23", "the image is for Linux, the pool for Windows"),
        ("no-such-image", "is not among the images of the project"),
    ],
)
def test_an_image_that_does_not_fit_is_not_planned(place, refused, name, reason):
    """Another OS, or an image that is not there, is refused with the reason."""
    known = {one.name: one.id for one in place.cloud.images.values()}
    new = known.get(name, name)
    refused("plan", "rebuild", "fin-office-01", "--image", new, code=5, says=reason)


def test_a_chip_that_differs_is_not_planned(place, refused):
    """An image for arm does not go onto x86 desktops."""
    kylin = image(place, "Kylin-V10-Office-a23")
    says = "the image is for arm, the pool for x86"
    refused("plan", "rebuild", "dev-linux-01", "--image", kylin, code=5, says=says)


def test_a_disk_that_is_too_small_is_not_planned(place, refused):
    """An image larger than the pool's system disk is refused."""
    pool = pool_named(place, "fin-office")
    pool.row["root_volume"]["size"] = 40
    new = image(place, "Win11-Office-2025.06")
    refused("plan", "rebuild", pool.name, "--image", new, code=5, says="needs a disk of 80 GB")


def test_a_billed_image_on_a_yearly_pool_wants_an_order(fleet, at, wsops, refused):
    """Without --order such a pool is refused; with one, by name or ID, the order is sent."""
    simulation = at(fleet(pools=10, mismatch=0.0))
    pool = pool_named(simulation, "media-design")
    pool.row["charging_mode"] = "0"
    new = image(simulation, "Render Studio Workstation 3.3")
    plan = ("plan", "rebuild", pool.name, "--image", new)
    refused(*plan, code=5, says="needs an order (--order POOL=ID)")
    for key in (pool.id, pool.name):
        (body,) = bodies(wsops(*plan, "--order", f"{key}=CS-77", "--json").document)
        assert body["order_id"] == "CS-77"


def test_an_order_for_a_pool_that_is_not_planned_is_refused(place, refused):
    """A misspelt pool in --order is not ignored."""
    says = "an order is given for no-such-pool"
    refused("plan", "repair", "--order", "no-such-pool=CS-1", code=5, says=says)


@pytest.mark.parametrize("pair", ["x", "=x", "x=", ""])
def test_pairs_need_both_sides(place, wsops, pair):
    """KEY=VALUE options without one of them are usage errors."""
    wsops("plan", "repair", "--order", pair, code=2)


def test_image_or_map_but_not_both(place, wsops):
    """A rebuild says in one way what goes where."""
    wsops("plan", "rebuild", "x", code=2)
    wsops("plan", "rebuild", "x", "--image", "a", "--map", "b=c", code=2)


@pytest.mark.parametrize("delay", ["16", "-1"])
def test_a_delay_outside_its_limit_is_refused_before_reading(place, refused, delay):
    """0 to 15 minutes; the value and the limit are named, and no request is made at all."""
    says = f"delay_time {delay} is not between 0 and 15 minutes"
    refused("plan", "repair", "--delay", delay, code=5, says=says)
    assert len(place.ledger) == 0


def test_a_message_that_is_too_long_is_refused_before_reading(place, refused):
    """401 characters are refused, 400 are not."""
    says = "message has 401 characters; the limit is 400"
    refused("plan", "repair", "--message", "x" * 401, code=5, says=says)
    assert len(place.ledger) == 0


def test_a_message_of_the_longest_length_is_planned(place, planned):
    """400 characters pass, whatever they are."""
    _, plan = planned("--message", "请" * 400)
    assert {body["message"] for body in bodies(plan)} == {"请" * 400}


def test_taking_those_at_work_wants_a_warning(place, refused):
    """--include-in-use without a delay and a message is refused."""
    refused("plan", "repair", "--include-in-use", code=5, says="wants a delay")


def test_nothing_to_repair_is_no_plan(fleet, at, refused):
    """A fleet that is well gives no plan, and no file."""
    at(fleet(mismatch=0.0))
    refused("plan", "repair", code=5, says="nothing to repair")


def test_an_empty_project_is_no_plan(fleet, at, refused):
    """Without a pool there is nothing to choose from."""
    at(fleet(pools=0))
    refused("plan", "repair", code=5, says="nothing to repair")


def test_a_ceiling_of_the_profile_holds(place, refused, monkeypatch):
    """A plan over limits.max_desktops is not made."""
    monkeypatch.setenv("WSOPS_LIMITS", '{"max_desktops": 2}')
    refused("plan", "repair", code=5, says="the profile's ceiling is 2")


def test_a_region_that_does_not_tell_gives_no_plan(place, refused, monkeypatch):
    """Where it cannot be seen whether handle_type is known, nothing is guessed."""
    place.cloud.faults.add("error", operation="ListInconsistentStatics", args={"status": 403})
    refused("plan", "repair", code=5, says="cannot tell whether this region knows handle_type")


def test_a_plan_saves_the_fleet_that_it_saw(place, wsops, tmp_path):
    """--save beside a plan writes a fleet file of the pools concerned."""
    wsops("plan", "repair", "dev-linux-01", "--save", tmp_path / "fleet.json")
    fleet = json.loads((tmp_path / "fleet.json").read_text())
    assert [pool["name"] for pool in fleet["pools"]] == ["dev-linux-01"]
