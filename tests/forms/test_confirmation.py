"""The confirmation: the right words, once; whatever goes wrong is said, and may be tried again."""

import threading

import pytest

from wsops.choice import Choice
from wsops.errors import JournalError
from wsops.forms import Confirmation, RowPicker
from wsops.planning import plan_for


@pytest.fixture
def plan(ws):
    """Give a plan as it is made of a simulated fleet."""
    return plan_for(ws, Choice(), ())[0]


@pytest.fixture
def asked(plan):
    """Give a function that shows a confirmation, clicks with the words, and gives it."""

    def ask(act, words=None, the_plan=plan):
        form = Confirmation(the_plan, act)
        form._words.value = f"default {the_plan.desktops}" if words is None else words
        form._button.click()
        return form

    return ask


def shown(_approval):
    return RowPicker("rows", {})


def test_the_right_words_act_once(asked, plan):
    """The approval is what was typed; afterwards the button does nothing."""
    given = []
    form = asked(lambda approval: given.append(approval) or shown(approval))
    form._button.click()

    assert given == [form.value] == [f"typed 'default {plan.desktops}'"]
    assert form.shown is not None
    assert form.problem == ""
    assert form.widget.children[-1] is form.shown.widget
    assert "approved: typed" in form.html()


def test_blanks_around_the_words_do_not_count(asked, plan):
    """Nor does more than one between them."""
    assert asked(shown, f"  default \t {plan.desktops} ").value


@pytest.mark.parametrize("words", ["", "  ", "default", "Default 9", "default 9999", "9", "yes"])
def test_other_words_do_not_act(asked, words):
    """It says that they are wrong, and the button can be used again."""
    given = []
    form = asked(given.append, words)

    assert (given, form.value, form.shown, form._button.disabled) == ([], "", None, False)
    assert form.problem
    assert "✗" in form._remark.value


def test_typing_is_answered_while_one_types(asked, plan):
    """A beginning is no mistake, another word is, the right one has its mark."""
    form = asked(shown, "def")
    remarks = []
    for words in ("defa", "defx", f"default {plan.desktops}"):
        form._words.value = words
        remarks.append(form._remark.value)

    assert "✗" not in remarks[0]
    assert "that is not it" in remarks[1]
    assert "✓ this is it" in remarks[2]


@pytest.mark.parametrize(
    "error", [JournalError("the disk is full"), ValueError("odd"), OSError("gone")]
)
def test_where_acting_fails_it_is_said_and_may_be_tried_again(asked, error):
    """Whatever is raised, the form is not dead, and nothing counts as approved."""
    outcomes = [error]

    def act(approval):
        if outcomes:
            raise outcomes.pop()
        return shown(approval)

    form = asked(act)
    assert (form.value, form.shown, form._button.disabled) == ("", None, False)
    assert str(error) in form.problem
    assert form.problem.split("'")[0] in form.html().unescape()
    form._button.click()
    assert form.value
    assert form.problem == ""


def test_of_many_clicks_at_once_one_acts(plan):
    """They come on several threads, while the first is still acting."""
    given, go_on = [], threading.Event()

    def act(approval):
        given.append(approval)
        assert go_on.wait(10)
        return shown(approval)

    form = Confirmation(plan, act)
    form._words.value = f"default {plan.desktops}"
    threads = [threading.Thread(target=form._button.click) for _ in range(8)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(given) == 1
    assert form._button.disabled


def test_a_profile_with_odd_blanks_can_be_confirmed(asked, plan):
    """The words that are asked for are the words that are taken."""
    odd = plan.model_copy(update={"profile": " my  prod "})

    assert asked(shown, f"my prod {plan.desktops}", odd).value


def test_the_error_of_a_server_stays_text(asked, hostile, assert_inert):
    """What acting raised may hold anything."""
    for text in hostile:

        def act(_approval, text=text):
            raise JournalError(text, remedy=text)

        assert_inert(asked(act))
