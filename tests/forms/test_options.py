"""The options: each limit has its words, and the value is a choice."""

import pytest

from wsops.choice import Choice, check_choice
from wsops.errors import PlanError
from wsops.forms import RebuildOptions
from wsops.settings import Limits

LIMITS = Limits()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, ""),
        ({"delay_time": 15, "message": "m" * 400}, ""),
        ({"delay_time": 16}, "delay_time 16 is not between 0 and 15 minutes"),
        ({"delay_time": -1}, "delay_time -1 is not between 0 and 15 minutes"),
        ({"message": "m" * 401}, "message has 401 characters; the limit is 400"),
        ({"include_in_use": True}, "wants a delay (such as 15) and a message"),
        ({"include_in_use": True, "delay_time": 15}, "wants a delay (such as 15) and a message"),
        ({"include_in_use": True, "message": "m"}, "wants a delay (such as 15) and a message"),
        ({"include_in_use": True, "delay_time": 15, "message": "m"}, ""),
        ({"orders": "eng-01"}, "orders wants KEY=ID"),
        ({"orders": "eng-01=CS1,eng-01=CS2"}, "each key once"),
        ({"orders": "eng-01=CS1, eng-02=CS2"}, ""),
    ],
)
@pytest.mark.parametrize("kind", ["repair", "rebuild"])
def test_every_limit_has_its_words(kind, given, complaint):
    """What breaks a limit is said below the fields and on the page, as it is typed."""
    form = RebuildOptions(kind, LIMITS, **given)

    assert complaint in form.problem
    assert bool(form.problem) == bool(complaint)
    assert ("w-problem" in form._remark.value) == bool(complaint)
    assert ("problem" in form._repr_mimebundle_()["text/plain"]) == bool(complaint)


def test_the_limits_are_those_of_the_profile():
    """Another profile, other limits."""
    assert RebuildOptions("repair", Limits(delay_max=60), delay_time=30).problem == ""
    assert (
        "limit is 10" in RebuildOptions("repair", Limits(message_max=10), message="x" * 11).problem
    )


def test_what_is_typed_is_the_value():
    """Fields, stripped of blanks around them; the image is chosen elsewhere."""
    form = RebuildOptions("rebuild", LIMITS)
    form._delay.value, form._message.value = 10, "  please save \n"
    form._orders.value, form._use.value = "eng-01 = CS1", "wiped, too"

    assert form.value == Choice(
        kind="rebuild",
        delay_time=10,
        message="please save",
        orders={"eng-01": "CS1"},
        include_in_use=True,
    )
    assert "message: 11 of 400" in form._remark.value
    with pytest.raises(PlanError, match="needs an image"):
        check_choice(form.value, LIMITS)


def test_orders_that_are_no_pairs_have_no_value():
    """The next cell stops with the same words."""
    form = RebuildOptions("repair", LIMITS)
    form._orders.value = "eng-01="

    with pytest.raises(PlanError, match="orders wants KEY=ID"):
        _ = form.value
    assert "orders wants KEY=ID" in form.html()


def test_running_the_cell_again_keeps_what_was_typed():
    """Other parameters forget it."""
    RebuildOptions("repair", LIMITS, message="old")._message.value = "new"

    assert RebuildOptions("repair", LIMITS, message="old").value.message == "new"
    assert RebuildOptions("repair", LIMITS, message="other").value.message == "other"
    assert RebuildOptions("rebuild", LIMITS, message="old").value.message == "old"


def test_what_was_typed_stays_text(hostile, assert_inert):
    """A message is shown, not carried out."""
    for text in hostile:
        assert_inert(RebuildOptions("repair", LIMITS, message=text, orders=text))
