"""Attacks that once got through: each stays here as an example."""

import json

import pytest

from wsops.choice import Choice
from wsops.errors import BadAnswer, BlastRadius, JournalError, PlanError, StalePlan
from wsops.jobs import Timing
from wsops.journal import Journal
from wsops.models import Desktop, Job, utc_now
from wsops.plan import check_place, read_plan
from wsops.planning import plan_for
from wsops.rollout import Rollout
from wsops.settle import settle_adopt, settle_not_sent
from wsops.simulator import Options, Simulation
from wsops.submit import Outcome, judge
from wsops.verdicts import of_desktops
from wsops.verify import read_back

REBUILD = "RebuildDesktopPool"


@pytest.fixture
def begun(sim, open_ws, journal):
    """Give a rollout over a fleet in which nobody is logged in, planned and approved."""
    for desktop in sim.cloud.desktops.values():
        sim.cloud.set_login(desktop.id, "REGISTERED")
        sim.cloud.set_status(desktop.id, "ACTIVE")
    ws = open_ws(sim)
    plan, _ = plan_for(ws, Choice(), [])
    return Rollout(ws, journal, journal.start_run(plan, "digest", "tester"))


def drain(events):
    return [event.kind for event in events]


def sent(sim):
    return [entry for entry in sim.ledger.entries(REBUILD) if entry.executed]


def lost(begun, sim):
    """Lose the first answer, after or before its execution; give the unknown item."""
    drain(begun.apply())
    return next(row for row in begun.journal.items(begun.run.run_id) if row.state == "unknown")


def test_mixed_evidence_is_not_settled_as_unsent(begun, sim):
    """A look that failed, or found something, never counts as an empty one."""
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    row = lost(begun, sim)
    begun.ws._sleep = lambda _: None
    sim.cloud.faults.add("error", operation="ListItaSubJobs", args={"status": 500})

    with pytest.raises(JournalError, match="the evidence is mixed"):
        settle_not_sent(begun.ws, begun.journal, row.item_id, "hope")


def test_an_item_is_settled_and_driven_only_at_its_own_place(begun, sim, open_ws):
    """A rehearsal copy bears the same pool IDs: its silence says nothing of the real one."""
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    row = lost(begun, sim)
    with Simulation(Options(pools=4, desktops=8, mismatch=0.4)) as copy:
        elsewhere = open_ws(copy)
        with pytest.raises(JournalError, match="you are elsewhere"):
            settle_not_sent(elsewhere, begun.journal, row.item_id, "hope")
        with pytest.raises(JournalError, match="you are elsewhere"):
            Rollout(elsewhere, begun.journal, begun.run)


@pytest.mark.parametrize("job", ["old", "message"])
def test_a_job_that_cannot_be_ours_is_not_adopted(begun, sim, job):
    """Neither a job from before the intent nor one that works on no desktop."""
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    row = lost(begun, sim)
    if job == "old":
        begun.journal.adopt(row.item_id, "job-of-old", "x", utc_now())
        begun.journal.park(row.item_id, "again")
        with begun.journal._database.writing() as connection:
            connection.exec_driver_sql("UPDATE items SET known_jobs = '[\"job-of-old\"]'")
        name = "job-of-old"
    else:
        path = f"/v2/{begun.ws.project_id}/desktop-pools/{row.pool_id}/notifications"
        name = begun.ws.send(path, b'{"notifications": "hello"}').document["job_id"]

    with pytest.raises(JournalError, match=r"was there before|works on no desktop"):
        settle_adopt(begun.ws, begun.journal, row.item_id, name, "mistaken")


def test_an_intent_that_another_process_took_back_cannot_be_sent(begun):
    """The journal itself decides who comes second, whatever locks say."""
    item = begun.journal.items(begun.run.run_id)[0]
    begun.journal.intend(item.item_id, b"{}", {}, ())
    with Journal.open(begun.journal.place) as other:
        other.forget_intent(item.item_id, "taken for dead")
    with pytest.raises(JournalError, match="cannot become sent"):
        begun.journal.sending(item.item_id)


@pytest.mark.parametrize("state", ["ended", "accepted"])
def test_an_item_that_went_on_is_not_put_back(begun, state):
    """Neither an accepted nor an ended item becomes planned again."""
    item = begun.journal.items(begun.run.run_id)[0]
    begun.journal.intend(item.item_id, b"{}", {}, ())
    begun.journal.sending(item.item_id)
    begun.journal.answered(item.item_id, "accepted", "", state="accepted", job_id="j")
    if state == "ended":
        begun.journal.end_item(item.item_id, "done", "")
    with pytest.raises(JournalError, match="cannot become planned"):
        begun.journal.forget_intent(item.item_id, "no")


def test_the_ceiling_of_the_profile_counts_at_apply_as_well(begun):
    """A plan made under another ceiling, or elsewhere, is measured by this one."""
    settings = begun.ws.resolved
    low = settings.model_copy(
        update={"limits": settings.limits.model_copy(update={"max_desktops": 1})}
    )
    with pytest.raises(BlastRadius, match="ceiling is 1"):
        check_place(begun.plan, low, utc_now())


def test_a_plan_from_the_future_is_refused(begun):
    """Its clock, or its author, is wrong."""
    early = begun.plan.created_at.replace(year=begun.plan.created_at.year - 1)
    with pytest.raises(StalePlan, match="will be made"):
        check_place(begun.plan, begun.ws.resolved, early)


@pytest.mark.parametrize("lie", [{"idle_only": False}, {"in_use": 1_000_000}])
def test_a_plan_that_lies_about_who_is_spared_is_refused(begun, lie):
    """What the screen says of desktops in use follows from the request and the targets."""
    item = begun.plan.items[0].model_copy(update=lie)
    forged = begun.plan.model_copy(update={"items": (item, *begun.plan.items[1:])})
    forged = forged.model_copy(update={"digest": forged.computed_digest()})
    with pytest.raises(PlanError, match="is not what its item says"):
        read_plan(json.dumps(forged.as_json()))


