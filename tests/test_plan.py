"""Plans: which desktops, by which requests, under which digest."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops import settings as settings_room
from wsops.choice import Choice
from wsops.draft import Order, make_plan, make_retry
from wsops.errors import BlastRadius, PlanError, PlanExpired, StalePlan
from wsops.models import Desktop, Image, Job, Pool
from wsops.plan import (
    Reading,
    Region,
    allowed_errors,
    check_place,
    chosen,
    drift,
    more_in_use,
    read_plan,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OLD, NEW = "image-old", "image-new"
IMAGES = {
    NEW: Image(id=NEW, name="Win11", image_type="private", os_type="Windows", min_disk=80),
    OLD: Image(id=OLD, name="Win10", image_type="gold", os_type="Windows"),
}
NEW_REGION = Region(knows_handle_type=True)
OLD_REGION = Region(knows_handle_type=False)
NAMED = Region(knows_handle_type=True, honours_desktop_ids=True)


def settings(**limits):
    return settings_room.load(
        endpoint="http://127.0.0.1:9", project_id="proj", operator="tester", limits=limits
    )


def pool(name="eng-1", image_id=NEW, **fields):
    wire = {"id": f"id-{name}", "name": name, "type": "DYNAMIC", "image_os_type": "Windows"}
    return Pool.model_validate(wire | {"image_id": image_id} | fields)


def desktop(number, image_id=OLD, login="REGISTERED", **fields):
    wire = {
        "desktop_id": f"d{number}",
        "computer_name": f"pc-{number}",
        "login_status": login,
        "status": "ACTIVE",
        "metadata": {"metering.image_id": image_id},
    }
    return Desktop.model_validate(wire | fields)


def reading(desktops=None, a_pool=None, **fields):
    rows = tuple(desktops if desktops is not None else (desktop(1), desktop(2), desktop(3, NEW)))
    return Reading(pool=a_pool or pool(), desktops=rows, **fields)


def planned(*readings, choice=None, region=NEW_REGION, images=IMAGES, **limits):
    order = Order(choice or Choice(), region, settings(**limits), "1123-abc", NOW)
    return make_plan(order, readings or (reading(),), images)


def body(plan, number=0):
    return json.loads(plan.items[number].body)


def targets(plan, number=0):
    return {target.desktop_id for target in plan.items[number].targets}


def switch(**fields):
    return Choice(kind="rebuild", image_map={"*": NEW}, **fields)


def test_a_repair_touches_the_desktops_that_differ_and_no_other():
    """is_fix with the pool's image; the targets are exactly the mismatches."""
    plan = planned()

    assert targets(plan) == {"d1", "d2"}
    assert plan.desktops == 2
    assert body(plan) == {
        "image_type": "private",
        "image_id": NEW,
        "os_type": "Windows",
        "is_fix": True,
        "handle_type": "FOR_EXPAND_AND_IDLE",
    }


def test_an_old_region_gets_none_of_the_newer_fields():
    """No handle_type and no desktop_ids where nothing published says that they are known."""
    assert not {"handle_type", "desktop_ids"} & set(body(planned(region=OLD_REGION)))


def test_only_what_was_given_is_sent_besides():
    """Delay, message and order appear when they are given, order by name or by ID."""
    choice = Choice(delay_time=0, message="save", orders={"eng-1": "CS1"})

    assert body(planned(choice=choice)) | {"delay_time": 0, "message": "save"} == body(
        planned(choice=choice)
    )
    assert body(planned(choice=choice))["order_id"] == "CS1"
    assert "order_id" not in body(planned())


def test_a_region_that_cannot_leave_desktops_out_loses_pools_in_use():
    """In an old region a pool with a target in use is skipped and named, unless wanted."""
    busy = reading([desktop(1, login="CONNECTED"), desktop(2)], pool("busy"))
    plan = planned(busy, reading(), region=OLD_REGION)
    taken = planned(
        busy,
        region=OLD_REGION,
        choice=Choice(include_in_use=True, delay_time=15, message="please save"),
    )

    assert [item.pool_name for item in plan.items] == ["eng-1"]
    assert plan.skipped[0].pool_name == "busy"
    assert plan.skipped[0].desktops == ("pc-1",)
    assert targets(taken) == {"d1", "d2"}


