"""The job board: a run as it goes, a button to let go, and what became of following it."""

import pytest

from wsops.choice import Choice
from wsops.drive import begin
from wsops.forms import JobBoard
from wsops.planning import plan_for


@pytest.fixture
def driven(bench):
    """Give a function that begins the repair of a fleet, and gives its drive."""

    def make(sim):
        desk = bench(sim)
        return begin(desk, plan_for(desk.ws, Choice(), ())[0], "typed")

    return make


def test_a_board_shows_the_run_to_its_end(calm, driven):
    """Its pools, their states and the verdict; at the end nobody is left to let go."""
    drive = driven(calm())
    form = JobBoard(drive)
    drive.start()
    assert drive.join(20)

    assert form.value is drive.board
    for row in drive.board.lanes.values():
        assert row.pool in form._page.value
    assert "done" in form._page.value
    assert form.widget.children == (form._page,)


def test_letting_go_says_how_to_take_it_up_again(calm, driven):
    """The button is used once, and the command to type stands on the board and on the page."""
    drive = driven(calm(desktop_seconds=(900, 900)))
    form = JobBoard(drive)
    drive.start()
    form._detach.click()

    assert drive.join(10)
    assert form._detach.disabled
    assert f"wsops resume {drive.run_id}" in form._page.value
    assert f"wsops resume {drive.run_id}" in form._repr_mimebundle_()["text/plain"]


def test_a_board_of_hostile_names_is_inert(calm, driven, hostile, assert_inert):
    """Pools of a real run with such names, before, while and after it is driven."""
    sim = calm(pools=len(hostile), desktops=4, mismatch=0.9)
    for pool, name in zip(sim.cloud.pools.values(), hostile, strict=True):
        pool.row["name"] = name
    drive = driven(sim)
    form = JobBoard(drive)
    assert_inert(form)
    drive.start()
    assert drive.join(30)

    assert drive.error is None
    assert len(drive.board.lanes) == len(hostile)
    assert_inert(form)
    assert "\\u202e" in form._page.value
