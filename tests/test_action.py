"""What a notebook does about a proposal: nothing without apply, once when it is approved."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from wsops import locks
from wsops.action import carry_out, take_up
from wsops.choice import Choice
from wsops.errors import (
    BlastRadius,
    CloudError,
    JournalError,
    NotApproved,
    PlanError,
    PlanExpired,
    PlanUsed,
    StalePlan,
)
from wsops.forms import Confirmation, JobBoard
from wsops.outcome import run_key
from wsops.preview import Proposal
from wsops.redact import leaks

REBUILD = "RebuildDesktopPool"


def rebuilds(sim):
    return list(sim.ledger.entries(REBUILD))


def pools_with_mismatch(bench):
    return tuple(dict.fromkeys(m.pool_id for m in bench.audit().mismatches))


def repair(bench, *, most=None):
    """Give the proposal to repair the first `most` pools with mismatches."""
    return bench.propose(Choice(), pools_with_mismatch(bench)[:most])


def numbers(proposal, **changed):
    """Give the parameters that approve a proposal, some of them changed."""
    images = ",".join(sorted({item.image_id for item in proposal.plan.items}))
    given = {"max_desktops": proposal.plan.desktops, "expect_images": images}
    return {"apply": True} | given | changed


def confirm(action, words=None):
    """Type the words that confirm, and click."""
    plan, form = action.plan, action.form
    form._words.value = words or f"{plan.profile} {plan.desktops}"
    form._button.click()
    return form


def finished(form):
    assert form.shown is not None, form.problem
    assert form.shown.drive.join(20)
    return form.shown.drive


def events(folder):
    """Count what the journal has written down."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as database:
        return database.execute("SELECT count(*) FROM events").fetchone()


@pytest.mark.parametrize("person", [True, False])
def test_without_apply_nothing_is_sent_whatever_is_approved(calm, bench, monkeypatch, person):
    """The guard of every notebook: a plan is shown, no request leaves, no journal is made."""
    if person:
        monkeypatch.setenv("JPY_SESSION_NAME", "n.ipynb")
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk)
    action = carry_out(desk, proposal, **numbers(proposal, apply=False))

    assert action.form is None
    assert action.summary().verdict == "planned"
    assert "apply is False" in action.summary().headline
    assert action.summary().digest == proposal.plan.digest
    assert (action.rows(), action.tables(), action.run_id) == ((), (), "")
    assert rebuilds(sim) == []


@pytest.mark.parametrize("apply", ["False", "true", 1, 0, None, ""])
def test_an_apply_that_is_neither_true_nor_false_is_refused(calm, bench, apply):
    """A raw parameter is text, and the text "False" is true to Python: it must never send."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk)

    with pytest.raises(PlanError, match="neither True nor False"):
        carry_out(desk, proposal, **numbers(proposal, apply=apply))
    assert rebuilds(sim) == []


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"max_desktops": 0, "expect_images": ""}, NotApproved),
        ({"expect_images": ""}, NotApproved),
        ({"expect_images": " , "}, NotApproved),
        ({"max_desktops": 0}, NotApproved),
        ({"expect_images": "another-image"}, NotApproved),
        ({"max_desktops": 0, "expect_images": "another-image"}, NotApproved),
        ({"max_desktops": 1}, BlastRadius),
        ({"max_desktops": 1, "expect_images": ""}, BlastRadius),
        ({"max_desktops": -3}, BlastRadius),
        ({"expect_images": "eng-01="}, PlanError),
    ],
)
def test_headless_only_the_right_numbers_apply(calm, bench, changed, error):
    """Without a number, without or with another image, or with too few desktops nothing leaves."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk)

    with pytest.raises(error):
        carry_out(desk, proposal, **numbers(proposal, **changed))
    assert rebuilds(sim) == []
    assert desk.past().runs == ()


