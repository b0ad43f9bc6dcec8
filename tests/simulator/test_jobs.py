from __future__ import annotations

import math

import pytest


@pytest.fixture
def pool(cloud, bad_pool):
    return bad_pool(cloud)


@pytest.fixture
def rebuild(ask):
    def started(cloud, pool, **body):
        answer = ask(
            cloud, "RebuildDesktopPool", {"image_id": pool.image_id, **body}, pool_id=pool.id
        )
        return cloud.jobs[answer.job_id]

    return started


@pytest.fixture
def show(told):
    def shown(cloud, desktop):
        page = told(cloud, "ListPoolDesktopsDetail", pool_id=desktop.pool_id, limit=100)
        return next(row for row in page["pool_desktops"] if row["desktop_id"] == desktop.id)

    return shown


def test_a_desktop_goes_its_way_step_by_step(cloud, pool, rebuild, show, clock) -> None:
    """WAITING, RUNNING with a growing process, SUCCESS; then the image, then REGISTERED."""
    desktop = next(d for d in pool.desktops if d.image_id != pool.image_id)
    desktop.status, desktop.login_status, old = "ACTIVE", "REGISTERED", desktop.image_id
    sub = next(s for s in rebuild(cloud, pool, is_fix=True).subs if s.desktop_id == desktop.id)

    def seen(at):
        clock.at = at
        row = show(cloud, desktop)
        return (
            sub.status(at),
            row["task_status"],
            row["process"],
            row["login_status"],
            row["metadata"]["metering.image_id"],
        )

    length = sub.ends - sub.starts
    assert 180 <= length <= 360
    assert seen(sub.created) == ("WAITING", "", None, "REGISTERED", old)
    assert seen(sub.starts) == ("RUNNING", "rebuilding", 0, "UNREGISTER", old)
    assert seen(sub.starts + length * 0.2)[:2] == ("RUNNING", "rebuild_block_device_mapping")
    assert seen(sub.starts + length * 0.8)[:2] == ("RUNNING", "rebuild_spawning")
    assert seen(sub.ends) == ("SUCCESS", "rebuild_spawning", 100, "UNREGISTER", old)
    assert seen(sub.shows) == ("SUCCESS", "", None, "UNREGISTER", pool.image_id)
    assert show(cloud, desktop)["inconsistent_types"] == []
    assert seen(sub.settles) == ("SUCCESS", "", None, "REGISTERED", pool.image_id)
    assert sub.starts < sub.ends < sub.shows < sub.settles


def test_process_never_goes_back(cloud, pool, rebuild) -> None:
    """The process grows from 0 to 99 and is 100 only at the end."""
    sub = rebuild(cloud, pool).subs[0]
    steps = [sub.process(sub.starts + share * (sub.ends - sub.starts) / 50) for share in range(50)]

    assert steps == sorted(steps)
    assert (steps[0], max(steps) < 100, sub.process(sub.ends)) == (0, True, 100)


def test_speed_divides_durations_only(make, bad_pool, rebuild) -> None:
    """At speed 100 a rebuild takes seconds, and begins at the same wall time."""
    slow, fast = make(), make(speed=100.0)
    jobs = [rebuild(cloud, bad_pool(cloud), delay_time=15) for cloud in (slow, fast)]
    lengths = [job.ended_at - job.created for job in jobs]

    assert jobs[0].created == jobs[1].created
    assert lengths[0] / lengths[1] == pytest.approx(100, rel=0.01)


def test_a_connected_user_gets_the_delay(cloud, pool, rebuild) -> None:
    """Connected desktops wait delay_time minutes; the others start at once."""
    for one in pool.desktops:
        one.status, one.login_status = "ACTIVE", "REGISTERED"
    cloud.set_login(pool.desktops[0].id, "CONNECTED")
    cloud.set_login(pool.desktops[1].id, "DISCONNECTED")
    job = rebuild(cloud, pool, delay_time=15, handle_type="FOR_EXPAND_AND_ALL")
    waits = {sub.desktop_id: sub.starts - sub.created for sub in job.subs}

    assert waits[pool.desktops[0].id] >= 900
    assert max(wait for one, wait in waits.items() if one != pool.desktops[0].id) <= 10


def test_what_was_off_stays_off(cloud, pool, rebuild, clock) -> None:
    """A SHUTOFF desktop gets the image and is not switched on."""
    desktop = pool.desktops[0]
    desktop.status, desktop.login_status = "SHUTOFF", "UNREGISTER"
    rebuild(cloud, pool)
    clock.skip(3600)
    cloud.settle()

    assert (desktop.status, desktop.login_status, desktop.image_id) == (
        "SHUTOFF",
        "UNREGISTER",
        pool.image_id,
    )