def test_in_a_new_region_the_service_leaves_sessions_alone_and_the_plan_counts_them():
    """They are targets, since they may log off before; how many are in use is approved with it."""
    plan = planned(reading([desktop(1, login="DISCONNECTED"), desktop(2)]))

    assert targets(plan) == {"d1", "d2"}
    assert (plan.items[0].in_use, plan.items[0].idle_only) == (1, True)


def test_including_desktops_in_use_sends_everyone():
    """--include-in-use sends FOR_EXPAND_AND_ALL where the region knows it."""
    choice = Choice(include_in_use=True, delay_time=15, message="please save")

    assert body(planned(choice=choice))["handle_type"] == "FOR_EXPAND_AND_ALL"


def test_where_lists_are_honoured_the_list_sent_is_the_targets():
    """desktop_ids equals the approved set, without those in use, sorted and never empty."""
    rows = [desktop(3), desktop(1), desktop(2, login="CONNECTED")]
    plan = planned(reading(rows), region=NAMED)

    assert body(plan)["desktop_ids"] == ["d1", "d3"]
    assert [t.desktop_id for t in plan.items[0].left_out] == ["d2"]


def test_a_pool_whose_desktops_are_all_in_use_is_not_sent_an_empty_list():
    """What an empty list does is not published: the pool is skipped instead."""
    with pytest.raises(PlanError, match="all desktops concerned are in use"):
        planned(reading([desktop(1, login="CONNECTED")]), region=NAMED)


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([OLD, NEW, ""]), st.sampled_from(["REGISTERED", "CONNECTED", ""])
        ),
        max_size=8,
    ),
    kind=st.sampled_from(["repair", "rebuild"]),
    region=st.sampled_from([NEW_REGION, OLD_REGION, NAMED]),
    own=st.sampled_from([OLD, NEW]),
)
def test_no_choice_makes_a_list_that_is_empty_or_not_the_targets(rows, kind, region, own):
    """For any pool: desktop_ids equals the targets and is never empty, or is not there at all."""
    desktops = [desktop(n, image, login) for n, (image, login) in enumerate(rows)]
    choice = switch() if kind == "rebuild" else Choice()
    try:
        plan = planned(reading(desktops, pool(image_id=own)), choice=choice, region=region)
    except PlanError:
        return
    sent = body(plan).get("desktop_ids")

    assert plan.items[0].targets
    assert sent is None if not region.honours_desktop_ids else set(sent) == targets(plan)
    assert read_plan(json.dumps(plan.as_json())) == plan


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (Choice(delay_time=16), "delay_time 16 is not between 0 and 15"),
        (Choice(delay_time=-1), "delay_time -1"),
        (Choice(message="x" * 401), "message has 401 characters; the limit is 400"),
        (Choice(include_in_use=True), "wants a delay"),
        (Choice(include_in_use=True, delay_time=0, message="x"), "wants a delay"),
        (Choice(kind="rebuild"), "needs an image"),
        (Choice(orders={"nobody": "CS1"}), "nobody"),
    ],
)
def test_a_choice_beyond_a_limit_is_refused(choice, complaint):
    """The value and the limit are named."""
    with pytest.raises(PlanError, match=complaint):
        planned(choice=choice)


def test_limits_are_keys_of_the_profile():
    """A region with other limits is not argued with."""
    assert planned(choice=Choice(delay_time=16), delay_max=30).items


@pytest.mark.parametrize(
    ("fields", "image", "complaint"),
    [
        ({"image_os_type": "Linux"}, {}, "is for Windows, the pool for Linux"),
        ({"root_volume": {"size": 60}}, {}, "needs a disk of 80 GB, the pool has 60 GB"),
        (
            {"product": {"architecture": "x86"}},
            {"architecture": "arm"},
            "is for arm, the pool for x86",
        ),
        ({"charging_mode": "0"}, {"product_code": "b1"}, "needs an order"),
    ],
)
def test_an_image_that_does_not_fit_is_not_sent(fields, image, complaint):
    """OS, architecture, disk and billing are compared before anything is sent."""
    images = {NEW: IMAGES[NEW].model_copy(update=image)}
    there = reading(a_pool=pool(image_id=OLD, **fields))

    with pytest.raises(PlanError, match=complaint):
        planned(there, choice=switch(), images=images)


def test_an_image_that_is_not_listed_is_not_sent():
    """A rebuild from an image that nobody lists is refused."""
    with pytest.raises(PlanError, match="not among the images"):
        planned(reading(a_pool=pool(image_id=OLD)), choice=switch(), images={})