def test_headless_the_approved_plan_is_carried_out_once(calm, bench):
    """It returns when the run has ended; the same plan is shown, not sent, when asked again."""
    sim = calm()
    desk = bench(sim, change="CHG-7")
    proposal = repair(desk)
    action = carry_out(desk, proposal, **numbers(proposal))
    said = action.summary()

    assert (said.verdict, said.kind, said.change) == ("done", "repair", "CHG-7")
    assert said.counts == {"pools": len(proposal.plan.items), "done": proposal.plan.desktops}
    assert said.run_id == f"run-{proposal.plan.plan_id}"
    assert said.next == (f"wsops handover {said.run_id}",)
    again = carry_out(desk, proposal, **numbers(proposal))
    assert isinstance(again.form, JobBoard)
    assert again.summary().verdict == "done"
    assert len(rebuilds(sim)) == len(proposal.plan.items)


def test_a_plan_that_was_applied_elsewhere_is_not_applied_again(calm, bench, fresh_kernel):
    """Another kernel with the same plan is refused by the journal."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk, most=1)
    carry_out(desk, proposal, **numbers(proposal))
    fresh_kernel()

    with pytest.raises(PlanUsed):
        carry_out(bench(sim), proposal, **numbers(proposal))
    assert len(rebuilds(sim)) == 1


def test_nothing_to_do_is_fine_or_not(calm, fleet, bench):
    """All as wanted is done; all skipped is skipped, with the reasons."""
    fine = bench(calm(mismatch=0))
    assert fine.propose(Choice(), ()).fine
    assert carry_out(fine, fine.propose(Choice(), ()), apply=True).summary().verdict == "done"
    sim = fleet(region="old")
    for desktop in sim.cloud.desktops.values():
        sim.cloud.set_login(desktop.id, "CONNECTED")
    busy = bench(sim)
    said = carry_out(busy, repair(busy), apply=True).summary()

    assert said.verdict == "skipped"
    assert "in use" in said.headline
    assert rebuilds(sim) == []


def test_the_summary_of_nothing_says_what_was_asked_for(calm, bench):
    """A rebuild for which no pool was chosen is a rebuild, not a repair."""
    desk = bench(calm())
    choice = Choice(kind="rebuild", image_map={"*": "image"})

    assert carry_out(desk, desk.propose(choice, ()), apply=True).summary().kind == "rebuild"


@pytest.mark.parametrize(
    ("late", "elsewhere", "error"),
    [(timedelta(hours=13), "", PlanExpired), (timedelta(0), "http://127.0.0.1:9", StalePlan)],
)
def test_a_plan_too_old_or_of_another_place_does_not_start(calm, bench, late, elsewhere, error):
    """The plan is checked again when it is applied, by hand and headless."""
    sim = calm()
    desk = bench(sim)
    plan = repair(desk).plan
    changed = {"created_at": plan.created_at - late, "expires_at": plan.expires_at - late}
    stale = plan.model_copy(update=changed | ({"endpoint": elsewhere} if elsewhere else {}))

    with pytest.raises(error):
        carry_out(desk, Proposal(stale), **numbers(Proposal(stale)))
    assert rebuilds(sim) == []


def test_a_fleet_that_changed_since_the_plan_is_refused_pool_by_pool(calm, bench):
    """A stale plan starts, and the pool that is not as approved gets no request."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk)
    item = proposal.plan.items[0]
    sim.cloud.set_desktop_image(item.targets[0].desktop_id, item.image_id)
    action = carry_out(desk, proposal, **numbers(proposal))

    assert action.rows()[0].verdict == "refused"
    assert item.pool_id not in {entry.pool_id for entry in rebuilds(sim)}


def test_by_hand_it_waits_for_the_words_and_runs_in_the_background(calm, bench, by_hand):
    """Asked for, a form comes; confirmed, a board; ended, the summary has the verdict."""
    sim = calm()
    desk = bench(sim)
    action = carry_out(desk, repair(desk), apply=True)

    assert isinstance(action.form, Confirmation)
    assert (action.run_id, action.summary().verdict) == ("", "planned")
    assert "waiting for the confirmation" in action.summary().headline
    drive = finished(confirm(action))
    assert drive.error is None
    assert action.summary().verdict == "done"
    assert len(rebuilds(sim)) == len(action.plan.items)
    assert [table.caption for table in action.tables()] == ["Pools of the run"]


