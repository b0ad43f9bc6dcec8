from __future__ import annotations

import json

import pytest

from wsops.simulator.records import Image


@pytest.fixture
def pool(cloud, bad_pool):
    return bad_pool(cloud)


def bad(pool):
    return {one.id for one in pool.desktops if one.image_id != pool.image_id}


def other_image(cloud, pool):
    """Return another image of the same build as the pool's."""
    row = cloud.images[pool.image_id].row
    return next(
        image
        for image in cloud.images.values()
        if image.id != pool.image_id
        and all(image.row[key] == row[key] for key in ("image_type", "os_type", "architecture"))
    )


def targets(cloud, answer):
    assert answer.status == 200, answer.body
    return {sub.desktop_id for sub in cloud.jobs[answer.job_id].subs}


def refusal(answer):
    return answer.status, json.loads(answer.body)["error_code"]


def test_a_repair_touches_only_mismatched_desktops(cloud, pool, ask) -> None:
    """is_fix rebuilds those whose image differs from the pool's, and no others."""
    answer = ask(
        cloud, "RebuildDesktopPool", {"image_id": pool.image_id, "is_fix": True}, pool_id=pool.id
    )

    assert targets(cloud, answer) == bad(pool) != set()
    assert answer.executed


def test_a_rebuild_touches_all_and_moves_the_pool_at_once(cloud, pool, ask) -> None:
    """A whole-pool rebuild makes the new image the pool's before any desktop runs it."""
    image = other_image(cloud, pool)
    answer = ask(cloud, "RebuildDesktopPool", {"image_id": image.id}, pool_id=pool.id)

    assert targets(cloud, answer) == {one.id for one in pool.desktops}
    assert (pool.image_id, pool.row["image_name"]) == (image.id, image.name)
    assert not any(
        one.image_id == image.id and one.id not in bad(pool)
        for one in pool.desktops
        if one.image_id != pool.image_id
    )


def test_repair_with_another_image_is_refused_unless_allowed(make, bad_pool, ask) -> None:
    """Whether is_fix needs the pool's image is not published; the default is strict."""
    for needs, status in ((True, 400), (False, 200)):
        cloud = make(fix_needs_pool_image=needs)
        pool = bad_pool(cloud)
        body = {"image_id": other_image(cloud, pool).id, "is_fix": True}

        assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == status


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"{",
        b"[]",
        b"\xff",
        {},
        {"image_id": ""},
        {"image_id": "x" * 256},
        {"image_id": 7},
        {"delay_time": 16},
        {"delay_time": -1},
        {"delay_time": True},
        {"delay_time": 1.5},
        {"delay_time": "5"},
        {"message": "x" * 401},
        {"message": 3},
        {"is_fix": "yes"},
        {"handle_type": "ALL"},
        {"desktop_ids": "d"},
        {"desktop_ids": [1]},
        {"desktop_ids": [""]},
        {"encrypt_type": "MAYBE"},
        {"encrypt_type": "ENCRYPTED"},
        {"order_id": "x" * 256},
        {"os_type": "x" * 256},
        {"image_type": "x" * 256},
        {"image_id": "none"},
        {"image_type": "market"},
        {"os_type": "Other"},
    ],
    ids=repr,
)
def test_a_body_outside_the_contract_is_a_400(cloud, pool, ask, body) -> None:
    """Each breach is refused, and nothing is started."""
    full = (
        {"image_id": pool.image_id, "is_fix": True, **body}
        if isinstance(body, dict) and body
        else body
    )
    answer = ask(cloud, "RebuildDesktopPool", full, pool_id=pool.id)

    assert refusal(answer) == (400, "WKS.0001")
    assert (cloud.jobs, pool.busy(cloud.now())) == ({}, False)


def test_the_limits_themselves_are_allowed(cloud, pool, ask) -> None:
    """15 minutes, 400 characters and a null are inside the contract."""
    body = {
        "image_id": pool.image_id,
        "delay_time": 15,
        "message": "m" * 400,
        "order_id": None,
        "encrypt_type": "KEEP",
    }

    assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == 200


