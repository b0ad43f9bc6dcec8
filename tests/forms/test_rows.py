"""The row picker: failed desktops, by their label."""

import pytest

from wsops.errors import PlanError
from wsops.forms import RowPicker

ROWS = {"d1": "pc-1 (eng)", "d2": "pc-2 (eng)", "d3": "pc-3 (fin)"}


def test_rows_are_chosen_by_parameter_by_hand_or_all():
    """The value is their keys, in the order given."""
    form = RowPicker("failed desktops", ROWS, ("d3", "d1"))
    assert form.value == ("d1", "d3")
    form._list.value = ("d2",)
    assert form.value == ("d2",)
    assert "1 of 3 failed desktops" in form._remark.value
    form._all.click()

    assert form.value == tuple(ROWS)
    assert "3 of 3" in form.html()


def test_a_key_that_is_not_there_is_named():
    """A parameter that names another desktop is not passed over in silence."""
    form = RowPicker("failed desktops", ROWS, ("d1", "d9"))

    with pytest.raises(PlanError, match="not among the failed desktops: d9"):
        _ = form.value
    assert form.problem == "not among the failed desktops: d9"
    assert form.problem in form._remark.value
    assert form.problem in form.html()
    assert RowPicker("failed desktops", ROWS, ("d1",)).problem == ""


def test_running_the_cell_again_keeps_the_choice_of_the_same_rows():
    """Other rows, or other parameters, forget it."""
    RowPicker("failed desktops", ROWS)._list.value = ("d2",)

    assert RowPicker("failed desktops", ROWS).value == ("d2",)
    assert RowPicker("failed desktops", ROWS, ("d1",)).value == ("d1",)
    assert RowPicker("failed desktops", {"d2": "pc-2", "d4": "pc-4"}).value == ()


def test_no_rows_are_no_error():
    """Nothing failed: nothing to choose."""
    form = RowPicker("failed desktops", {})
    form._all.click()

    assert form.value == ()
    assert "none" in form.html()


def test_many_rows_are_counted_and_hostile_labels_stay_text(hostile, assert_inert):
    """The page names the first of them, and no label acts."""
    form = RowPicker("rows", {str(n): hostile[n % len(hostile)] for n in range(40)})
    form._all.click()

    assert "and 30 more" in form.html() or "…" in form.html()
    assert "40 of 40" in form.html()
    assert_inert(form)
    assert not set("\x1b\u202e") & set("".join(label for label, _ in form._list.options))
