"""What comes after a send: jobs, unknown outcomes settled, and a plan for what failed."""

import pytest

from wsops import locks
from wsops.action import carry_out
from wsops.choice import Choice
from wsops.errors import JournalError, NotAllowed, PlanError, WsopsError
from wsops.failures import failures_of
from wsops.following import jobs_of, propose_again, settle_where_asked, unsettled
from wsops.outcome import to_follow

REBUILD = "RebuildDesktopPool"


@pytest.fixture
def ran(bench):
    """Give a function that repairs a fleet with some desktops failing, and gives bench and rows.

    It fails the first `failing` desktops of the first pool.
    """

    def run(sim, *, failing=0, **overrides):
        desk = bench(sim, **overrides)
        pools = tuple(dict.fromkeys(m.pool_id for m in desk.audit().mismatches))
        proposal = desk.propose(Choice(), pools[:1])
        targets = [one.desktop_id for one in proposal.plan.items[0].targets][:failing]
        if targets:
            fault = {"desktop_ids": targets, "code": "WKS.00010034", "reason": "no capacity"}
            sim.cloud.faults.add("desktop_fails", args=fault)
        images = proposal.plan.items[0].image_id
        number = proposal.plan.desktops
        carry_out(desk, proposal, apply=True, max_desktops=number, expect_images=images)
        sim.cloud.faults.clear()
        return desk, rows_of(desk)

    return run


