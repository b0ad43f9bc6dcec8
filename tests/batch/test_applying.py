"""A batch that applies is one rollout: canary, total, threshold, stop, and what became of it."""

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from tests.batch.conftest import NOTEBOOKS, words
from wsops.batch.ledger import Ledger
from wsops.errors import JournalError

REPAIR = NOTEBOOKS / "20_repair_mismatches.ipynb"


def test_every_pool_that_needs_it_is_repaired_by_a_row_of_its_own(
    fleet_to_repair, repair, wsops, folder
):
    """One request a pool, every desktop read back; the handover tells of all rows as one."""
    fleet = fleet_to_repair()
    pools, total = [pool.id for pool in fleet.pools], fleet.total
    document = repair(max_desktops=total)

    assert set(words(document)) == {"done"}
    assert sorted(entry.pool_id for entry in fleet.posts) == sorted(pools)
    assert (fleet.pools, document["totals"]) == ([], {"done": total})
    told = wsops("handover", document["batch_id"], "--json").document
    assert told["batch_id"] == document["batch_id"]
    assert wsops("handover", "--json").document == told
    assert f"desktops of {len(pools)} pools were recomposed" in told["mail"][0]


def test_the_first_row_is_the_canary_and_runs_alone(fleet_to_repair, repair):
    """No other pool is sent before the first one has come to its good end."""
    fleet = fleet_to_repair()
    first = fleet.pools[0]
    document = repair(max_desktops=fleet.total)
    posts = fleet.posts
    canary, *others = document["runs"]

    assert canary["label"] == first.name
    assert posts[0].pool_id == first.id
    ended = max(entry.at for entry in fleet.sim.ledger if entry.pool_id == first.id)
    assert ended < min(entry.at for entry in posts[1:])
    assert len(others) == len(posts) - 1


def test_a_row_that_changes_nothing_is_no_canary(fleet_to_repair, repair):
    """Somebody works on all its desktops: the next row runs alone, and the others after its end."""
    fleet = fleet_to_repair()
    busy, first, *_ = fleet.pools
    for desktop in busy.desktops:
        fleet.sim.cloud.set_login(desktop.id, "CONNECTED")
    document = repair(max_desktops=fleet.total)
    posts = fleet.posts

    assert [run["verdict"] for run in document["runs"][:2]] == ["left_in_use", "done"]
    assert [post.pool_id for post in posts[:2]] == [busy.id, first.id]
    ended = max(entry.at for entry in fleet.sim.ledger if entry.pool_id == first.id)
    assert ended < min(entry.at for entry in posts[2:])
    assert len(posts) == len(document["runs"])


def test_a_failed_canary_leaves_all_other_rows_unbegun(fleet_to_repair, repair, wsops, folder):
    """One request in all; the index and the exit code say why the rest was not begun."""
    fleet = fleet_to_repair()
    fleet.fail(fleet.behind(fleet.pools[0]))
    document = repair(max_desktops=fleet.total, code=4)

    assert words(document) == ["failed"] + ["not_started"] * (len(document["runs"]) - 1)
    assert "the canary" in document["stop"]
    assert "no capacity in the zone" in document["runs"][0]["reason"]
    assert len(fleet.posts) == 1
    assert "the canary" in (folder() / "index.html").read_text()
    wsops("batch", "resume", code=4)
    assert len(fleet.posts) == 1


def test_no_row_is_begun_once_too_many_desktops_have_failed(fleet_to_repair, repair):
    """The threshold is over all rows together."""
    fleet = fleet_to_repair(pools=9, desktops=10, mismatch=0.6)
    for pool in fleet.pools[1:4]:
        fleet.fail(fleet.behind(pool)[:2])
    document = repair("--workers", "1", max_desktops=fleet.total, code=4)

    assert "the approved threshold is" in document["stop"]
    assert "not_started" in words(document)
    assert len(fleet.posts) < len(document["runs"])


def test_a_batch_that_has_stopped_does_not_begin_again(fleet_to_repair, repair, monkeypatch):
    """What ends well after the stop raises the number of errors that are borne: it is too late."""
    fleet = fleet_to_repair()
    answers = iter(["", "", "too many desktops failed"])  # the canary, and the row beside the next
    monkeypatch.setattr("wsops.batch.runner.reason_to_stop", lambda *_: next(answers, ""))
    document = repair("--workers", "2", max_desktops=fleet.total, code=4)

    assert words(document) == ["done", "done"] + ["not_started"] * (len(document["runs"]) - 2)
    assert document["stop"] == "too many desktops failed"
    assert len(fleet.posts) == 2