def test_a_refusal_is_final_also_when_its_end_was_not_written(begun, sim, monkeypatch):
    """A 403 is journalled, the process dies before the verdict: resume does not send again."""
    sim.cloud.faults.add("error", operation=REBUILD, times=1, args={"status": 403})
    monkeypatch.setattr(begun.journal, "end_item", _die)
    with pytest.raises(KeyboardInterrupt):
        drain(begun.apply())
    monkeypatch.undo()
    drain(begun.resume(go_on=True))

    assert begun.journal.items(begun.run.run_id)[0].verdict == "rejected"
    assert len(list(sim.ledger.entries(REBUILD))) == 1


def _die(*_args, **_kwargs):
    raise KeyboardInterrupt


def test_a_list_of_jobs_that_does_not_stand_still_is_no_evidence(begun, monkeypatch):
    """An empty list that changed while it was read is not an empty look."""
    from wsops.listing import Listing
    from wsops.readings import rebuild_sub_jobs

    monkeypatch.setattr(begun.ws, "sub_jobs", lambda **_: Listing((), 0, steady=False))
    with pytest.raises(BadAnswer):
        rebuild_sub_jobs(begun.ws, begun.plan.items[0].pool_id)


def test_a_job_of_the_console_on_named_desktops_is_not_taken_for_ours(begun, sim):
    """Our request is late; somebody rebuilds one of its desktops by hand meanwhile."""
    target = begun.plan.items[0].targets[0]
    item = begun.plan.items[0]
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    row = lost(begun, sim)
    body = {"desktop_ids": [target.desktop_id], "image_type": "private", "image_id": item.image_id}
    path = f"/v2/{begun.ws.project_id}/desktops/rebuild"
    answer = begun.ws.send(path, json.dumps(body).encode())
    assert answer.document["job_id"]
    Timing().sleep(0.2)
    drain(begun.resume())

    assert begun.journal.item(row.item_id).state == "unknown"


@pytest.mark.parametrize("login", ["", "CONNECTED"])
def test_a_wiped_desktop_is_not_called_left_in_use(begun, monkeypatch, login):
    """Where the job names no desktops, who is logged in now proves nothing."""
    from wsops.listing import Listing

    item = begun.plan.items[0]
    targets = {
        t.desktop_id: {
            "name": "",
            "user": "",
            "image_id": t.image_id,
            "in_use": False,
            "off": False,
        }
        for t in item.targets
    }
    row = begun.journal.items(begun.run.run_id)[0].model_copy(update={"targets": targets})
    rows = tuple(
        Desktop.model_validate(
            {
                "desktop_id": t.desktop_id,
                "login_status": login,
                "metadata": {"metering.image_id": item.image_id},
            }
        )
        for t in item.targets
    )
    monkeypatch.setattr(
        begun.ws, "pool_desktops", lambda *_a, **_k: Listing(rows, len(rows), steady=True)
    )
    nameless = {"status": "FAILED", "error_code": "WKS.9", "entities": {}}
    job = Job.model_validate({"id": "j", "status": "COMPLETE", "sub_jobs": [nameless]})
    ends = read_back(begun.ws, item, row, job, Timing(), all_here=True)

    assert {end.state for end in ends.values()} == {"unknown"}
    assert of_desktops(ends)[0] == "partial"


def test_a_throttled_answer_of_the_service_itself_is_ambiguous():
    """A 429 with a code of the backend, or with a job, passed the gateway."""
    from wsops.answers import Answer

    for body in (b'{"error_code": "WKS.429"}', b'{"job_id": "j1"}'):
        assert judge(Answer(429, body)).outcome is Outcome.AMBIGUOUS


def test_a_secret_in_a_reason_reaches_neither_journal_nor_table(begun, sim):
    """What the service says of a failed desktop is scrubbed before it is kept."""
    victims = [t.desktop_id for t in begun.plan.items[0].targets]
    reason = f"echo X-Auth-Token {sim.token}"
    sim.cloud.faults.add("desktop_fails", args={"desktop_ids": victims, "reason": reason})
    drain(begun.apply())

    ends = begun.journal.items(begun.run.run_id)[0].desktops
    assert ends
    assert not any(sim.token in end["reason"] for end in ends.values())


def test_a_file_of_somebody_else_is_not_touched_at_all(tmp_path):
    """Not its mode, not its bytes, not a file beside it."""
    notes = tmp_path / "notes.txt"
    notes.write_text("not a journal")
    notes.chmod(0o644)
    with pytest.raises(JournalError):
        Journal.open(str(notes))

    assert notes.read_text() == "not a journal"
    assert notes.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_with_a_question_mark_is_the_place_that_was_meant(tmp_path):
    """The path is no URL: nothing of it is cut off."""
    with Journal.open(str(tmp_path / "a?b" / "j.sqlite")) as journal:
        assert journal.runs() == ()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a?b"]


def test_a_journal_that_fails_after_a_send_never_says_that_nothing_was_sent(
    begun, sim, monkeypatch
):
    """The disk is full when the outcome is to be kept: the outcome is unknown, exit 3."""
    from wsops.errors import OutcomeUnknown

    def full(*_args, **_kwargs):
        msg = "the journal cannot be written: disk full"
        raise JournalError(msg)

    monkeypatch.setattr(begun.journal, "answered", full)
    with pytest.raises(OutcomeUnknown, match=r"could not be (followed|kept)") as caught:
        drain(begun.apply())

    assert caught.value.exit_code == 3
    assert len(sent(sim)) == 1