def test_a_second_rebuild_of_a_busy_pool_is_a_conflict(cloud, pool, ask, told, clock) -> None:
    """409 WKS.00010032 until the first job has ended; the pool is TEMPORARY meanwhile."""
    body = {"image_id": pool.image_id, "is_fix": True}
    job = cloud.jobs[ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).job_id]
    clock.skip(60)

    assert refusal(ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id)) == (409, "WKS.00010032")
    assert told(cloud, "ShowDesktopPoolDetail", pool_id=pool.id)["status"] == "TEMPORARY"
    clock.skip(job.ended_at - clock.at)
    assert told(cloud, "ShowDesktopPoolDetail", pool_id=pool.id)["status"] == "STEADY"
    assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == 200


def test_a_frozen_pool_is_a_conflict_and_a_frozen_desktop_fails(cloud, pool, ask, clock) -> None:
    """What is frozen is not rebuilt."""
    pool.row["status"] = "EXIST_FROZEN"
    body = {"image_id": pool.image_id}
    assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == 409
    pool.row["status"] = "STEADY"
    pool.desktops[0].frozen = True
    job = cloud.jobs[ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).job_id]
    clock.skip(3600)
    failed = [sub for sub in job.subs if sub.status(clock.at) == "FAILED"]

    assert [(s.desktop_id, s.failure.code) for s in failed] == [
        (pool.desktops[0].id, "WKS.00010032")
    ]


@pytest.mark.parametrize("word", ["CONNECTED", "DISCONNECTED"])
def test_idle_leaves_out_desktops_in_use(cloud, pool, ask, word) -> None:
    """FOR_EXPAND_AND_IDLE makes no sub-job for a desktop that somebody uses."""
    used = pool.desktops[3]
    cloud.set_login(used.id, word)
    idle = {one.id for one in pool.desktops if one.login_status in ("REGISTERED", "UNREGISTER")}
    body = {"image_id": pool.image_id, "handle_type": "FOR_EXPAND_AND_IDLE"}

    assert targets(cloud, ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id)) == idle
    assert used.id not in idle


def test_only_for_expand_moves_the_pool_and_no_desktop(cloud, pool, ask, told, clock) -> None:
    """A job without sub-jobs ends well by itself."""
    image = other_image(cloud, pool)
    answer = ask(
        cloud,
        "RebuildDesktopPool",
        {"image_id": image.id, "handle_type": "ONLY_FOR_EXPAND"},
        pool_id=pool.id,
    )
    clock.skip(60)

    assert targets(cloud, answer) == set()
    assert pool.image_id == image.id
    assert told(cloud, "ShowJob", job_id=answer.job_id)["status"] in ("SUCCESS", "COMPLETE")


@pytest.mark.parametrize(
    "meaning", ["ONLY_FOR_EXPAND", "FOR_EXPAND_AND_IDLE", "FOR_EXPAND_AND_ALL"]
)
def test_an_absent_handle_type_means_what_the_options_say(make, bad_pool, ask, meaning) -> None:
    """What absence means is published nowhere."""
    cloud = make(unsaid_handle_type=meaning)
    pool = bad_pool(cloud)
    cloud.set_login(pool.desktops[0].id, "CONNECTED")
    idle = {one.id for one in pool.desktops if not one.in_use}
    expected = {
        "ONLY_FOR_EXPAND": set(),
        "FOR_EXPAND_AND_IDLE": idle,
        "FOR_EXPAND_AND_ALL": {one.id for one in pool.desktops},
    }[meaning]

    answer = ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id)
    assert targets(cloud, answer) == expected


def test_named_desktops_are_honoured_where_the_region_does(cloud, pool, ask) -> None:
    """desktop_ids narrows the rebuild, and the pool keeps its image."""
    chosen, before = sorted(bad(pool))[:2], pool.image_id
    body = {"image_id": other_image(cloud, pool).id, "desktop_ids": chosen}

    assert targets(cloud, ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id)) == set(chosen)
    assert pool.image_id == before