def test_a_journal_that_fails_in_the_middle_is_no_refusal(fleet_to_repair, repair, monkeypatch):
    """Exit code 5 would say that nothing was sent."""
    fleet = fleet_to_repair()
    real, ends = Ledger.finish, []

    def finish(ledger, attempt):
        ends.append(attempt)
        if len(ends) == 2:
            msg = "the journal cannot be written: database or disk is full"
            raise JournalError(msg)
        return real(ledger, attempt)

    monkeypatch.setattr(Ledger, "finish", finish)
    told = repair("--workers", "1", max_desktops=fleet.total, code=3)["error"]

    assert "disk is full" in told["message"]
    assert "wsops batch resume batch-" in told["remedy"]
    assert len(fleet.posts) == 2


@pytest.mark.parametrize("beside", ["a Ctrl-C", "an unknown row"])
def test_a_threshold_that_was_passed_is_kept_for_good(
    fleet_to_repair, repair, wsops, monkeypatch, beside
):
    """Though more is borne afterwards, somebody interrupts, or a row may yet prove to be well."""
    fleet = fleet_to_repair()
    if beside == "an unknown row":
        second = {"pool_id": fleet.pools[1].id}
        fleet.sim.cloud.faults.add("cut", times=1, operation="RebuildDesktopPool", match=second)
    passed = []

    def once(*_):
        if passed or len(fleet.posts) < 2:
            return ""
        passed.append("too many desktops failed")
        if beside == "a Ctrl-C":
            signal.raise_signal(signal.SIGINT)
        return passed[0]

    monkeypatch.setattr("wsops.batch.runner.errors_passed", once)
    code = {"a Ctrl-C": 130, "an unknown row": 3}[beside]
    document = repair("--workers", "1", max_desktops=fleet.total, code=code)
    again = wsops("batch", "resume", document["batch_id"], "--json", code=None).document

    assert document["stop"] == again["stop"] == "too many desktops failed"
    assert words(again)[2:] == ["not_started"] * (len(document["runs"]) - 2)
    assert len(fleet.posts) == 2


def test_a_total_that_cannot_be_enough_is_refused_before_anything_runs(fleet_to_repair, repair):
    """The audit has counted more: a digit was lost, and nothing is wiped before that shows."""
    fleet = fleet_to_repair()
    told = repair(max_desktops=fleet.total - 1, code=5)

    assert told["error"]["type"] == "NotApproved"
    assert f"approve {fleet.total}" in told["error"]["remedy"]
    assert fleet.posts == []


def test_the_approved_total_is_the_cap_of_all_rows(fleet_to_repair, ran, params):
    """The row that would pass it is refused before it sends, and says how many were left."""
    fleet = fleet_to_repair()
    sizes = [len(fleet.behind(pool)) for pool in fleet.pools]
    rows = params(*({"pools": pool.id, "expect_images": pool.image_id} for pool in fleet.pools))
    document = ran(REPAIR, "--params", rows, "--apply", "--max-desktops", sum(sizes) - 1, code=4)
    refused = [run for run in document["runs"] if run["verdict"] == "refused"]

    assert [run["error"] for run in refused] == ["BlastRadius"]
    assert "approved for the batch" in refused[0]["reason"]
    assert sum(document["totals"].values()) <= sum(sizes) - 1
    assert len(fleet.posts) == len(sizes) - 1


def test_a_row_whose_pool_has_another_image_than_the_audit_saw_is_refused(
    fleet_to_repair, audited, ran
):
    """What was approved is the image that stood in the audit; the canary that differs stops all."""
    fleet = fleet_to_repair()
    path = audited()
    audit = json.loads(path.read_text())
    for one in audit["mismatches"]:
        one["pool_image_id"] = "another-image"
    path.write_text(json.dumps(audit))
    arguments = ("--from-audit", path, "--apply", "--max-desktops", "99")
    document = ran(REPAIR, *arguments, code=5)

    assert document["verdict"] == document["runs"][0]["verdict"] == "refused"
    assert document["runs"][0]["error"] == "NotApproved"
    assert set(words(document)[1:]) == {"not_started"}
    assert fleet.posts == []


