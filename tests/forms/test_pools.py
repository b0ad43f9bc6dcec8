"""The pool picker: what is offered, what is chosen, and what is remembered."""

import time

import pytest

from wsops.forms import PoolPicker
from wsops.summary import Place

OPENS_WITHIN = 20
"""Seconds of computing under a tracer; without one it takes a fraction of a second."""


def told(form):
    return form._remark.value


def test_what_the_parameters_name_is_chosen_at_first(pool, audit_of):
    """By name, by pattern or by ID; the value is IDs in the order of the audit."""
    seen = audit_of([pool(n) for n in range(4)])

    assert PoolPicker(seen, "*").value == ("p0", "p1", "p2", "p3")
    assert PoolPicker(seen, "p3, eng-01").value == ("p1", "p3")
    assert PoolPicker(seen, "").value == ()
    assert PoolPicker(seen, "sales-*").value == ()


def test_a_repair_offers_only_pools_that_differ(pool, audit_of):
    """A pool without mismatch cannot be chosen, even where the parameters name it."""
    fine, bad = pool(1), pool(2)
    seen = audit_of([bad]).model_copy(update={"pools": (fine, bad)})

    assert PoolPicker(seen, "*").value == ("p2",)
    assert PoolPicker(seen, "eng-01").value == ()
    assert PoolPicker(seen, "eng-01").problem == "choose at least one pool"
    assert PoolPicker(seen, "eng-01", differing=False).value == ("p1",)


def test_a_search_hides_pools_and_forgets_none(pool, audit_of):
    """Parts of names, patterns and IDs are searched for; what is hidden stays chosen."""
    form = PoolPicker(audit_of([pool(n) for n in range(12)]), "eng-00")
    form._search.value = "ENG-1, p5"

    assert [value for _, value in form._list.options] == ["p5", "p10", "p11"]
    form._all.click()
    assert form.value == ("p0", "p5", "p10", "p11")
    form._search.value = "nothing-like-it"
    form._none.click()
    assert form.value == ("p0", "p5", "p10", "p11")
    form._search.value = ""
    assert form._list.value == ("p0", "p5", "p10", "p11")
    form._none.click()
    assert form.value == ()
    assert "choose at least one pool" in told(form)


def test_picking_in_the_list_counts_at_once(pool, audit_of):
    """How many pools and desktops that is, and how many are in use, stands below the list."""
    form = PoolPicker(audit_of([pool(n) for n in range(3)]), "")
    form._list.value = ("p0", "p2")

    assert form.value == ("p0", "p2")
    assert [one.id for one in form.pools] == ["p0", "p2"]
    assert "2 of 3 pools, 4 desktops to repair, 2 in use" in told(form)
    assert "2 of 3 pools, 4 desktops to repair" in form.html()
    whole = PoolPicker(audit_of([pool(n) for n in range(3)]), "p1", differing=False)
    assert whole.counts() == "1 of 3 pools, 10 desktops"


def test_running_the_cell_again_keeps_the_choice(pool, audit_of):
    """Other parameters forget it, and a pool that is gone is not chosen any more."""
    pools = [pool(n) for n in range(4)]
    PoolPicker(audit_of(pools), "*")._list.value = ("p1", "p3")

    assert PoolPicker(audit_of(pools), "*").value == ("p1", "p3")
    assert PoolPicker(audit_of(pools[:3]), "*").value == ("p1",)
    assert PoolPicker(audit_of(pools), "eng-0*").value == ("p0", "p1", "p2", "p3")
    assert PoolPicker(audit_of(pools), "*", differing=False).value == ("p0", "p1", "p2", "p3")


def test_a_choice_of_one_place_is_not_one_of_another(pool, audit_of):
    """Another profile in the same kernel may list pools of the same names and IDs."""
    seen = audit_of([pool(n) for n in range(4)])
    PoolPicker(seen, "*", place=Place(profile="test"))._list.value = ("p1",)

    assert PoolPicker(seen, "*", place=Place(profile="test")).value == ("p1",)
    assert len(PoolPicker(seen, "*", place=Place(profile="prod")).value) == 4


def test_an_empty_fleet_says_that_there_is_nothing_to_choose(audit_of):
    """No pool, no desktop, no error."""
    form = PoolPicker(audit_of([]), "*")
    form._all.click()

    assert (form.value, form.pools) == ((), ())
    assert form.problem == "there is no pool to choose"
    assert "there is no pool to choose" in form.html()


def test_pools_of_the_same_name_are_told_apart(pool, audit_of):
    """Each can be chosen by itself: the list goes by ID."""
    form = PoolPicker(audit_of([pool(n, name="twin") for n in range(3)]), "")
    form._list.value = ("p1",)

    assert form.value == ("p1",)
    assert len({label for label, _ in form._list.options}) == 3


def test_hostile_names_stay_text(pool, audit_of, hostile, assert_inert):
    """Widgets and page show what is in a name, and nothing of it acts."""
    form = PoolPicker(audit_of([pool(n, name=name) for n, name in enumerate(hostile)]), "*")
    labels = "".join(label for label, _ in form._list.options)

    assert len(form.value) == len(hostile)
    assert_inert(form)
    assert "\u202e" not in labels
    assert "\x1b" not in labels
    assert "\\u202e" in labels
    assert max(len(label) for label, _ in form._list.options) < 200


@pytest.mark.parametrize("pattern", ["*", ""])
def test_a_fleet_of_two_thousand_pools_opens_at_once(pool, audit_of, pattern):
    """Opening, searching and taking all of them each take less than people notice."""
    seen = audit_of([pool(n, name=f"pool-{n:04d}") for n in range(2000)])
    began = time.process_time()
    form = PoolPicker(seen, pattern)
    form._search.value = "pool-1"
    form._all.click()
    form._search.value = ""
    form._all.click()

    assert len(form.value) == 2000
    assert time.process_time() - began < OPENS_WITHIN
    assert "and 1,988 more" in form.html()