@pytest.mark.parametrize("words", ["", "default", "DEFAULT 1", "default 100000", "yes", "\x00"])
def test_by_hand_other_words_send_nothing_and_may_be_typed_again(calm, bench, by_hand, words):
    """A mistyped confirmation says so, leaves the button usable, and the right words then act."""
    sim = calm()
    desk = bench(sim)
    action = carry_out(desk, repair(desk, most=1), apply=True)
    form = confirm(action, words or " ")

    assert (form.value, form.shown, form._button.disabled) == ("", None, False)
    assert form.problem
    assert form.problem.split(";")[0] in action.summary().headline
    assert rebuilds(sim) == []
    finished(confirm(action))
    assert (form.problem, len(rebuilds(sim))) == ("", 1)


def test_by_hand_the_numbers_bind_as_well(calm, bench, by_hand):
    """Where a person runs a notebook with approved numbers, a plan beyond them is refused."""
    sim = calm()
    desk = bench(sim)
    with pytest.raises(BlastRadius):
        carry_out(desk, repair(desk), apply=True, max_desktops=1)
    with pytest.raises(NotApproved):
        carry_out(desk, repair(desk), apply=True, expect_images="another-image")
    assert rebuilds(sim) == []


def test_clicks_from_several_threads_start_one_run(calm, bench, by_hand):
    """Callbacks come on subshell threads too: one run, one request a pool."""
    sim = calm()
    desk = bench(sim)
    action = carry_out(desk, repair(desk), apply=True)
    plan, form = action.plan, action.form
    form._words.value = f"{plan.profile} {plan.desktops}"
    together = threading.Barrier(6)

    def click():
        together.wait()
        form._button.click()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    form._button.click()
    finished(form)

    assert form._button.disabled
    assert len(desk.past().runs) == 1
    assert sorted(entry.pool_id for entry in rebuilds(sim)) == sorted(
        item.pool_id for item in plan.items
    )


