"""What the journal knows: `status`, `history`, `handover`, `resume`, `settle`."""

import sqlite3
from datetime import UTC, datetime

import pytest

from wsops.journal import Journal
from wsops.settings import load

NOWHERE = "there is no journal at"


@pytest.mark.parametrize(
    "command", [("status",), ("history",), ("handover",), ("stop", "run-x"), ("batch", "status")]
)
def test_without_a_journal_there_is_nothing_to_show(place, refused, tmp_path, command):
    """Commands that read make no journal; they say where they looked."""
    refused(*command, code=5, says=NOWHERE)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["status", "stop", "resume", "handover"])
def test_an_unknown_run_is_said(applied, refused, command):
    """A misspelt run is not taken for another one."""
    applied("fin-office-01")
    refused(command, "run-nonsense", code=5, says="no run 'run-nonsense' in the journal")


def test_a_run_that_could_go_on_can_be_stopped(place, planned, wsops, refused):
    """It has ended for want of a network, and offers to go on: a stop ends that for good."""
    path, plan = planned()
    last = plan["items"][1]["pool_id"]
    wanted = {"operation": "ShowDesktopPoolDetail", "match": {"pool_id": last}}
    place.cloud.faults.add("error", args={"status": 404}, **wanted)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=4).document
    run_id = done["run_id"]
    assert f"wsops resume {run_id} --continue" in wsops("status", run_id, code=4).out
    place.cloud.faults.clear()

    assert "sends no further pool" in wsops("stop", run_id).out
    assert "--continue" not in wsops("status", run_id, code=4).out
    before = len(place.cloud.jobs)
    wsops("resume", run_id, "--continue", code=4)
    assert len(place.cloud.jobs) == before
    refused("stop", run_id, code=5, says="sends nothing more")


def test_of_two_runs_that_go_on_the_one_to_stop_is_named(place, planned, wsops):
    """A stop is final: it is not guessed."""
    runs = []
    for name in ("fin-office-01", "callcentre-01"):
        place.cloud.faults.clear()
        path, plan = planned(name)
        place.cloud.faults.add("error", operation="ShowDesktopPoolDetail", args={"status": 404})
        approved = ("--yes", "--digest", plan["digest"])
        runs.append(wsops("apply", path, *approved, "--json", code=None).document["run_id"])
    told = wsops("stop", code=5).err

    assert all(run_id in told for run_id in runs)
    assert all("a stop was requested" not in wsops("status", one, code=None).out for one in runs)
    wsops("stop", runs[0])
    assert wsops("stop").out == f"{runs[1]} sends no further pool\n"


def test_a_run_whose_canary_was_settled_can_be_stopped(applied, place, wsops, sent):
    """It offers to go on again: what once stood in its way does not keep a stop from it."""
    lost = {"operation": "RebuildDesktopPool", "times": 1}
    place.cloud.faults.add("cut", **lost)
    document = applied(code=3)
    run_id, item = document["run_id"], document["items"][0]["item_id"]
    for _ in range(4):
        wsops("settle", item, "--not-sent", "--evidence", "by the console", code=None)
    assert f"wsops resume {run_id} --continue" in wsops("status", run_id, code=None).out

    assert "sends no further pool" in wsops("stop", run_id).out
    before = sent(place)
    wsops("resume", run_id, "--continue", code=None)
    assert sent(place) == before


def test_a_pool_that_could_not_be_read_stays_in_sight(place, planned, wsops):
    """The plan skipped it, and the outcome of its run says so again."""
    pool = next(p for p in place.cloud.pools.values() if p.name == "fin-office-01")
    broken = {"operation": "ListPoolDesktopsDetail", "match": {"pool_id": pool.id}}
    place.cloud.faults.add("error", args={"status": 404}, **broken)
    path, plan = planned()
    said = wsops("apply", path, "--yes", "--digest", plan["digest"], code=None).out

    assert "skipped fin-office-01: it could not be read" in said
    assert pool.id not in {item["pool_id"] for item in plan["items"]}


def test_who_was_never_touched_is_not_handed_over(place, planned, wsops, tmp_path):
    """A request that was refused has recomposed nobody: the mail says so, the file is empty."""
    path, plan = planned("fin-office-01")
    refusal = {"status": 403, "code": "WKS.0001"}
    place.cloud.faults.add("error", operation="RebuildDesktopPool", args=refusal)
    wsops("apply", path, "--yes", "--digest", plan["digest"], code=4)
    file = tmp_path / "h.csv"
    said = wsops("handover", "-o", file).out

    assert "desktops of 0 pools were recomposed" in said
    assert "1 pool not touched" in said
    assert len(file.read_text().splitlines()) == 1


def test_status_is_what_apply_said(applied, wsops):
    """`status`, with or without the run's name, gives the document that `apply` gave."""
    document = applied()
    assert wsops("status", "--json").document == document
    assert wsops("status", document["run_id"], "--json").document == document
    assert document["run_id"] in wsops("status").out