@pytest.fixture
def lost(calm, ran):
    """Give a bench and the item of a request whose answer was lost before it was executed."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    desk, rows = ran(sim)
    return sim, desk, rows[0]


def rows_of(desk):
    with desk.journal() as journal:
        return journal.items(to_follow(journal, desk.settings).run_id)


def rebuilds(sim):
    return list(sim.ledger.entries(REBUILD))


def test_without_a_journal_nothing_is_made(calm, bench, tmp_path):
    """Looking never writes; a job that is named has to be known."""
    desk = bench(calm())
    with pytest.raises(JournalError, match="there is no journal"):
        propose_again(desk, (), (), "job-1")
    with pytest.raises(JournalError, match="there is no journal"):
        settle_where_asked(desk, "i-1", not_sent=True, evidence="x", apply=True)
    assert not (tmp_path / "journal.sqlite").exists()


def test_jobs_come_with_all_their_sub_jobs_and_forgotten_ones_not_at_all(calm, ran):
    """A job that the service knows no more is left out; bad credentials are an error."""
    sim = calm()
    desk, rows = ran(sim)
    [job] = jobs_of(desk, rows)
    assert {sub.desktop_id for sub in job.sub_jobs} == set(rows[0].targets)
    assert jobs_of(desk, [rows[0].model_copy(update={"job_id": None})]) == ()
    sim.cloud.faults.add("job_missing", operation="ShowJob")
    assert jobs_of(desk, rows) == ()
    sim.cloud.faults.clear()
    sim.cloud.denied.add("ShowJob")

    with pytest.raises(NotAllowed):
        jobs_of(desk, rows)


def test_an_unknown_outcome_is_named_with_what_to_type(lost):
    """The pool, what is known, and both ways out of it."""
    _, desk, row = lost
    [line] = unsettled(rows_of(desk))

    assert row.pool_name in line
    assert "no new job" in line
    assert f"wsops resume {row.run_id}" in line
    assert f"wsops settle {row.item_id} --adopt JOB" in line


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"evidence": "e", "apply": True}, PlanError),
        ({"adopt": "job", "not_sent": True, "evidence": "e", "apply": True}, PlanError),
        ({"not_sent": True, "apply": True}, PlanError),
        ({"not_sent": True, "evidence": "  ", "apply": True}, PlanError),
        ({"not_sent": "False", "evidence": "e", "apply": True}, PlanError),
        ({"not_sent": True, "evidence": "e", "apply": "False"}, PlanError),
        ({"adopt": "job-of-nobody", "evidence": "e", "apply": True}, WsopsError),
    ],
)
def test_settling_takes_one_way_evidence_and_apply(lost, given, error):
    """Anything less changes nothing."""
    _, desk, row = lost
    with pytest.raises(error):
        settle_where_asked(desk, row.item_id, **given)
    assert rows_of(desk)[0].state == "unknown"


@pytest.mark.parametrize("given", [{"not_sent": True}, {"adopt": "job"}])
def test_without_apply_it_says_that_nothing_is_settled(lost, given):
    """As all of a notebook that would change something."""
    _, desk, row = lost
    said = settle_where_asked(desk, row.item_id, evidence="gateway log", apply=False, **given)

    assert said == f"{row.item_id} is not settled: apply is False"
    assert rows_of(desk)[0].state == "unknown"


def test_nothing_named_is_nothing_settled(lost):
    """The default parameters of the notebook."""
    _, desk, _ = lost
    assert settle_where_asked(desk, "", apply=True) == "no item is named, so none is settled"
    assert rows_of(desk)[0].state == "unknown"


def test_a_request_that_was_not_sent_is_settled_by_parameters(lost):
    """With apply, after enough empty looks; it may then be sent by a new plan."""
    sim, desk, row = lost
    said = settle_where_asked(desk, row.item_id, not_sent=True, evidence="gateway log", apply=True)

    assert said == f"{row.item_id} is planned now: its request never left"
    assert rows_of(desk)[0].state == "planned"
    assert len(rebuilds(sim)) == 1
    with pytest.raises(JournalError, match="only an unknown outcome"):
        settle_where_asked(desk, row.item_id, not_sent=True, evidence="again", apply=True)


def test_a_job_is_adopted_by_parameters(calm, ran):
    """Its job is followed from then on."""
    sim = calm(list_delay=86_400)
    sim.cloud.faults.add("lost", operation=REBUILD, times=1)
    desk, rows = ran(sim)
    job_id = next(iter(sim.cloud.jobs))
    said = settle_where_asked(desk, rows[0].item_id, adopt=job_id, evidence="console", apply=True)

    assert said == f"{rows[0].item_id} is accepted now: {job_id}"
    assert (rows_of(desk)[0].state, rows_of(desk)[0].job_id) == ("accepted", job_id)


def test_settling_waits_for_whoever_holds_the_pool(lost):
    """Two hands at one pool exclude each other."""
    _, desk, row = lost
    held = locks.held(row.endpoint, row.project_id, row.pool_id, what="pool")
    with held, pytest.raises(JournalError, match="is held by process"):
        settle_where_asked(desk, row.item_id, not_sent=True, evidence="e", apply=True)
    assert rows_of(desk)[0].state == "unknown"


def test_chosen_desktops_are_repaired_alone_where_the_region_takes_them(calm, ran):
    """The request names just these; of three that failed two are repaired."""
    sim = calm(mismatch=0.9)
    desk, rows = ran(sim, failing=3, features={"desktop_ids": True})
    failed = failures_of(desk.ws, rows)
    chosen = [one.desktop_id for one in failed][:2]
    plan = propose_again(desk, failed, chosen).plan

    assert len(failed) == 3
    assert [t.desktop_id for t in plan.items[0].targets] == sorted(chosen)
    assert len(plan.items) == 1
    assert plan.items[0].named
    assert not any("no single desktops" in note for note in plan.items[0].notes)
    images = plan.items[0].image_id
    again = propose_again(desk, failed, chosen)
    number = again.plan.desktops
    done = carry_out(desk, again, apply=True, max_desktops=number, expect_images=images)
    assert done.summary().counts == {"pools": 1, "done": 2}
    assert rebuilds(sim)[-1].body["desktop_ids"] == sorted(chosen)


@pytest.mark.parametrize("region", ["old", "new"])
def test_elsewhere_their_pools_are_repaired_and_the_others_named(calm, ran, region):
    """The plan says which desktops are recomposed besides those that were chosen."""
    sim = calm(mismatch=0.9, region=region)
    desk, rows = ran(sim, failing=3)
    failed = failures_of(desk.ws, rows)
    plan = propose_again(desk, failed, [failed[0].desktop_id]).plan
    [note] = [note for note in plan.items[0].notes if "no single desktops" in note]

    assert {t.desktop_id for t in plan.items[0].targets} == {one.desktop_id for one in failed}
    assert "desktop_ids" not in plan.items[0].body
    for one in failed[1:]:
        assert one.desktop in note
    assert failed[0].desktop not in note


def test_chosen_desktops_that_are_fine_by_now_are_left_alone(calm, ran):
    """Someone repaired them in the console: there is nothing to do, and nothing else is taken."""
    sim = calm(mismatch=0.9)
    desk, rows = ran(sim, failing=2, features={"desktop_ids": True})
    failed = failures_of(desk.ws, rows)
    row = rows[0]
    image = sim.cloud.pools[row.pool_id].image_id
    sim.cloud.set_desktop_image(failed[0].desktop_id, image)
    proposal = propose_again(desk, failed, [failed[0].desktop_id])

    assert proposal.plan is None
    assert "none of the chosen desktops differs and is free" in proposal.reason
    assert not proposal.fine


def test_nothing_chosen_is_nothing_proposed(calm, ran):
    """And a desktop that did not fail is no failure to repair."""
    desk, rows = ran(calm(mismatch=0.9), failing=1)
    failed = failures_of(desk.ws, rows)

    assert propose_again(desk, failed, ()).fine
    with pytest.raises(PlanError, match="not among the failed desktops: another-desktop"):
        propose_again(desk, failed, (failed[0].desktop_id, "another-desktop"))
    with pytest.raises(PlanError, match="not both"):
        propose_again(desk, failed, (failed[0].desktop_id,), "job-1")


def test_a_job_is_retried_over_its_failed_desktops(calm, ran, bench):
    """The pool comes from the journal, of this place only."""
    sim = calm(mismatch=0.9, retry_rebuilds=True)
    desk, rows = ran(sim, failing=2)
    failed = failures_of(desk.ws, rows)
    proposal = propose_again(desk, failed, (), rows[0].job_id)

    assert (proposal.kind, proposal.plan.kind) == ("retry", "retry")
    assert {t.desktop_id for t in proposal.plan.items[0].targets} == {
        one.desktop_id for one in failed
    }
    with pytest.raises(PlanError, match="does not know job"):
        propose_again(desk, failed, (), "job-of-nobody")
    with pytest.raises(PlanError, match="does not know job"):
        propose_again(bench(sim, project_id="another-project"), failed, (), rows[0].job_id)