def test_a_subset_may_move_the_pool_image_too(make, bad_pool, ask) -> None:
    """Whether a subset moves the pool's image is published nowhere."""
    cloud = make(subset_moves_pool_image=True)
    pool = bad_pool(cloud)
    image = other_image(cloud, pool)
    ask(
        cloud,
        "RebuildDesktopPool",
        {"image_id": image.id, "desktop_ids": [pool.desktops[0].id]},
        pool_id=pool.id,
    )

    assert pool.image_id == image.id


@pytest.mark.parametrize("changes", [{"region": "old"}, {"honour_desktop_ids": False}])
def test_elsewhere_named_desktops_narrow_nothing(make, bad_pool, ask, changes) -> None:
    """An old region ignores desktop_ids and rebuilds the whole pool, with those in use."""
    cloud = make(**changes)
    pool = bad_pool(cloud)
    cloud.set_login(pool.desktops[0].id, "CONNECTED")
    body = {"image_id": pool.image_id, "desktop_ids": [pool.desktops[1].id]}
    if changes.get("region"):
        body["handle_type"] = "FOR_EXPAND_AND_IDLE"

    answer = ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id)
    assert targets(cloud, answer) == {one.id for one in pool.desktops}


@pytest.mark.parametrize(("meaning", "status"), [("all", 200), ("refuse", 400)])
def test_an_empty_list_means_what_the_options_say(make, bad_pool, ask, meaning, status) -> None:
    """An empty desktop_ids is the whole pool unless it is refused."""
    cloud = make(empty_desktop_ids=meaning)
    pool = bad_pool(cloud)
    answer = ask(
        cloud, "RebuildDesktopPool", {"image_id": pool.image_id, "desktop_ids": []}, pool_id=pool.id
    )

    assert answer.status == status
    if status == 200:
        assert len(targets(cloud, answer)) == len(pool.desktops)


def test_foreign_and_missing_desktops_are_refused(cloud, pool, ask) -> None:
    """A desktop of another pool is a 400, an unknown one WKS.0202 as a 500."""
    foreign = next(one for one in cloud.desktops.values() if one.pool_id != pool.id)
    body = {"image_id": pool.image_id, "desktop_ids": [foreign.id]}

    assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == 400
    missing = ask(cloud, "RebuildDesktopPool", body | {"desktop_ids": ["none"]}, pool_id=pool.id)
    assert refusal(missing) == (500, "WKS.0202")


def test_desktops_are_rebuilt_by_name(cloud, ask) -> None:
    """desktops/rebuild takes desktops of several pools and moves no pool's image."""
    first, second = (pool.desktops[0] for pool in list(cloud.pools.values())[::2])
    image = next(i for i in cloud.images.values() if i.row["image_type"] == "gold")
    body = {"desktop_ids": [first.id, second.id], "image_type": "gold", "image_id": image.id}
    answer = ask(cloud, "BatchRebuildDesktopsSystemDisk", body)

    assert targets(cloud, answer) == {first.id, second.id}
    assert all(cloud.pools[one.pool_id].busy(cloud.now()) for one in (first, second))
    assert image.id not in {pool.image_id for pool in cloud.pools.values()}
    assert ask(cloud, "BatchRebuildDesktopsSystemDisk", body).status == 409


@pytest.mark.parametrize(
    "change",
    [
        {"desktop_ids": []},
        {"desktop_ids": None},
        {"desktop_ids": ["d"] * 0 + [str(n) for n in range(101)]},
        {"image_type": None},
        {"image_type": "string"},
        {"image_id": None},
        {"desktop_ids": ["none"]},
    ],
    ids=lambda change: str(change)[:40],
)
def test_rebuild_by_name_has_limits(cloud, ask, change) -> None:
    """1 to 100 known desktops, a known image type and an image are required."""
    one = next(iter(cloud.desktops.values()))
    body = {"desktop_ids": [one.id], "image_type": "private", "image_id": one.image_id} | change

    assert ask(cloud, "BatchRebuildDesktopsSystemDisk", body).status == (
        500 if change.get("desktop_ids") == ["none"] else 400
    )