def test_two_forms_of_the_same_plan_start_one_run(calm, bench, by_hand):
    """The cell was run twice: the second form says that the plan was applied."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk)
    first, second = (carry_out(desk, proposal, apply=True) for _ in range(2))
    finished(confirm(first))
    form = confirm(second)

    assert "was applied as" in form.problem
    assert len(rebuilds(sim)) == len(proposal.plan.items)
    assert isinstance(carry_out(desk, proposal, apply=True).form, JobBoard)


def test_a_journal_that_cannot_be_written_stops_before_anything_is_sent(calm, bench, tmp_path):
    """Headless it is an error; nothing was sent, and nothing is said to have been."""
    (tmp_path / "file").write_text("")
    sim = calm()
    desk = bench(sim, journal=str(tmp_path / "file" / "journal.sqlite"))
    proposal = repair(desk)

    with pytest.raises(JournalError):
        carry_out(desk, proposal, **numbers(proposal))
    assert rebuilds(sim) == []


def test_by_hand_an_unwritable_journal_is_said_and_may_be_mended(calm, bench, by_hand, tmp_path):
    """The form keeps its button; once the place is free the same click works, once."""
    (tmp_path / "file").write_text("")
    sim = calm()
    desk = bench(sim, journal=str(tmp_path / "file" / "journal.sqlite"))
    action = carry_out(desk, repair(desk, most=1), apply=True)
    form = confirm(action)

    assert (form.value, form._button.disabled, rebuilds(sim)) == ("", False, [])
    assert "journal" in form.problem
    assert action.summary().verdict == "planned"
    (tmp_path / "file").unlink()
    finished(confirm(action))
    assert len(rebuilds(sim)) == 1


def test_the_service_gone_in_the_middle_leaves_a_run_to_take_up(calm, bench, by_hand):
    """Its job cannot be read: the run is running, nothing more is sent, another look ends it."""
    sim = calm()
    desk = bench(sim, polling={"base_deadline": 0.2, "per_desktop": 0})
    desk.ws._sleep = lambda _: None
    action = carry_out(desk, repair(desk), apply=True)
    sim.cloud.faults.add("cut", operation="ShowJob")
    drive = finished(confirm(action))

    assert (drive.error, action.summary().verdict) == (None, "running")
    assert action.summary().next[0] == f"wsops resume {action.run_id}"
    assert len(rebuilds(sim)) == 1
    sim.cloud.faults.clear()
    sim.cloud.advance(3600)  # its job has ended by then, however busy this machine is
    again = take_up(desk)
    assert again.form.drive.join(20)
    assert again.rows()[0].verdict == "done"
    assert len(rebuilds(sim)) == 1


def test_a_run_that_cannot_be_driven_on_says_why(calm, bench, by_hand, tmp_path):
    """A record that was tampered with ends the drive: the board has the error and the remedy."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    desk = bench(sim)
    finished(confirm(carry_out(desk, repair(desk), apply=True)))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as database, database:
        database.execute("UPDATE runs SET plan = replace(plan, 'is_fix', 'is_fax')")
    board = take_up(desk).form

    assert board.drive.join(10)
    assert isinstance(board.drive.error, JournalError)
    assert "is damaged" in board.html()
    assert board.drive.error.remedy in board.html()
    assert f"wsops resume {board.drive.run_id}" in board.html()
    assert board.widget.children == (board._page,)
    assert len(rebuilds(sim)) == 1


def test_a_lost_answer_is_unknown_with_the_next_command(calm, bench):
    """Nobody knows: the desktops are listed as unknown, and what to type is said."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    desk = bench(sim)
    proposal = repair(desk)
    action = carry_out(desk, proposal, **numbers(proposal))
    said = action.summary()

    assert said.verdict == "unknown"
    assert len(said.unknown) == len(proposal.plan.items[0].targets)
    assert {one.state for one in said.unknown} == {"unknown"}
    assert said.help == ()
    assert said.next[0] == f"wsops resume {action.run_id}"
    assert f"wsops resume {action.run_id}" in said._repr_mimebundle_()["text/html"]
    assert len(rebuilds(sim)) == 1


def test_a_failed_desktop_is_in_need_of_help(calm, bench):
    """Its user and its reason are in the summary, and the verdict is not done."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk, most=1)
    victim = proposal.plan.items[0].targets[0]
    sim.cloud.faults.add(
        "desktop_fails", args={"desktop_ids": [victim.desktop_id], "code": "WKS.7"}
    )
    action = carry_out(desk, proposal, **numbers(proposal))
    said = action.summary()

    assert [one.desktop for one in said.help] == [victim.desktop_name]
    assert "WKS.7" in said.help[0].reason
    assert said.verdict in {"partial", "failed"}
    assert "wsops plan repair" in said.next[0]
    assert [table.caption for table in action.tables()] == ["Pools of the run", "Who needs help"]


def test_taking_up_sends_nothing_and_leaves_an_ended_run_as_it_is(
    calm, bench, fresh_kernel, tmp_path
):
    """Looking at a finished run by name changes nothing of its record."""
    sim = calm()
    desk = bench(sim)
    assert "nothing to follow" in take_up(desk).summary().headline
    with pytest.raises(JournalError, match="no journal"):
        take_up(desk, "run-0")
    proposal = repair(desk, most=1)
    done = carry_out(desk, proposal, **numbers(proposal))
    fresh_kernel()
    before = events(tmp_path)
    action = take_up(desk, done.run_id)

    assert (action.form, action.summary().verdict) == (None, "done")
    assert events(tmp_path) == before
    assert take_up(desk).run_id == done.run_id
    with pytest.raises(JournalError, match="no run 'run-0'"):
        take_up(desk, "run-0")
    assert len(rebuilds(sim)) == 1