def test_a_stop_from_another_shell_holds_for_all_rows(fleet_to_repair, repair, wsops, tmp_path):
    """What runs is followed to its end; no further row is begun, and none may be afterwards."""
    fleet = fleet_to_repair(pools=10, desktops=6, mismatch=0.8, speed=300)
    thread = threading.Thread(target=_stop_soon, args=(fleet, tmp_path), daemon=True)
    thread.start()
    document = repair("--workers", "2", max_desktops=fleet.total, code=4)
    thread.join(10)

    assert "as requested" in document["stop"]
    assert "not_started" in words(document)
    assert set(words(document)) <= {"done", "not_started", "partial", "refused"}
    # Stopped: begun just before, and refused when it was to send.
    assert {run["error"] for run in document["runs"]} <= {"", "Stopped"}
    assert len(fleet.posts) < len(document["runs"])
    wsops("batch", "stop", document["batch_id"], code=5)


def test_rows_that_failed_are_tried_again_as_new_attempts(fleet_to_repair, repair, wsops, folder):
    """Only they, only approved anew; the old attempt's files stay."""
    fleet = fleet_to_repair()
    sick = fleet.behind(fleet.pools[-1])[0]
    fleet.fail([sick])
    document = repair(max_desktops=fleet.total, code=4)
    bad = [run["row"] for run in document["runs"] if run["verdict"] == "partial"]
    before = len(fleet.posts)
    fleet.sim.cloud.faults.clear()

    assert len(bad) == 1
    wsops("batch", "retry", "--failed", code=5)
    again = ("batch", "retry", "--failed", "--apply", "--max-desktops", "1", "--json")
    after = wsops(*again).document
    assert set(words(after)) == {"done"}
    assert len(fleet.posts) == before + 1
    assert fleet.pools == []
    folders = {path.name for path in (folder() / "runs").iterdir()}
    assert {name.partition("-")[0] for name in folders} >= {f"{bad[0]:04d}", f"{bad[0]:04d}.2"}
    wsops("batch", "retry", "--failed", "--apply", "--max-desktops", "1", code=5)


def test_a_request_that_nobody_knows_of_makes_its_row_unknown(fleet_to_repair, repair, wsops):
    """Code 3 and the command to type; it is not tried again until a person has settled it."""
    fleet = fleet_to_repair()
    victim = fleet.pools[-1]
    matched = {"operation": "RebuildDesktopPool", "match": {"pool_id": victim.id}}
    fleet.sim.cloud.faults.add("cut", times=1, **matched)
    document = repair(max_desktops=fleet.total, code=3)
    last = document["runs"][-1]
    again = ("batch", "retry", "--rows", last["row"], "--apply", "--max-desktops", "99")

    assert words(document)[:-1] == ["done"] * (len(document["runs"]) - 1)
    assert last["verdict"] == "unknown"
    assert f"wsops resume {last['rollouts'][0]}" in document["next"]
    told = wsops(*again, code=5)
    assert "it may have sent" in told.err
    alone = " ".join(wsops("stop", code=5).err.split())
    assert f"`wsops batch stop {document['batch_id']}` stops all of it" in alone
    item = wsops("status", last["rollouts"][0], "--json", code=3).document["items"][0]["item_id"]
    wsops("settle", item, "--not-sent", "--evidence", "seen in the console")
    resumed = wsops("batch", "resume", document["batch_id"], "--json", code=None).document
    assert resumed["runs"][-1]["verdict"] not in {"unknown", "running"}
    assert wsops(*again, "--json").document["verdict"] == "done"
    assert fleet.pools == []


def test_an_audit_of_a_fleet_that_is_well_leaves_nothing_to_do(fleet_to_repair, audited, wsops):
    """Good for a night's job: no batch is made, and the code is 0."""
    fleet_to_repair(mismatch=0)
    run = ("batch", "run", REPAIR, "--from-audit", audited(), "--apply", "--max-desktops", "9")

    assert "nothing to do" in wsops(*run).out
    assert wsops(*run, "--json").document["verdict"] == "done"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "needs --max-desktops"),
        (("--max-desktops", "5"), "expect"),
    ],
)
def test_rows_that_nobody_has_approved_are_refused(fleet_to_repair, params, wsops, arguments, says):
    """Without a number, or an image, nothing is begun."""
    fleet = fleet_to_repair()
    rows = params({"pools": fleet.pools[0].id})
    images = () if arguments else ("--expect-image", fleet.pools[0].image_id)
    run = ("batch", "run", REPAIR, "--params", rows, "--apply", *arguments, *images)
    told = wsops(*run, code=5 if not arguments else 2)

    assert says in told.err
    assert fleet.posts == []


