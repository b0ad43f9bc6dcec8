"""The workbench: where one is, what is seen there, and what would be done about it."""

import json
import stat
from datetime import timedelta

import pytest

from wsops.action import carry_out
from wsops.choice import Choice
from wsops.errors import JournalError, PlanError, SettingsError
from wsops.journal import Journal
from wsops.keyboard import by_hand
from wsops.markup import style
from wsops.redact import leaks
from wsops.summary import MIME, read_summary
from wsops.workbench import local_now, open_workbench

ATTACK = "<script>alert(1)</script>\u202e\x1b[31m"


def card_of(desk):
    bundle = desk._repr_mimebundle_()
    return bundle["text/html"].replace(f"<style>{style()}</style>", "")


def differing(seen):
    return tuple(dict.fromkeys(row.pool_id for row in seen.mismatches))


def applied(desk):
    proposal = desk.propose(Choice(), differing(desk.audit())[:1])
    item = proposal.plan.items[0]
    number = proposal.plan.desktops
    return carry_out(desk, proposal, apply=True, max_desktops=number, expect_images=item.image_id)


def test_by_hand_means_that_jupyterlab_says_so(monkeypatch):
    """An empty variable is none."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert not by_hand()
    monkeypatch.setenv("JPY_SESSION_NAME", "")
    assert not by_hand()
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    assert by_hand()
    assert local_now().utcoffset() is not None


def test_it_connects_by_the_environment(sim, monkeypatch):
    """As the command line does; without settings it says what to set."""
    with pytest.raises(SettingsError):
        open_workbench()
    for name in ("endpoint", "iam_endpoint", "project_id", "token"):
        monkeypatch.setenv(f"WSOPS_{name.upper()}", getattr(sim, name))
    desk = open_workbench("", "CHG-1")
    with desk.ws:
        assert len(desk.audit().pools) == 4
    assert desk.summary().change == "CHG-1"
    with pytest.raises(SettingsError, match="profile 'nowhere'"):
        open_workbench("nowhere")


def test_its_card_says_where_one_is(calm, bench):
    """SIMULATOR, project, profile and person; no journal is made by looking."""
    sim = calm()
    desk = bench(sim)
    page = card_of(desk)

    for words in ("SIMULATOR", sim.project_id, "profile default", "tester", "connected"):
        assert words in page
    assert not leaks(str(desk._repr_mimebundle_()))
    with pytest.raises(JournalError, match="nothing was applied yet"), desk.journal():
        pass
    with desk.journal_to_read() as journal:
        assert journal is None
    said = desk._repr_mimebundle_()[MIME]
    assert (said["kind"], said["ended_at"]) == ("connect", None)
    assert leaks(sim.token)


def test_its_card_names_the_runs_that_are_not_finished(calm, bench):
    """How each stands, and what to type."""
    sim = calm()
    sim.cloud.faults.add("cut", operation="RebuildDesktopPool", times=1)
    desk = bench(sim)
    run_id = applied(desk).run_id

    assert f"{run_id} is unknown" in card_of(desk)
    assert f"wsops resume {run_id}" in card_of(desk)
    assert desk.looked_back(desk.past()).notes == desk.unfinished()


def test_an_audit_counts_and_names_what_differs(calm, bench):
    """All pools, some of them, or none that matches; the summary in words and numbers."""
    desk = bench(calm())
    seen = desk.audit()
    said = desk.audited(seen)
    one = desk.audit(seen.pools[0].name)

    assert len(one.pools) == 1
    assert desk.audit(" , ").pools == desk.audit("*").pools == seen.pools
    assert said.counts["mismatches"] == len(seen.mismatches)
    assert said.headline.startswith(f"{len(seen.mismatches)} of {seen.desktops} desktops do not")
    assert said.verdict == "done"
    assert said.next == ("wsops plan repair -o plan.json",)
    with pytest.raises(PlanError, match="no pool matches 'nothing-\\*'"):
        desk.audit("nothing-*")
    assert [image.name for image in desk.images()] == sorted(i.name for i in desk.images())


def test_a_pool_that_could_not_be_read_makes_an_audit_partial(calm, bench):
    """It is named in the notes."""
    sim = calm()
    desk = bench(sim)
    bad = next(iter(sim.cloud.pools.values()))
    sim.cloud.faults.add(
        "error",
        operation="ListPoolDesktopsDetail",
        match={"pool_id": bad.id},
        args={"status": 400, "code": "WKS.1", "message": "no"},
    )
    said = desk.audited(desk.audit(full=True))

    assert said.verdict == "partial"
    assert bad.name in said.notes[0]


def test_an_empty_fleet_is_no_error(fleet, bench):
    """No pool: an audit of nothing, a proposal of nothing, a summary that says so."""
    desk = bench(fleet(pools=0))
    seen = desk.audit()
    said = desk.audited(seen)

    assert (seen.pools, said.counts["pools"], said.verdict) == ((), 0, "done")
    assert said.headline == "0 of 0 desktops do not run their pool's image"
    assert said.next == ()
    assert desk.propose(Choice(), ()).fine
    assert desk.since(seen) == {}
    assert desk.looked_back(desk.past()).counts == {
        "runs": 0,
        "pools sent": 0,
        "recorded audits": 0,
    }


def test_recorded_audits_say_since_when(calm, bench, tmp_path):
    """Of this place only; the journal is private."""
    sim = calm()
    desk = bench(sim)
    seen = desk.audit()
    first = seen.model_copy(update={"taken_at": seen.taken_at - timedelta(days=3)})
    desk.record(first)
    desk.record(seen)

    assert set(desk.since(seen)) == {row.desktop_id for row in seen.mismatches}
    assert set(desk.since(seen).values()) == {first.taken_at}
    assert len(desk.past().audits) == 2
    assert bench(sim, project_id="another").since(seen) == {}
    assert stat.S_IMODE((tmp_path / "journal.sqlite").stat().st_mode) == 0o600


def test_a_proposal_is_the_plan_of_a_choice(calm, bench):
    """Over the chosen pools, with the change of the workbench unless the choice has its own."""
    desk = bench(calm(), change="CHG-1")
    pools = differing(desk.audit())
    plan = desk.propose(Choice(message="save"), pools[:2]).plan
    own = desk.propose(Choice(change="CHG-2"), pools[:1]).plan

    assert {item.pool_id for item in plan.items} == set(pools[:2])
    assert (plan.change, own.change) == ("CHG-1", "CHG-2")
    assert json.loads(plan.items[0].body)["message"] == "save"


def test_a_proposal_to_rebuild_takes_the_image_that_was_picked(calm, bench):
    """For any image, or by the one a pool has."""
    desk = bench(calm())
    pool = desk.audit().pools[0]
    whole = desk.propose(Choice(kind="rebuild"), (pool.id,), {"*": pool.image_id})
    mapped = desk.propose(Choice(kind="rebuild"), (pool.id,), {"other": pool.image_id})

    assert whole.kind == mapped.kind == "rebuild"
    assert (whole.plan is None) == (not desk.audit(pool.id).mismatches)
    assert mapped.plan is None
    assert "no new image is given" in mapped.reason
    with pytest.raises(PlanError, match="a rebuild needs an image"):
        desk.propose(Choice(kind="rebuild"), (pool.id,))


def test_what_could_not_be_read_is_not_called_fine(calm, bench):
    """A pool that cannot be read may hold the only desktops that differ."""
    sim = calm()
    desk = bench(sim)
    desk.ws._sleep = lambda _: None
    behind = differing(desk.audit())
    for pool_id in behind:
        where = {"operation": "ListPoolDesktopsDetail", "match": {"pool_id": pool_id}}
        sim.cloud.faults.add("error", args={"status": 500}, **where)
    seen = desk.audit()
    asked, chosen = desk.propose(Choice(), tuple(behind)), desk.propose(Choice(), ())

    assert {*seen.unread} == {*behind}
    assert not differing(seen)
    assert not asked.fine
    assert "could not be read" in asked.reason
    assert not chosen.fine
    said = carry_out(desk, chosen, apply=False).summary()
    assert said.verdict == "skipped"
    assert said.notes == seen.notes


def test_a_pool_that_could_not_be_read_is_named_in_the_plan(calm, bench):
    """The others are planned; it is skipped, and the plan says so."""
    sim = calm()
    desk = bench(sim)
    desk.ws._sleep = lambda _: None
    first, *others = differing(desk.audit())
    where = {"operation": "ListPoolDesktopsDetail", "match": {"pool_id": first}}
    sim.cloud.faults.add("error", args={"status": 500}, **where)
    plan = desk.propose(Choice(), (first, *others)).plan

    assert {item.pool_id for item in plan.items} == {*others}
    assert [(one.pool_id, one.reason) for one in plan.skipped] == [(first, "it could not be read")]


def test_pools_that_are_fine_are_nothing_to_do(calm, bench):
    """Parameters that name pools without mismatch: fine, and said in words."""
    sim = calm()
    desk = bench(sim)
    seen = desk.audit()
    fine = [pool.id for pool in seen.pools if pool.id not in differing(seen)]
    proposal = bench(calm(mismatch=0)).propose(Choice(), (seen.pools[0].id,))

    assert (proposal.plan, proposal.fine) == (None, True)
    assert "nothing to repair" in proposal.reason
    assert fine == [] or desk.propose(Choice(), tuple(fine)).fine


def test_a_limit_is_refused_before_anything_is_read(calm, bench):
    """As the form said."""
    sim = calm()
    desk = bench(sim)
    before = len(sim.ledger)

    with pytest.raises(PlanError, match="delay_time 99"):
        desk.propose(Choice(delay_time=99), ("p",))
    assert len(sim.ledger) == before


def test_a_pool_that_is_gone_is_an_error(calm, bench):
    """Between the audit and the proposal someone deleted it."""
    with pytest.raises(PlanError, match="no pool matches"):
        bench(calm()).propose(Choice(), ("deleted-pool",))


def test_a_pool_named_like_the_id_of_another_is_not_taken_along(calm, bench):
    """The chosen pool alone may be touched, whatever others are called."""
    sim = calm(mismatch=0.9)
    first, second, *_ = sim.cloud.pools.values()
    second.row["name"] = first.id
    desk = bench(sim)

    with pytest.raises(PlanError, match="not chosen, but named like the ID"):
        desk.propose(Choice(), (first.id,))
    assert {i.pool_id for i in desk.propose(Choice(), (second.id,)).plan.items} == {second.id}


def test_what_was_done_here_is_the_past(calm, bench):
    """Counted in the summary that looks back."""
    desk = bench(calm())
    applied(desk)
    said = desk.looked_back(desk.past())

    assert said.headline == "1 run in the journal"
    assert said.counts == {"runs": 1, "pools sent": 1, "recorded audits": 0}
    assert read_summary([{"outputs": [{"data": said._repr_mimebundle_()}]}]) == said


def test_hostile_places_and_names_stay_text(calm, bench):
    """In the card, in the audit's summary and in what could not be done."""
    sim = calm()
    for pool in sim.cloud.pools.values():
        pool.row["name"] = ATTACK
    sim.cloud.faults.add(
        "error",
        operation="ListPoolDesktopsDetail",
        args={"status": 400, "code": "WKS.1", "message": ATTACK},
    )
    desk = bench(sim, operator=ATTACK, change=ATTACK)
    faces = [desk, desk.audited(desk.audit(full=True))]

    for face in faces:
        bundle = face._repr_mimebundle_()
        page = bundle["text/html"].replace(style(), "")
        assert "<script" not in page
        assert not set("\u202e\x1b") & set(page + bundle["text/plain"])
        assert "\\u202e" in page


def test_a_journal_of_another_program_is_an_error(calm, bench, tmp_path):
    """It is not taken for an empty one."""
    (tmp_path / "journal.sqlite").write_text("not a database at all, but long enough to be one")
    with pytest.raises(JournalError):
        bench(calm()).unfinished()
    with pytest.raises(JournalError):
        Journal.open(str(tmp_path / "journal.sqlite"))
