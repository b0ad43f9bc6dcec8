"""Attacks on notebooks that once worked: each sent, hid or said what it should not have."""

import math

import nbformat
import pytest

from wsops import aliases
from wsops.action import carry_out, take_up
from wsops.choice import Choice
from wsops.drive import begin, driven_here
from wsops.errors import PlanError, SettingsError
from wsops.forms import RebuildOptions
from wsops.injected import check_injected
from wsops.parameters import read_number
from wsops.report import Renderer, ending_of
from wsops.report.share import share
from wsops.settings import Limits
from wsops.summary import Summary

REBUILD = "RebuildDesktopPool"


def rebuilds(sim):
    return list(sim.ledger.entries(REBUILD))


@pytest.fixture
def proposed(calm, bench):
    """Give a simulation, a bench on it, and what proposes to repair its pools."""
    sim = calm(mismatch=0.6)
    desk = bench(sim)
    pools = tuple(dict.fromkeys(m.pool_id for m in desk.audit().mismatches))
    return sim, desk, lambda number: desk.propose(Choice(), pools[:number])


def made(*cells):
    """Give an executed notebook of (count, summary) pairs."""
    notebook = nbformat.v4.new_notebook()
    for count, summary in cells:
        data = summary._repr_mimebundle_()
        output = nbformat.v4.new_output("execute_result", data=data, execution_count=count)
        cell = nbformat.v4.new_code_cell("1", outputs=[output], execution_count=count)
        notebook.cells.append(cell)
    return notebook


def summary(**said):
    return Summary(kind="repair", **said)


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e9, 12.7, True, "60", None])
def test_a_number_that_is_none_approves_nothing(proposed, number):
    """Nothing is larger than not-a-number; text and flags are no numbers either."""
    sim, desk, propose = proposed
    proposal = propose(1)
    image = proposal.plan.items[0].image_id
    with pytest.raises(PlanError, match="max_desktops is"):
        carry_out(desk, proposal, apply=True, max_desktops=number, expect_images=image)

    assert rebuilds(sim) == []
    assert read_number(0, "n") == 0


@pytest.mark.parametrize("given", [{"include_in_use": "False"}, {"delay_time": "15"}])
def test_text_is_neither_a_flag_nor_a_number_of_a_form(given):
    """Papermill -r gives texts: "False" must not mean that people are wiped."""
    with pytest.raises(PlanError, match=f"{next(iter(given))} is"):
        RebuildOptions("repair", Limits(), **given)


def test_a_form_of_an_older_plan_does_nothing(proposed, by_hand):
    """Who plans again and clicks the form that is still there is told so."""
    sim, desk, propose = proposed
    old = carry_out(desk, propose(1), apply=True)
    new = carry_out(desk, propose(2), apply=True)
    old.form._words.value = f"{old.plan.profile} {old.plan.desktops}"
    old.form._button.click()

    assert "another plan was made or tried since" in old.form.problem
    assert rebuilds(sim) == []
    assert old.plan.plan_id in old.form.widget.children[0].value
    new.form._words.value = f"{new.plan.profile} {new.plan.desktops}"
    new.form._button.click()
    assert new.form.shown.drive.join(20)
    assert len(rebuilds(sim)) == len(new.plan.items)


def test_where_planning_again_failed_the_plan_from_before_is_not_applied(proposed, by_hand):
    """The cell that failed left it in its variable; it is not what the person wants now."""
    sim, desk, propose = proposed
    old = propose(1)
    with pytest.raises(PlanError):
        desk.propose(Choice(), ("no-such-pool",))
    action = carry_out(desk, old, apply=True)
    action.form._words.value = f"{old.plan.profile} {old.plan.desktops}"
    action.form._button.click()

    assert "another plan was made or tried since" in action.form.problem
    assert rebuilds(sim) == []


def test_a_run_that_was_begun_and_never_driven_is_not_sent_by_following_it(proposed):
    """Interrupted between the two, its drive would send: following sends nothing."""
    sim, desk, propose = proposed
    plan = propose(1).plan
    drive = begin(desk, plan, "typed")

    assert driven_here(plan) is None
    take_up(desk, drive.run_id)
    assert rebuilds(sim) == []