def test_a_rebuild_says_whom_it_wipes_needlessly():
    """A call on a pool wipes also desktops that run the image already: the preview counts them."""
    plan = planned(reading(a_pool=pool(image_id=OLD)), choice=switch())

    assert targets(plan) == {"d1", "d2", "d3"}
    assert any("1 desktops already run the image" in note for note in plan.items[0].notes)
    assert body(plan)["is_fix"] is False


def test_a_map_switches_only_pools_of_that_image():
    """--map OLD=NEW leaves pools of other images out, and says so."""
    choice = Choice(kind="rebuild", image_map={OLD: NEW})
    plan = planned(
        reading(a_pool=pool(image_id=OLD)), reading(a_pool=pool("other", "x")), choice=choice
    )

    assert [item.pool_name for item in plan.items] == ["eng-1"]
    assert plan.skipped[0].reason.startswith("no new image")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"steady": False}, "changed while it was read"),
        ({"busy_jobs": ("j",)}, "under way"),
    ],
)
def test_a_pool_that_moves_is_not_planned(fields, reason):
    """A list that changed, or a rebuild under way: no guess is made."""
    with pytest.raises(PlanError, match=reason):
        planned(reading(**fields))


def test_static_pools_name_their_owners():
    """They belong to people; the preview says to whom."""
    row = desktop(1, user_list=["ana"])
    plan = planned(reading([row], pool(type="STATIC")))

    assert any("belong to ana" in note for note in plan.items[0].notes)


def test_the_ceiling_of_a_profile_is_a_ceiling():
    """More desktops than limits.max_desktops is refused, with both numbers."""
    with pytest.raises(BlastRadius, match="2 desktops; the profile's ceiling is 1"):
        planned(max_desktops=1)


def test_an_old_image_that_is_gone_is_said():
    """Rolling back needs it: the screen before the button says whether it still exists."""
    assert planned(reading(living_images=(OLD,))).items[0].old_image_exists is True
    assert planned(reading(living_images=())).items[0].old_image_exists is False
    assert planned(reading()).items[0].old_image_exists is None


def test_a_plan_file_reads_back_as_it_was():
    """What is written is what is read, digest included."""
    plan = planned()

    assert read_plan(json.dumps(plan.as_json())) == plan
    assert plan.as_json()["schema"] == 1
    assert plan.digest.startswith("sha256:")


def leaves(node, path=()):
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in leaves(value, (*path, key))]
    if isinstance(node, list) and node:
        return [leaf for n, value in enumerate(node) for leaf in leaves(value, (*path, n))]
    return [path]


def test_any_edit_of_a_plan_file_is_noticed():
    """Each single value of the file is covered by the digest."""
    document = planned().as_json()
    for path in leaves(document):
        edited = json.loads(json.dumps(document))
        node = edited
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = f"{node[path[-1]]}x" if isinstance(node[path[-1]], str) else 7
        with pytest.raises(PlanError):
            read_plan(json.dumps(edited))


@pytest.mark.parametrize(
    "tamper",
    [
        {"path": "/v2/proj/desktop-pools/other/rebuild"},
        {"path": "http://evil.example/v2/proj/desktop-pools/id-eng-1/rebuild"},
        {"body": "{}"},
        {"body": "[]"},
        {"body": json.dumps({"image_id": NEW, "is_fix": False})},
        {"body": json.dumps({"image_id": OLD, "is_fix": True})},
        {"body": json.dumps({"image_id": NEW, "is_fix": True, "desktop_ids": []})},
        {"targets": ()},
        {"named": True},
        {"retries": "job-1"},
    ],
)
def test_a_request_that_is_not_what_its_item_says_is_refused(tamper):
    """A plan file may come from anywhere: even with a fitting digest its request is checked."""
    plan = planned()
    item = plan.items[0].model_copy(update=tamper)
    forged = plan.model_copy(update={"items": (item,), "desktops": len(item.targets)})
    forged = forged.model_copy(update={"digest": forged.computed_digest()})

    with pytest.raises(PlanError):
        read_plan(json.dumps(forged.as_json()))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"schema": 1}', "\x00"])
def test_what_is_not_a_plan_is_said_to_be_none(text):
    """Any other file is one sentence."""
    with pytest.raises(PlanError, match="not a plan file"):
        read_plan(text)


def test_a_plan_of_another_schema_is_refused():
    """A later version's plan is not half understood."""
    with pytest.raises(PlanError, match="schema 2"):
        read_plan(json.dumps(planned().as_json() | {"schema": 2}))