def test_a_desktop_that_fails_keeps_its_image(cloud, pool, rebuild, told, clock) -> None:
    """FAILED brings a WKS code and a reason; the job itself may still end well."""
    desktop = next(d for d in pool.desktops if d.image_id != pool.image_id)
    cloud.faults.add(
        "desktop_fails", args={"desktop_ids": [desktop.id], "code": "WKS.1", "reason": "why"}
    )
    old, job = desktop.image_id, rebuild(cloud, pool)
    clock.skip(3600)
    row = told(cloud, "ShowJob", job_id=job.id)
    failed = [sub for sub in row["sub_jobs"] if sub["status"] == "FAILED"]

    assert row["status"] in ("SUCCESS", "COMPLETE")
    assert row["job_error_code"] is None
    assert [(s["error_code"], s["fail_reason"]) for s in failed] == [("WKS.1", "why")]
    assert failed[0]["process"] < 100
    assert failed[0]["entities"]["desktop_id"] == desktop.id
    assert (desktop.image_id, desktop.sub) == (old, None)


def test_a_failed_desktop_may_be_left_in_error(cloud, pool, rebuild, clock) -> None:
    """A script chooses the status that the failure leaves."""
    cloud.faults.add("desktop_fails", args={"share": 1.0, "leaves": "ERROR"})
    for one in pool.desktops:
        one.status = "ACTIVE"
    rebuild(cloud, pool)
    clock.skip(3600)
    cloud.settle()

    assert {(one.status, one.login_status) for one in pool.desktops} == {("ERROR", "UNREGISTER")}


def test_a_job_fails_only_when_every_desktop_fails(cloud, pool, rebuild, told, clock) -> None:
    """FAIL comes with the error of a desktop."""
    cloud.faults.add("desktop_fails")
    job = rebuild(cloud, pool)
    clock.skip(3600)
    row = told(cloud, "ShowJob", job_id=job.id)

    assert row["status"] == "FAIL"
    assert row["job_error_code"].startswith("WKS.")
    assert row["fail_reason"]


def test_both_words_for_a_good_end_occur(make, bad_pool, rebuild) -> None:
    """Over some seeds jobs end as SUCCESS and as COMPLETE."""
    words = set()
    for seed in range(8):
        cloud = make(seed=seed)
        words.add(rebuild(cloud, bad_pool(cloud)).word)

    assert words == {"SUCCESS", "COMPLETE"}


def test_a_stuck_desktop_never_ends(cloud, pool, rebuild, told, clock) -> None:
    """The job stays RUNNING, the process stands still, the pool stays busy."""
    one = pool.desktops[0]
    cloud.faults.add("stuck", args={"desktop_ids": [one.id]})
    job = rebuild(cloud, pool)
    clock.skip(30 * 86_400)
    row = told(cloud, "ShowJob", job_id=job.id)
    open_ones = [sub for sub in row["sub_jobs"] if sub["status"] == "RUNNING"]

    assert (row["status"], row["end_time"], math.isinf(job.ended_at)) == ("RUNNING", None, True)
    assert [(s["entity"], s["process"], s["end_time"]) for s in open_ones] == [(one.id, 57, None)]
    assert pool.busy(clock.at)


def test_success_may_leave_the_image_unchanged(cloud, pool, rebuild, told, clock) -> None:
    """The sub-job says SUCCESS and the desktop runs what it ran before."""
    one = next(d for d in pool.desktops if d.image_id != pool.image_id)
    cloud.faults.add("ignore_desktop", args={"desktop_ids": [one.id]})
    old, job = one.image_id, rebuild(cloud, pool, is_fix=True)
    clock.skip(3600)
    row = told(cloud, "ShowJob", job_id=job.id)

    assert {sub["status"] for sub in row["sub_jobs"]} == {"SUCCESS"}
    assert one.image_id == old


def test_rates_hit_some_desktops(make, bad_pool, rebuild) -> None:
    """A rate about desktops is a chance for each of them, the same for the same seed."""
    failed = []
    for _ in range(2):
        cloud = make(desktops=200, faults={"desktop_fails": 0.3})
        job = rebuild(cloud, bad_pool(cloud))
        failed.append(sorted(sub.desktop_id for sub in job.subs if sub.failure))
        share = len(failed[-1]) / len(job.subs)

        assert 0.15 < share < 0.45
    assert failed[0] == failed[1]


def test_a_new_rebuild_takes_over_from_a_lagging_one(cloud, pool, rebuild, clock) -> None:
    """After a job's end the next one starts, even while fields still lag."""
    first = rebuild(cloud, pool)
    clock.at = first.ended_at
    second = rebuild(cloud, pool)
    clock.skip(3600)
    cloud.settle()

    assert second.id != first.id
    assert all(one.sub is None and one.image_id == pool.image_id for one in pool.desktops)


def test_jobs_never_share_an_identifier(make, bad_pool, rebuild) -> None:
    """Two clouds of one seed hand out different job IDs."""
    ids = {rebuild(cloud, bad_pool(cloud)).id for cloud in (make(), make())}

    assert len(ids) == 2