def test_history_lists_runs_newest_first(applied, wsops):
    """Each run with who, when, the ticket and the verdict; --limit cuts."""
    first = applied("fin-office-01", "--change", "CHG-1")
    second = applied("callcentre-01")
    told = wsops("history", "--json").document["runs"]
    assert {run["run_id"] for run in told} == {first["run_id"], second["run_id"]}
    assert {run["run_id"]: run["change"] for run in told}[first["run_id"]] == "CHG-1"
    assert all(run["verdict"] == "done" and run["operator"] == "tester" for run in told)
    assert all(run["batch_id"] == "" for run in told)
    assert [run["pools"] for run in told] == [["callcentre-01"], ["fin-office-01"]]
    assert len(wsops("history", "--limit", "1", "--json").document["runs"]) == 1
    said = wsops("history").out
    for word in (first["run_id"], second["run_id"], "fin-office-01", "callcentre-01"):
        assert word in said


def test_history_verifies_the_chain(applied, wsops):
    """A whole chain is said to be whole."""
    applied("fin-office-01")
    assert wsops("history", "--verify", "--json").document["broken_event"] is None
    assert "the chain of events is whole" in wsops("history", "--verify").out


def test_history_finds_a_changed_event(applied, wsops, tmp_path):
    """A record that was changed afterwards is refused by number, in both faces."""
    applied("fin-office-01")
    with sqlite3.connect(tmp_path / "state" / "wsops" / "journal.sqlite") as journal:
        journal.execute("UPDATE events SET text = 'nothing happened' WHERE id = 2")
    journal.close()
    done = wsops("history", "--verify", code=5)
    assert "event 2 of the journal does not fit the chain" in done.err
    assert wsops("history", "--verify", "--json", code=5).document["broken_event"] == 2
    assert "event 2 does not fit" in " ".join(wsops("doctor", code=1).out.split())


def test_resume_has_nothing_to_do_after_a_good_run(applied, wsops, refused):
    """Without a name there is no unfinished run; with one its end is shown again."""
    document = applied("fin-office-01")
    refused("resume", code=5, says="has anything left to follow")
    assert wsops("resume", document["run_id"], "--json").document["verdict"] == "done"


def detached(place, planned, wsops, *names):
    """Apply a plan whose jobs outlive the time that they are followed for."""
    path, plan = planned(*names)
    digest = ("--yes", "--digest", plan["digest"])
    return path, plan, wsops("apply", path, *digest, "--json", code=3).document


def test_resume_follows_what_is_still_running(fleet, at, planned, wsops, sent, monkeypatch):
    """A run past its deadline is `running` (3); resume follows it to its end and sends nothing."""
    short = {"base_deadline": 0.2, "per_desktop": 0, "stall_after": 60}
    place = at(fleet(speed=150), polling=short)
    _, plan, document = detached(place, planned, wsops, "fin-office-01")
    assert document["verdict"] == "running"
    assert wsops("status", "--json", code=3).document["verdict"] == "running"
    at(place, polling={"stall_after": 60})
    place.cloud.advance(30)
    # The deadline is kept as an instant: what is over when it is looked at, is read back.
    again = wsops("resume", plan and document["run_id"], "--json")
    assert again.document["verdict"] == "done"
    assert sent(place) == 1


@pytest.fixture
def halted(fleet, at, planned, wsops):
    """Give a run of two pools whose first goes on in the cloud: the answer to its job is gone."""
    place = at(fleet())
    path, plan = planned("fin-office-01", "callcentre-01")
    place.cloud.faults.add("lost", operation="RebuildDesktopPool", times=1)
    place.cloud.faults.add("error", operation="ListItaSubJobs", after=2, args={"status": 403})
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    place.cloud.faults.clear()
    return place, plan, done.document


def test_an_unknown_pool_stops_a_canary(halted, wsops, sent):
    """When what became of the first request cannot be seen, no other is sent; exit code 3."""
    place, _, document = halted
    assert document["verdict"] == "unknown"
    assert [item["verdict"] for item in document["items"]] == ["unknown", "planned"]
    assert sent(place) == 1
    assert wsops("status", "--json", code=3).document["items"] == document["items"]
    assert f"next: wsops resume {document['run_id']}" in wsops("status", code=3).out


def test_resume_finds_what_was_lost(halted, wsops, sent):
    """The job is found, followed and read back; the other pool is left alone."""
    place, _, document = halted
    found = wsops("resume", "--json", code=4).document
    assert [item["verdict"] for item in found["items"]] == ["done", "planned"]
    assert found["run_id"] == document["run_id"]
    assert sent(place) == 1


def test_resume_continue_sends_the_rest(halted, wsops, sent):
    """With --continue the remaining pool is sent, once."""
    place, plan, _ = halted
    found = wsops("resume", "--continue", "--json").document
    assert {item["verdict"] for item in found["items"]} == {"done"}
    assert sent(place) == len(plan["items"]) == 2