def test_numbers_in_the_rows_approve_them(fleet_to_repair, params, ran):
    """The approved total is their sum."""
    fleet = fleet_to_repair()
    rows = params(
        *(
            {"pools": p.id, "max_desktops": len(fleet.behind(p)), "expect_images": p.image_id}
            for p in fleet.pools
        )
    )
    document = ran(REPAIR, "--params", rows, "--apply", "--change", "CHG-7")

    assert set(words(document)) == {"done"}
    assert fleet.pools == []


def test_a_batch_that_only_plans_can_send_nothing(fleet_to_repair, book, ran):
    """A notebook that applies all the same: a batch without --apply lets it begin no run."""
    fleet = fleet_to_repair()
    images = ",".join(sorted({pool.image_id for pool in fleet.pools}))
    notebook = book(
        "from wsops import forms\nfrom wsops.action import carry_out\n"
        "from wsops.workbench import open_workbench",
        "bench = open_workbench()\nseen = bench.audit('*')",
        "picked = forms.PoolPicker(seen, '*', place=bench.place)\n"
        "options = forms.RebuildOptions('repair', bench.limits, place=bench.place)",
        "plan = bench.propose(options.value, picked.value)",
        f"carry_out(bench, plan, apply=True, max_desktops=99, expect_images='{images}')",
    )
    document = ran(notebook, code=5)

    assert document["runs"][0]["error"] == "NotApproved"
    assert "without --apply" in document["runs"][0]["reason"]
    assert fleet.posts == []


def test_a_batch_goes_on_only_where_it_was_begun(
    fleet_to_repair, repair, wsops, monkeypatch, tmp_path
):
    """Another endpoint is another fleet, whose pools may bear the same names."""
    fleet = fleet_to_repair()
    document = repair(max_desktops=fleet.total)
    sent = len(fleet.posts)
    monkeypatch.setenv("WSOPS_ENDPOINT", "http://127.0.0.1:9")
    again = wsops("batch", "retry", "--rows", "1", "--apply", "--max-desktops", "9", code=5)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as file:
        file.execute("UPDATE batches SET ended_at = NULL, verdict = 'running'")
        file.commit()
    resumed = wsops("batch", "resume", code=5)

    for told in (again, resumed):
        assert f"{document['batch_id']} is of" in told.err
        assert "you are elsewhere" in told.err
    assert len(fleet.posts) == sent


def test_a_batch_that_has_ended_is_left_as_it_is(fleet_to_repair, repair, wsops):
    """A resume of it says so; when it ended, and how long it took, do not change."""
    fleet = fleet_to_repair(pools=2)
    document = repair(max_desktops=fleet.total)
    told = wsops("batch", "resume", "--json")

    assert told.document == document
    assert "has ended: there is nothing to resume" in told.err


def test_a_failed_canary_is_remembered_by_a_resume(fleet_to_repair, repair, wsops, tmp_path):
    """Also where whoever drove the batch could not close it any more."""
    fleet = fleet_to_repair()
    fleet.fail(fleet.behind(fleet.pools[0]))
    document = repair(max_desktops=fleet.total, code=4)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as file:
        file.execute("UPDATE batches SET stop = '', ended_at = NULL, verdict = 'running'")
        file.execute("UPDATE attempts_of_rows SET state = 'waiting' WHERE row > 1")
        file.commit()
    resumed = wsops("batch", "resume", document["batch_id"], "--json", code=4).document

    assert set(words(resumed)[1:]) == {"not_started"}
    assert len(fleet.posts) == 1


def test_a_notebook_that_was_changed_after_the_approval_is_not_run(
    fleet_to_repair, repair, wsops, folder
):
    """The bytes that were approved are those that run."""
    fleet = fleet_to_repair()
    repair(max_desktops=fleet.total)
    notebook = folder() / REPAIR.name
    notebook.write_bytes(notebook.read_bytes() + b" ")
    sent = len(fleet.posts)
    again = ("batch", "retry", "--rows", "1", "--apply", "--max-desktops", "9", "--json")
    document = wsops(*again, code=4).document

    assert document["runs"][0]["verdict"] == "error"
    assert "is not the one that the batch was made of" in document["runs"][0]["reason"]
    assert len(fleet.posts) == sent


def _stop_soon(fleet, tmp_path):
    from wsops.batch.ledger import Ledger

    end = time.monotonic() + 30
    while time.monotonic() < end and len(fleet.posts) < 2:
        time.sleep(0.05)
    with Ledger.open(str(tmp_path / "journal.sqlite")) as ledger:
        ledger.request_stop(ledger.batches()[0].batch_id)