@pytest.mark.parametrize("key", ["endpoint", "project_id", "profile"])
def test_a_plan_is_for_one_place(key):
    """Endpoint, project and profile must be those of the plan."""
    elsewhere = settings().model_copy(update={key: "http://127.0.0.1:10"})

    check_place(planned(), settings(), NOW)
    with pytest.raises(StalePlan):
        check_place(planned(), elsewhere, NOW)


def test_a_plan_expires():
    """After twelve hours it cannot start."""
    check_place(planned(), settings(), NOW + timedelta(hours=11, minutes=59))
    with pytest.raises(PlanExpired):
        check_place(planned(), settings(), NOW + timedelta(hours=12))


@pytest.mark.parametrize(
    ("rows", "image_id", "complaint"),
    [
        ([desktop(1), desktop(2), desktop(3, NEW)], NEW, ""),
        ([desktop(1), desktop(2, login="CONNECTED"), desktop(3, NEW)], NEW, ""),
        ([desktop(1), desktop(2), desktop(3, OLD)], NEW, "1 more"),
        ([desktop(1), desktop(3, NEW)], NEW, "1 less"),
        ([desktop(1), desktop(2, "third"), desktop(3, NEW)], NEW, "1 with another image"),
        ([desktop(1), desktop(2), desktop(3, NEW)], OLD, "pool's image is now"),
    ],
)
def test_any_change_of_image_or_targets_makes_a_plan_stale(rows, image_id, complaint):
    """Right before a send the pool must hold exactly the approved set, with the approved images."""
    item = planned().items[0]
    said = drift(item, reading(rows, pool(image_id=image_id)))

    assert (complaint in said) if complaint else said == ""


def test_a_list_that_changed_while_it_was_read_is_no_proof():
    """Rows may be missing from it: the plan is taken for stale."""
    assert "changed while it was read" in drift(planned().items[0], reading(steady=False))


def test_named_desktops_do_not_care_for_the_others():
    """Where the list is honoured, a desktop beside the targets may come and go."""
    item = planned(region=NAMED).items[0]

    assert drift(item, reading([desktop(1), desktop(2), desktop(9)])) == ""
    assert "less" in drift(item, reading([desktop(1)]))


def test_more_desktops_in_use_than_approved_hold_a_pool():
    """Someone logged in since the plan was read."""
    item = planned().items[0]

    assert more_in_use(item, reading()) == ""
    assert "1 desktops are in use; approved were 0" in more_in_use(
        item, reading([desktop(1, login="CONNECTED"), desktop(2)])
    )


def test_pools_are_chosen_by_pattern_or_id_small_ones_first():
    """The order of the patterns counts, then the size: the first one sent is the canary."""
    pools = [
        pool("eng-big", desktop_count=90),
        pool("eng-small", desktop_count=5),
        pool("fin", desktop_count=50),
    ]
    names = [[p.name for p in chosen(pools, patterns)] for patterns in ([], ["fin", "eng-*"])]

    assert names == [["eng-small", "fin", "eng-big"], ["fin", "eng-small", "eng-big"]]
    assert chosen(pools, ["id-fin"])[0].name == "fin"
    with pytest.raises(PlanError, match="no pool matches 'ops-"):
        chosen(pools, ["ops-*"])


@pytest.mark.parametrize(("attempted", "allowed"), [(0, 3), (100, 3), (200, 4), (1000, 20)])
def test_the_error_threshold_is_two_percent_and_at_least_three(attempted, allowed):
    """Of the desktops attempted over the whole run."""
    assert allowed_errors(attempted, 0.02, 3) == allowed


def test_a_retry_names_the_job_and_the_desktops_that_failed():
    """Its request is the one action that a job has."""
    sub = {"status": "FAILED", "entities": {"desktop_id": "d1"}}
    job = Job.model_validate({"id": "job-1", "status": "COMPLETE", "sub_jobs": [sub]})
    order = Order(Choice(), NEW_REGION, settings(), "1123-abc", NOW)
    plan = make_retry(order, job, reading())

    assert targets(plan) == {"d1"}
    assert plan.items[0].path == "/v2/proj/workspace-jobs/job-1/actions"
    assert read_plan(json.dumps(plan.as_json())) == plan
    with pytest.raises(PlanError, match="has not ended"):
        make_retry(order, job.model_copy(update={"status": "RUNNING"}), reading())
