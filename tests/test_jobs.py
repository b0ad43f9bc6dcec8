"""Watching a job: bounded, patient with lags, never taking silence for success."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wsops.errors import BadAnswer, JobFailed, JobOverdue, JobStalled, NotAllowed, OutcomeUnknown
from wsops.jobs import Timing, _from_list, deadline_for, intervals, wait, watch, with_all_sub_jobs
from wsops.listing import Listing
from wsops.models import Job, SubJob
from wsops.readings import whole_job
from wsops.settings import Polling

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += max(seconds, 0.001)

    @property
    def timing(self):
        return Timing(
            clock=lambda: self.seconds,
            sleep=self.sleep,
            now=lambda: START + timedelta(seconds=self.seconds),
        )


@pytest.fixture
def started(sim, ws):
    """Give the ID of a job that rebuilds the desktops of a pool that differ, and the pool's."""
    pool = next(p for p in ws.pools().rows if ws.inconsistent_statics(p.id).image_id > 1)
    body = f'{{"image_id": "{pool.image_id}", "is_fix": true}}'.encode()
    path = f"/v2/{ws.project_id}/desktop-pools/{pool.id}/rebuild"
    return ws.send(path, body).document["job_id"], pool.id


def polls(ws, job_id, pool_id="", *, seconds=20.0, timing=None, at_once=False):
    timing = timing or Timing()
    deadline = timing.now() + timedelta(seconds=seconds)
    return watch(ws, job_id, pool_id, deadline_at=deadline, timing=timing, at_once=at_once)


def test_a_job_is_followed_to_its_end(ws, started):
    """Every poll is yielded; the last one is finished, with a sub-job for each desktop."""
    seen = list(polls(ws, *started))

    assert not seen[0].finished
    assert seen[-1].finished
    assert len(seen[-1].sub_jobs) == seen[-1].sub_jobs_total > 0
    assert [job.share for job in seen] == sorted(job.share for job in seen)


def test_a_job_that_does_not_end_in_time_is_still_running(fleet, open_ws):
    """At the deadline the watch ends with the job; it goes on in the cloud."""
    sim = fleet(speed=1)
    ws = open_ws(sim)
    job_id, pool_id = started_in(sim, ws)

    with pytest.raises(JobOverdue) as caught:
        list(polls(ws, job_id, pool_id, seconds=0.1))
    assert caught.value.job.id == job_id
    assert caught.value.exit_code == 3


def started_in(sim, ws):
    pool = next(p for p in ws.pools().rows if ws.inconsistent_statics(p.id).image_id > 1)
    body = f'{{"image_id": "{pool.image_id}", "is_fix": true}}'.encode()
    path = f"/v2/{ws.project_id}/desktop-pools/{pool.id}/rebuild"
    return ws.send(path, body).document["job_id"], pool.id


def test_desktops_that_do_not_move_are_a_stall(fleet, open_ws):
    """Nothing moved for the stated time: the watch ends before its deadline."""
    sim = fleet()
    ws = open_ws(sim)
    sim.cloud.faults.add("stuck", args={"share": 1.0})
    job_id, pool_id = started_in(sim, ws)

    with pytest.raises(JobStalled, match="nothing moved"):
        list(polls(ws, job_id, pool_id, seconds=60))


@pytest.mark.parametrize("times", [1, 4, 5])
def test_a_404_of_a_known_job_is_tolerated(sim, ws, started, times):
    """Up to five times the service may not know its own job."""
    sim.cloud.faults.add("job_missing", operation="ShowJob", times=times)

    assert list(polls(ws, *started))[-1].finished


def test_a_job_that_vanished_is_put_together_from_its_sub_jobs(sim, ws, started):
    """Where the job is gone, but its sub-jobs are listed, they say how it went."""
    sim.cloud.faults.add("job_missing", operation="ShowJob")
    last = list(polls(ws, *started))[-1]

    assert last.finished
    assert all(sub.good for sub in last.sub_jobs)


