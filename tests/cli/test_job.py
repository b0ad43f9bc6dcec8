"""`wsops job`: show, watch and retry a job of the service."""

from dataclasses import replace

import pytest

from wsops.client import Workspace


@pytest.fixture
def failed(fleet, at, planned, wsops):
    """Give a function: a run with failed desktops, one or more, on a service that may retry it."""

    def make(number=1, **options):
        place = at(fleet(**options))
        path, plan = planned("fin-office-01")
        targets = [one["desktop_id"] for one in plan["items"][0]["targets"][:number]]
        fault = {"desktop_ids": targets, "code": "WKS.9", "reason": "no capacity"}
        place.cloud.faults.add("desktop_fails", args=fault)
        done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=4)
        place.cloud.faults.clear()
        return place, targets[0], done.document["items"][0]["job_id"]

    return make


def test_show_names_each_desktop(failed, wsops):
    """A job with its sub-jobs, and why one failed."""
    place, target, job = failed()
    document = wsops("job", "show", job, "--json").document
    assert document["id"] == job
    assert document["sub_jobs_total"] == len(document["sub_jobs"])
    said = wsops("job", "show", job).out
    assert place.cloud.desktops[target].name in said
    assert "WKS.9 no capacity" in said


def test_a_long_job_is_shown_with_all_its_sub_jobs(failed, wsops, monkeypatch):
    """It comes with fewer than it has; where their list fails, it is said how many these are."""
    place, _, job = failed()
    whole = wsops("job", "show", job, "--json").document
    known = Workspace.job

    def short(ws, job_id):
        seen = known(ws, job_id)
        return seen.model_copy(update={"sub_jobs": seen.sub_jobs[:1]})

    monkeypatch.setattr(Workspace, "job", short)
    shown = wsops("job", "show", job, "--json").document
    place.cloud.faults.add("error", operation="ListItaSubJobs", args={"status": 403})
    cut = wsops("job", "show", job, "--json")

    ids = [{one["id"] for one in document["sub_jobs"]} for document in (whole, shown)]
    assert ids[0] == ids[1]
    assert cut.err == f"1 of its {len(ids[0])} sub-jobs could be read\n"


def test_watch_ends_with_the_job(failed, wsops):
    """A job that failed in part ends with 4; the document is the job."""
    _, _, job = failed()
    assert wsops("job", "watch", job, "--json", code=4).document["id"] == job
    done = wsops("job", "watch", job, code=4)
    assert "1 of" in done.err
    assert "WKS.9 no capacity" in done.err


def test_a_job_whose_sub_jobs_cannot_all_be_read_has_not_ended_well(applied, wsops, monkeypatch):
    """Who knows how those ended that nobody has seen: exit 3, and the document is the job."""
    job = applied()["items"][0]["job_id"]
    known, listed = Workspace.job, Workspace.sub_jobs

    def short(ws, job_id):
        seen = known(ws, job_id)
        return seen.model_copy(update={"sub_jobs": seen.sub_jobs[:1]})

    def one(ws, **which):
        found = listed(ws, **which)
        return replace(found, rows=found.rows[:1], seen=1)

    monkeypatch.setattr(Workspace, "job", short)
    monkeypatch.setattr(Workspace, "sub_jobs", one)
    told = wsops("job", "watch", job, code=3)

    assert "only 1 of its" in told.err
    assert wsops("job", "watch", job, "--json", code=3).document["id"] == job


def test_watch_of_a_good_job_ends_well(applied, wsops):
    """A job that succeeded ends with 0."""
    job = applied("fin-office-01")["items"][0]["job_id"]
    assert "100%" in wsops("job", "watch", job).err


def test_an_unknown_job_is_said(place, refused):
    """The service's 404 is one sentence."""
    refused("job", "show", "no-such-job", code=1, says="404")


@pytest.mark.parametrize("bad", ["../x", "a/b", "a%2fb", "a?b", "a#b", "", "x" * 256, "é"])
def test_a_job_that_is_no_id_reaches_no_path(place, refused, bad):
    """Nothing that is not an ID enters a path."""
    refused("job", "show", bad, code=2, says="is not an ID")
    assert len(place.ledger) == 0


def test_retry_is_a_dry_run_without_approval(failed, wsops, sent):
    """The failed desktop is named, nothing is sent, and the command to do it is shown."""
    place, _, job = failed(retry_rebuilds=True)
    said = wsops("job", "retry", job).out
    assert "dry run: nothing was sent" in said
    assert f"to apply: wsops job retry {job} --yes --max-desktops 1" in said
    document = wsops("job", "retry", job, "--json").document
    assert document["verdict"] == "planned"
    assert document["items"][0]["desktops"] == {"planned": 1}
    assert sent(place) == 1


def test_retry_runs_the_failed_part_again(failed, wsops, sent, behind):
    """Where the service accepts it, the retry is sent once, followed and read back."""
    place, target, job = failed(retry_rebuilds=True)
    words = ("--yes", "--max-desktops", "1", "--change", "CHG-9", "--json")
    document = wsops("job", "retry", job, *words).document
    assert document["verdict"] == "done"
    assert document["change"] == "CHG-9"
    assert sent(place) == 2
    desktop = place.cloud.desktops[target]
    assert desktop.image_id == place.cloud.pools[desktop.pool_id].image_id