def test_a_run_of_another_place_is_not_taken_up(calm, bench):
    """Pools of two places may bear the same IDs."""
    sim = calm()
    desk = bench(sim)
    proposal = repair(desk, most=1)
    done = carry_out(desk, proposal, **numbers(proposal))
    other = bench(sim, project_id="another-project")

    with pytest.raises(JournalError, match="you are elsewhere"):
        take_up(other, done.run_id)
    assert other.past().runs == ()
    assert other.unfinished() == ()


@pytest.mark.parametrize("person", [True, False])
def test_a_run_that_another_process_drives_is_not_taken_up(calm, bench, monkeypatch, person):
    """Its lock is held: by hand the board says by whom, headless it is an error."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    desk = bench(sim)
    proposal = repair(desk, most=1)
    lost = carry_out(desk, proposal, **numbers(proposal))
    if person:
        monkeypatch.setenv("JPY_SESSION_NAME", "n.ipynb")
    with locks.held(*run_key(desk.past().runs[0]), what="run"):
        assert lost.summary().verdict == "running"
        if person:
            board = take_up(desk).form
            assert board.drive.join(10)
            assert "is held by process" in board.html()
        else:
            with pytest.raises(JournalError, match="is held by process"):
                take_up(desk)
    assert len(rebuilds(sim)) == 1


@pytest.mark.parametrize("person", [True, False])
def test_after_a_restart_of_the_kernel_the_run_is_found_and_ended(
    calm, bench, fresh_kernel, monkeypatch, person
):
    """A new workbench on the same journal names the run, and follows it without sending."""
    monkeypatch.setenv("JPY_SESSION_NAME", "n.ipynb")
    sim = calm(desktop_seconds=(900, 900))
    desk = bench(sim)
    action = carry_out(desk, repair(desk, most=2), apply=True)
    form = confirm(action)
    while not rebuilds(sim) or not action.rows()[0].job_id:
        assert not form.shown.drive.join(0.02)
    form.shown._detach.click()
    finished(form)
    assert "detached" in form.html()
    fresh_kernel()
    if not person:
        monkeypatch.delenv("JPY_SESSION_NAME")
    later = bench(sim)
    assert action.run_id in later.unfinished()[0]
    again = take_up(later)
    assert not person or again.form.drive.join(20)

    assert again.run_id == action.run_id
    assert again.rows()[0].verdict == "done"
    assert again.rows()[1].state == "planned"
    assert len(rebuilds(sim)) == 1


def test_a_proposal_that_cannot_be_read_is_an_error_of_the_cloud(calm, bench):
    """The service is gone while the form is open: the next cell says so."""
    sim = calm()
    desk = bench(sim)
    pools = pools_with_mismatch(desk)
    desk.ws._sleep = lambda _: None
    sim.cloud.faults.add("error", args={"status": 503, "code": "WKS.1", "message": "gone"})

    with pytest.raises(CloudError) as caught:
        desk.propose(Choice(), pools)
    assert caught.value._render_traceback_()[1].startswith("to do: ")


def test_no_face_of_an_action_has_a_secret(calm, bench, by_hand):
    """Form, board, summary and nothing-to-do: the token is in none of them."""
    sim = calm()
    desk = bench(sim)
    action = carry_out(desk, repair(desk), apply=True)
    faces = [action._repr_mimebundle_(), action.summary()._repr_mimebundle_()]
    finished(confirm(action))
    faces += [carry_out(desk, desk.propose(Choice(), ()), apply=True)._repr_mimebundle_()]
    faces += [action._repr_mimebundle_(), action.summary()._repr_mimebundle_()]
    faces += [desk._repr_mimebundle_(), *(t._repr_mimebundle_() for t in action.tables())]

    assert leaks(sim.token)
    assert [face for face in faces if leaks(str(face))] == []