@pytest.mark.parametrize(
    ("seen_before", "cut", "status"),
    [
        (3, False, "RUNNING"),
        (3, True, "RUNNING"),
        (2, True, "COMPLETE"),
        (0, False, "COMPLETE"),
        (0, True, "RUNNING"),
    ],
)
def test_a_job_that_vanished_has_as_many_sub_jobs_as_it_was_seen_with(
    ws, monkeypatch, seen_before, cut, status
):
    """What is missing from the list may still run; a list that is cut never says that it is all."""
    subs = tuple(
        SubJob(id=f"s{n}", job_id="j", desktop_id=f"d{n}", status="SUCCESS") for n in range(2)
    )
    listing = Listing(subs, 2, steady=not cut, cut=cut)
    monkeypatch.setattr(ws, "sub_jobs", lambda **_: listing)
    job = _from_list(ws, Job(id="j", sub_jobs_total=seen_before), "p")

    assert job.status == status
    assert job.complete == (status == "COMPLETE")


def test_a_list_without_what_the_job_has_does_not_vouch_for_it(ws, monkeypatch):
    """It is empty though the job has a part: who knows what else it leaves out."""
    job = Job(id="j", sub_jobs=(SubJob(id="s1", desktop_id="d1", status="SUCCESS"),))
    monkeypatch.setattr(ws, "sub_jobs", lambda **_: Listing((), 0, steady=True))

    assert with_all_sub_jobs(ws, job) == (job, False)


def test_a_job_that_nobody_knows_any_more_is_unknown(ws):
    """Neither the job nor its sub-jobs: never success, never failure."""
    with pytest.raises(OutcomeUnknown, match="no longer knows job"):
        list(polls(ws, "never-existed", next(p.id for p in ws.pools().rows)))


@pytest.mark.parametrize("word", ["FINISHED", "success", "DONE", "ABORTING", ""])
def test_an_unknown_word_never_ends_the_watch(sim, ws, started, word):
    """Only the deadline does, or that nothing moves."""
    sim.cloud.faults.add("strange_status", args={"job": word})

    with pytest.raises((JobStalled, JobOverdue)):
        list(polls(ws, *started, seconds=0.4))


@pytest.mark.parametrize("kind", ["error", "throttle", "strange_200", "cut"])
def test_a_poll_that_fails_is_passed_over(sim, ws, started, kind, monkeypatch):
    """The next poll may go well; the job is not given up."""
    monkeypatch.setattr(ws, "_sleep", lambda _: None)
    monkeypatch.setattr(ws._pacer, "_sleep", lambda _: None)
    sim.cloud.faults.add(kind, operation="ShowJob", times=7)

    assert list(polls(ws, *started))[-1].finished


def test_a_list_of_sub_jobs_that_fails_is_passed_over_as_well(sim, ws, started, monkeypatch):
    """A long job comes with fewer sub-jobs than it has: the list that knows them may fail."""
    monkeypatch.setattr(ws, "_sleep", lambda _: None)
    known = ws.job
    monkeypatch.setattr(ws, "job", lambda job_id: short(known(job_id)))
    sim.cloud.faults.add("error", operation="ListItaSubJobs", times=6, args={"status": 503})
    last = list(polls(ws, *started))[-1]

    assert last.finished
    assert last.complete


def short(job):
    return job.model_copy(update={"sub_jobs": job.sub_jobs[:1]})


def test_a_list_that_does_not_stand_still_ends_no_job(ws, started, monkeypatch):
    """The sub-job that is not in it may have failed."""
    list(polls(ws, *started))
    known, listed = ws.job, ws.sub_jobs
    monkeypatch.setattr(ws, "job", lambda job_id: short(known(job_id)))
    monkeypatch.setattr(ws, "sub_jobs", lambda **query: replace(listed(**query), steady=False))
    with pytest.raises(JobOverdue):
        list(polls(ws, *started, seconds=0.2))