def test_a_run_that_goes_on_has_not_ended(proposed):
    """A verdict from before, of another process perhaps, hides no job that is live."""
    _, desk, propose = proposed
    plan = propose(1).plan
    drive = begin(desk, plan, "typed")
    with desk.journal() as journal:
        journal.end_run(drive.run_id, "error", "nothing was sent")
        ended = journal.run(drive.run_id).ended_at
        journal.intend(plan.items[0].item_id, b"{}", {}, ())
        again = journal.run(drive.run_id).ended_at

    assert ended is not None
    assert again is None
    assert desk.unfinished()[0].startswith(drive.run_id)


def test_cells_run_out_of_order_have_no_verdict():
    """The last word of a file may be older than what was done after it."""
    late = made((9, summary(verdict="running")), (4, summary(verdict="done", headline="all done")))
    ending = ending_of(late)

    assert (ending.verdict, ending.tone) == ("out of order", "open")
    assert ending_of(made((4, summary()), (9, summary(verdict="done")))).verdict == "done"


def test_a_verdict_is_never_mixed_with_an_earlier_one():
    """Who needed help before the second try is not listed under its success."""
    first = summary(verdict="partial", help=({"desktop": "d"},), next=("wsops resume r",))
    ending = ending_of(made((1, first), (2, summary(verdict="done", headline="all"))))

    assert ending.summary.help == ()
    assert ending.summary.next == ()


def test_the_report_of_an_interrupted_apply_says_what_goes_on(proposed, capsys):
    """From before the first request on the notebook says which run it is, and what to type."""
    _, desk, propose = proposed
    proposal = propose(1)
    image = proposal.plan.items[0].image_id
    number = proposal.plan.desktops
    carry_out(desk, proposal, apply=True, max_desktops=number, expect_images=image)

    shown = capsys.readouterr().out
    assert f"wsops resume run-{proposal.plan.plan_id}" in shown


@pytest.mark.parametrize("injected", ["pool = 'sales-*'", "pools = '*'\npool = 1"])
def test_a_misspelt_parameter_ends_the_notebook(injected):
    """Papermill only warns, and would go on with the whole fleet."""
    cells = ["", "pools: str = '*'  # pools", f"# Parameters\n{injected}\n"]
    with pytest.raises(PlanError, match="has no parameter pool"):
        check_injected(cells)
    check_injected([*cells[:2], "# Parameters\npools = 'a'\n", "x = 1", "!ls"])


def test_owners_named_in_a_note_have_aliases_in_a_shared_report(proposed):
    """The preview names who owns the desktops of a static pool: those are names as well."""
    *_, propose = proposed
    proposal = propose(9)
    users = {t.user_name for item in proposal.plan.items for t in item.targets if t.user_name}
    output = nbformat.v4.new_output("display_data", data=proposal._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell("1", outputs=[output], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    page = share(notebook, "a.ipynb", aliases.aliases(b"k" * 32), Renderer())

    assert any(user in Renderer().render(notebook, "a.ipynb") for user in users)
    assert [user for user in users if user in page] == []


def test_a_cut_key_gives_no_aliases(tmp_path):
    """From an empty key names could be tried until an alias fits."""
    key = aliases.own_key()
    [path] = tmp_path.rglob("alias.key")
    path.write_bytes(b"")

    assert len(key) == 32
    with pytest.raises(SettingsError, match="does not hold a key"):
        aliases.own_key()


def test_deep_nesting_and_long_words_are_shown_as_text():
    """An output may not make its report take for ever."""
    data = {"text/html": "<div>" * 100_000, "text/plain": ""}
    deep = nbformat.v4.new_output("display_data", data=data)
    word = nbformat.v4.new_output("stream", text="a." * 40_000)
    cell = nbformat.v4.new_code_cell("1", outputs=[deep, word], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell])

    page = share(notebook, "a.ipynb", aliases.aliases(b"k" * 32), Renderer())
    assert "&lt;div&gt;&lt;div&gt;" in page
