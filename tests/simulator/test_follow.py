from __future__ import annotations

import re

import pytest


@pytest.fixture
def pool(cloud, bad_pool):
    return bad_pool(cloud)


@pytest.fixture
def job(cloud, pool, ask):
    return cloud.jobs[
        ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id).job_id
    ]


def test_a_young_job_is_not_in_the_list_yet(cloud, job, told, clock) -> None:
    """ShowJob knows the job at once, the list of sub-jobs some seconds later."""
    early = told(cloud, "ListItaSubJobs", job_id=job.id)["total_count"]
    clock.skip(3)

    assert told(cloud, "ShowJob", job_id=job.id)["sub_jobs_total"] == len(job.subs)
    assert (early, told(cloud, "ListItaSubJobs", job_id=job.id)["total_count"]) == (
        0,
        len(job.subs),
    )


def test_sub_jobs_are_found_by_job_pool_kind_and_status(cloud, pool, job, told, clock) -> None:
    """Each filter narrows the list; status may repeat."""
    clock.skip(60)

    def count(**words):
        return told(cloud, "ListItaSubJobs", **words)["total_count"]

    assert count(desktop_pool_id=pool.id) == count(job_type="rebuildDesktopPool") == len(job.subs)
    assert (
        count(desktop_pool_id="none")
        == count(job_type="rebuildDesktops")
        == count(job_id="none")
        == 0
    )
    assert count(status=["RUNNING", "WAITING"]) == len(job.subs)
    assert count(status="SUCCESS") == count(status="ODD") == 0


def test_sub_jobs_come_newest_first_and_in_pages(cloud, told, ask, clock) -> None:
    """The latest job's desktops lead the list; pages add up."""
    jobs = []
    for pool in list(cloud.pools.values())[:2]:
        clock.skip(10)
        jobs.append(
            ask(cloud, "RebuildDesktopPool", {"image_id": pool.image_id}, pool_id=pool.id).job_id
        )
    clock.skip(10)
    rows = told(cloud, "ListItaSubJobs")["jobs"]
    paged = [
        row
        for offset in range(0, len(rows), 5)
        for row in told(cloud, "ListItaSubJobs", limit=5, offset=offset)["jobs"]
    ]

    assert list(dict.fromkeys(row["job_id"] for row in rows)) == jobs[::-1]
    assert paged == rows


def test_times_say_their_zone_on_the_job_only(cloud, job, told, clock) -> None:
    """The two documents contradict each other, and so does the service."""
    clock.skip(3600)
    row = told(cloud, "ShowJob", job_id=job.id)

    for key in ("begin_time", "end_time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row[key])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["sub_jobs"][0][key])


def test_a_known_job_can_be_missing_for_a_while(cloud, job, ask) -> None:
    """job_missing answers 404 as often as it is told to."""
    cloud.faults.add("job_missing", times=2)

    assert [ask(cloud, "ShowJob", job_id=job.id).status for _ in range(3)] == [404, 404, 200]
    assert ask(cloud, "ShowJob", job_id="none").status == 404


def test_words_can_be_strange(cloud, job, told, clock) -> None:
    """Jobs and sub-jobs show any word that a script wants."""
    clock.skip(5)
    cloud.faults.add("strange_status", args={"job": "ARCHIVED", "sub": "PAUSED"})
    row = told(cloud, "ShowJob", job_id=job.id)

    assert (row["status"], {sub["status"] for sub in row["sub_jobs"]}) == ("ARCHIVED", {"PAUSED"})
    assert {sub["status"] for sub in told(cloud, "ListItaSubJobs")["jobs"]} == {"PAUSED"}