@pytest.mark.parametrize("answer", ["fails", "moves", "stands"])
def test_what_a_job_without_a_number_shows_may_be_a_part(ws, started, monkeypatch, answer):
    """Nulls for its sub-jobs: only a list that stands still says that these are all."""
    last = list(polls(ws, *started))[-1]
    bare = last.model_copy(update={"sub_jobs": (), "sub_jobs_total": 0})
    listed = ws.sub_jobs

    def answered(**query):
        if answer == "fails":
            msg = "no"
            raise BadAnswer(msg)
        return replace(listed(**query), steady=answer == "stands")

    monkeypatch.setattr(ws, "sub_jobs", answered)
    job, all_here = with_all_sub_jobs(ws, bare)
    assert all_here == (answer == "stands")
    assert bool(job.sub_jobs) == (answer != "fails")


def test_a_whole_job_has_all_its_sub_jobs(ws, started, monkeypatch):
    """From their list where it comes with fewer; where that is short, too, it is no whole job."""
    list(polls(ws, *started))
    known, listed = ws.job, ws.sub_jobs
    monkeypatch.setattr(ws, "job", lambda job_id: short(known(job_id)))
    job = whole_job(ws, started[0])
    assert job.complete
    assert {sub.job_id for sub in job.sub_jobs} == {started[0]}

    def cut(**query):
        found = listed(**query)
        return replace(found, rows=found.rows[:1], seen=1)

    monkeypatch.setattr(ws, "sub_jobs", cut)
    with pytest.raises(BadAnswer, match="1 could be read"):
        whole_job(ws, started[0])


def test_credentials_that_end_in_the_middle_end_the_watch(sim, ws, started):
    """A token that nobody can renew is an error at once, not a deadline later."""
    sim.cloud.access.revoke()

    with pytest.raises(NotAllowed):
        list(polls(ws, *started))


def test_waiting_gives_the_job_or_raises_with_it(fleet, open_ws, started, ws):
    """wait() ends well, or with JobFailed that names code and reason."""
    assert wait(ws, started[0], timeout=20).finished

    sim = fleet(seed=11)
    other = open_ws(sim)
    sim.cloud.faults.add("desktop_fails", args={"share": 1.0, "code": "WKS.1", "reason": "no room"})
    job_id, _ = started_in(sim, other)
    with pytest.raises(JobFailed, match=r"WKS\.1 no room") as caught:
        wait(other, job_id, timeout=20)
    assert caught.value.job.failed


def test_the_wait_between_polls_grows_with_jitter_to_its_bound():
    """First after 5-10 s, then 1.25 times longer each, up to a minute."""
    polling = Polling()
    steps = intervals(polling)
    waits = [next(steps) for _ in range(30)]

    assert 5 <= waits[0] <= 10
    assert waits[-1] >= 0.8 * 60
    assert max(waits) <= 1.2 * 60


def test_a_watch_never_sleeps_past_its_deadline(sim, ws, started):
    """The last wait is cut to what is left."""
    time = Time()
    ws_polling = Polling(first=100, longest=100, jitter=0)
    ws.settings = ws.settings.model_copy(update={"polling": ws_polling})

    with pytest.raises(JobOverdue):
        list(polls(ws, "gone-soon", seconds=150, timing=time.timing, at_once=True))
    assert sum(time.slept) <= 151


def test_the_deadline_grows_with_the_desktops_and_the_delay():
    """An hour, two minutes a desktop, and the users' minutes."""
    at = deadline_for(Polling(), 10, 15, START)

    assert at - START == timedelta(seconds=3600 + 1200 + 900)


def test_an_age_counts_the_time_that_a_machine_sleeps():
    """Its monotonic clock stands still then, its date does not; a date set back counts nothing."""
    clock, now = [100.0], [datetime(2026, 1, 1, tzinfo=UTC)]
    age = Timing(clock=lambda: clock[0], now=lambda: now[0]).age()
    assert age() == 0
    clock[0] += 3
    assert age() == 3
    now[0] += timedelta(hours=8)
    assert age() == 8 * 3600
    now[0] -= timedelta(hours=20)
    assert age() == 3