def test_a_billed_image_on_a_yearly_pool_needs_an_order(cloud, pool, ask) -> None:
    """Without order_id it is a 400; with one, or pay per use, it is accepted."""
    row = cloud.images[pool.image_id].row
    row["product_code"] = "P-1"
    body = {"image_id": pool.image_id}
    pool.row["charging_mode"] = "0"

    assert ask(cloud, "RebuildDesktopPool", body, pool_id=pool.id).status == 400
    assert (
        ask(cloud, "RebuildDesktopPool", body | {"order_id": "o-1"}, pool_id=pool.id).status == 200
    )


@pytest.mark.parametrize("change", [{"min_disk": 500}, {"architecture": "sparc"}])
def test_an_image_must_fit_the_pool(cloud, pool, ask, change) -> None:
    """An image for a larger disk or another chip is a 400."""
    cloud.images["odd"] = Image(cloud.images[pool.image_id].row | {"id": "odd"} | change)

    assert ask(cloud, "RebuildDesktopPool", {"image_id": "odd"}, pool_id=pool.id).status == 400


def test_a_pool_is_changed_field_by_field(cloud, pool, ask) -> None:
    """Only the fields sent change; unknown ones are ignored, odd ones refused."""
    before = dict(pool.row)
    answer = ask(
        cloud, "UpdateDesktopPool", {"in_maintenance_mode": True, "image_id": "x"}, pool_id=pool.id
    )

    assert answer.status == 200
    assert pool.row == before | {"in_maintenance_mode": True}
    for odd in ({"name": ""}, {"in_maintenance_mode": 1}, {"enable_autoscale": "no"}, None):
        assert ask(cloud, "UpdateDesktopPool", odd, pool_id=pool.id).status == 400


def test_users_are_messaged_by_a_job(cloud, pool, ask) -> None:
    """A message needs a text and answers with a job."""
    answer = ask(cloud, "SendDesktopPoolNotifications", {"notifications": "save"}, pool_id=pool.id)

    assert json.loads(answer.body) == {"job_id": answer.job_id}
    assert (
        ask(cloud, "SendDesktopPoolNotifications", {"notifications": ""}, pool_id=pool.id).status
        == 400
    )


def test_retry_is_refused_for_rebuilds(cloud, pool, ask) -> None:
    """Retry of a rebuild is a 400 unless the region is told to allow it."""
    job_id = ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id).job_id

    assert ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "retry"}, job_id=job_id).status == 400
    assert (
        ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "cancel"}, job_id=job_id).status == 400
    )
    assert ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "retry"}, job_id="none").status == 404


def test_retry_runs_the_failed_desktops_again(make, bad_pool, ask, clock) -> None:
    """Where it is allowed, failed sub-jobs start anew under the same job; the others stay."""
    cloud = make(retry_rebuilds=True)
    pool = bad_pool(cloud)
    lost = pool.desktops[0].id
    cloud.faults.add("desktop_fails", times=1, args={"desktop_ids": [lost]})
    job_id = ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id).job_id
    assert ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "retry"}, job_id=job_id).status == 409
    clock.skip(3600)
    answer = ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "retry"}, job_id=job_id)
    clock.skip(3600)

    assert answer.job_id == job_id
    assert {sub.status(clock.at) for sub in cloud.jobs[job_id].subs} == {"SUCCESS"}
    assert ask(cloud, "RunActionsOnWorkspaceJob", {"op_type": "retry"}, job_id=job_id).status == 409


def test_an_action_can_be_denied(cloud, pool, ask) -> None:
    """A 403 brings the encrypted reason that STS would decode."""
    cloud.denied.add("RebuildDesktopPool")
    answer = ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id)

    assert refusal(answer) == (403, "APIGW.0302")
    assert len(json.loads(answer.body)["encoded_authorization_message"]) > 100
    assert not answer.executed