def test_nothing_is_sent_after_a_stop(halted, wsops, sent):
    """A stopped run is followed, and never sends another pool, even with --continue."""
    place, _, document = halted
    assert wsops("stop", document["run_id"], "--json").document == {
        "run_id": document["run_id"],
        "stop": "requested",
    }
    assert wsops("stop").out == f"{document['run_id']} sends no further pool\n"
    after = wsops("resume", document["run_id"], "--continue", "--json", code=4).document
    assert [item["verdict"] for item in after["items"]] == ["done", "planned"]
    assert "as requested" in after["reason"]
    assert sent(place) == 1


def test_a_stop_without_a_name_is_of_this_project_alone(halted, wsops, monkeypatch):
    """A run of another project is not stopped by somebody who is not there, nor one of two."""
    monkeypatch.setenv("WSOPS_PROJECT_ID", "f" * 32)
    assert "no run of this project goes on" in wsops("stop", code=5).err


def test_a_job_that_is_adopted_by_hand_has_the_time_that_its_users_were_given(
    fleet, at, planned, wsops
):
    """An hour, two minutes a desktop, and the minutes in which nothing had to happen yet."""
    place = at(fleet())
    words = ("fin-office-01", "--delay", 15, "--message", "Save your work.")
    path, plan = planned(*words)
    place.cloud.faults.add("lost", operation="RebuildDesktopPool", times=1)
    place.cloud.faults.add("error", operation="ListItaSubJobs", after=2, args={"status": 403})
    wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    place.cloud.faults.clear()
    (item,), (job,) = plan["items"], place.cloud.jobs
    wsops("settle", item["item_id"], "--adopt", job, "--evidence", "seen in the console")
    with Journal.known(load().journal_place) as journal:
        given = journal.item(item["item_id"]).deadline_at - datetime.now(UTC)

    expected = 3600 + 120 * len(item["targets"]) + 15 * 60
    assert given.total_seconds() == pytest.approx(expected, abs=30)


def test_settle_adopts_a_job_by_hand(halted, wsops, sent):
    """A person names the job that an unknown request started; resume then follows it."""
    place, _, document = halted
    (job,) = [job for job in place.cloud.jobs if place.cloud.jobs[job].kind.startswith("rebuild")]
    item = document["items"][0]["item_id"]
    words = ("--adopt", job, "--evidence", "seen in the console")
    settled = wsops("settle", item, *words, "--json").document
    assert settled["items"][0]["job_id"] == job
    assert wsops("resume", "--json", code=4).document["items"][0]["verdict"] == "done"
    assert sent(place) == 1


def test_settle_refuses_a_job_of_other_desktops(halted, applied, refused):
    """A job that works on other desktops is not the lost one."""
    _, _, document = halted
    other = applied("dev-linux-01")["items"][0]["job_id"]
    words = ("--adopt", other, "--evidence", "a guess")
    item = document["items"][0]["item_id"]
    refused("settle", item, *words, code=5, says="belongs to another item")


def test_settle_refuses_what_the_service_contradicts(halted, refused):
    """Where a job fits the request, "not sent" is not accepted; the sentence names it."""
    place, _, document = halted
    item = document["items"][0]["item_id"]
    place.cloud.advance(10)
    words = ("--not-sent", "--evidence", "the proxy log")
    refused("settle", item, *words, code=5, says=f"wsops settle {item} --adopt")


def test_settle_not_sent_frees_the_pool(fleet, at, planned, wsops, sent):
    """A request that never arrived may be declared so, and is sent by --continue alone."""
    place = at(fleet())
    path, plan = planned("fin-office-01")
    place.cloud.faults.add("cut", operation="RebuildDesktopPool", times=1)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    item = done.document["items"][0]["item_id"]
    words = ("--not-sent", "--evidence", "the gateway log has nothing")
    wsops("settle", item, *words)
    assert sent(place) == 1
    assert wsops("resume", "--continue", "--json").document["verdict"] == "done"
    assert sent(place) == 2


def test_settle_wants_time(fleet, at, planned, wsops, refused):
    """A request may still be on its way: too early a "not sent" is refused, with the time left."""
    place = at(fleet(), polling={"settle_seconds": 600})
    path, plan = planned("fin-office-01")
    place.cloud.faults.add("cut", operation="RebuildDesktopPool", times=1)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    words = ("--not-sent", "--evidence", "I think so")
    item = done.document["items"][0]["item_id"]
    refused("settle", item, *words, code=5, says="may still be on its way")


@pytest.mark.parametrize("words", [(), ("--adopt", "j", "--not-sent")])
def test_settle_wants_one_decision(place, wsops, words):
    """Either a job, or "not sent": anything else is a usage error."""
    wsops("settle", "x-01", *words, "--evidence", "e", code=2)


def test_a_run_of_another_place_is_not_resumed(halted, wsops, sent, monkeypatch):
    """A run belongs to its endpoint and project."""
    place, _, document = halted
    monkeypatch.setenv("WSOPS_PROJECT_ID", "another-project")
    done = wsops("resume", document["run_id"], code=5)
    assert "you are elsewhere" in done.err
    assert sent(place) == 1