def test_a_retry_that_the_service_refuses_is_rejected(failed, wsops, sent):
    """By default rebuilds cannot be retried: its words are shown, exit code 4, no further try."""
    place, _, job = failed()
    done = wsops("job", "retry", job, "--yes", "--max-desktops", "1", "--json", code=4)
    assert done.document["verdict"] == "rejected"
    assert "not supported" in done.document["items"][0]["reason"]
    assert sent(place) == 2


def test_retry_yes_alone_is_a_usage_error(failed, wsops, sent):
    """--yes approves nothing without a number."""
    place, _, job = failed(retry_rebuilds=True)
    assert "--max-desktops N" in wsops("job", "retry", job, "--yes", code=2).err
    assert sent(place) == 1


def test_a_retry_keeps_to_the_ceiling_of_the_profile(failed, refused, sent, monkeypatch):
    """No plan may touch more, whatever it is a plan of and whoever has approved it."""
    place, _, job = failed(2, retry_rebuilds=True)
    monkeypatch.setenv("WSOPS_LIMITS__MAX_DESKTOPS", "1")
    refused("job", "retry", job, "--yes", "--max-desktops", "5", code=5, says="ceiling is 1")
    assert sent(place) == 1


def test_looking_at_a_retry_makes_no_journal(failed, wsops, refused, tmp_path, monkeypatch):
    """A dry run writes nothing; without a journal the pool has to be named."""
    place, target, job = failed(retry_rebuilds=True)
    other = tmp_path / "new" / "journal.sqlite"
    monkeypatch.setenv("WSOPS_JOURNAL", str(other))
    refused("job", "retry", job, code=5, says="name its pool by --pool ID")
    wsops("job", "retry", job, "--pool", place.cloud.desktops[target].pool_id)
    assert not other.parent.exists()


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_retry_whose_answer_was_lost_is_looked_up_in_its_own_job(failed, wsops, sent, kind):
    """It starts no job: what had failed of its job ran again, or did not; nothing is sent twice."""
    place, target, job = failed(retry_rebuilds=True)
    place.cloud.faults.add(kind, operation="RunActionsOnWorkspaceJob", times=1)
    words = ("job", "retry", job, "--yes", "--max-desktops", "1", "--json")
    document = wsops(*words, code=None).document
    item = document["items"][0]
    desktop = place.cloud.desktops[target]

    assert sent(place) == 2
    if kind == "lost":  # after it was executed
        assert (document["verdict"], item["job_id"]) == ("done", job)
        assert desktop.image_id == place.cloud.pools[desktop.pool_id].image_id
        return
    assert document["verdict"] == "unknown"
    assert "its job stands as before" in item["reason"]
    known = ("settle", item["item_id"], "--evidence", "by the console")
    for _ in range(3):
        wsops(*known, "--not-sent", code=None)
    assert "1 of 1 pool not sent" in wsops("status", document["run_id"], code=1).out
    assert wsops(*words).document["verdict"] == "done"


def test_a_retry_touches_nothing_that_the_pool_does_not_have(failed, refused, sent):
    """What else has failed of its job would run again as well, approved by nobody."""
    place, target, job = failed(2, retry_rebuilds=True)
    pool = place.cloud.pools[place.cloud.desktops[target].pool_id]
    pool.desktops[:] = [one for one in pool.desktops if one.id != target]
    refused("job", "retry", job, "--yes", "--max-desktops", "5", code=5, says="failed at 1 desktop")
    assert sent(place) == 1


def test_a_retry_that_failed_again_is_not_called_unsent(failed, wsops, sent):
    """Its answer was lost; that its sub-jobs ran again shows by their times."""
    place, target, job = failed(retry_rebuilds=True)
    place.cloud.faults.add("lost", operation="RunActionsOnWorkspaceJob", times=1)
    place.cloud.advance(60)
    again = {"desktop_ids": [target], "code": "WKS.8", "reason": "no capacity, again"}
    place.cloud.faults.add("desktop_fails", args=again)
    words = ("job", "retry", job, "--yes", "--max-desktops", "1", "--json")
    document = wsops(*words, code=4).document

    assert document["verdict"] == "failed"
    assert "no capacity, again" in document["items"][0]["reason"]
    assert sent(place) == 2


def test_retry_of_a_good_job_is_refused(applied, refused):
    """There is nothing to retry where nothing failed."""
    job = applied("fin-office-01")["items"][0]["job_id"]
    refused("job", "retry", job, code=5, says="no failed desktop left")


def test_retry_of_a_job_unknown_to_the_journal_wants_its_pool(
    failed, refused, wsops, tmp_path, monkeypatch
):
    """With another journal the pool must be named; with --pool it is planned."""
    place, target, job = failed(retry_rebuilds=True)
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "other.sqlite"))
    refused("job", "retry", job, code=5, says="name its pool by --pool ID")
    pool = place.cloud.desktops[target].pool_id
    said = wsops("job", "retry", job, "--pool", pool).out
    assert f"wsops job retry {job} --pool {pool} --yes" in said
