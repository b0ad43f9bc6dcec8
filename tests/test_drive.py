"""Driving a run in a thread: letting go, taking up again, and faces that break."""

import signal
import sys

import pytest

from wsops.action import shown_live
from wsops.choice import Choice
from wsops.drive import Drive, begin, driven_here, follow, why
from wsops.errors import JournalError, PlanUsed
from wsops.journal import Journal
from wsops.planning import plan_for

REBUILD = "RebuildDesktopPool"
_MOST = 500  # looks at a thread, 20 ms each


@pytest.fixture
def planned(bench):
    """Give a function that plans the repair of a fleet, and gives bench and plan."""

    def make(sim, **overrides):
        desk = bench(sim, **overrides)
        return desk, plan_for(desk.ws, Choice(), ())[0]

    return make


def rebuilds(sim):
    return list(sim.ledger.entries(REBUILD))


def items(desk, run_id):
    with desk.journal() as journal:
        return journal.items(run_id)


def until(drive, true):
    """Wait until something is true of a drive, which must not end before."""
    for _ in range(_MOST):
        if true():
            return
        assert not drive.join(0.02), drive.board.says
    pytest.fail("it never came true")


def resumed(desk, run_id):
    drive = follow(desk, run_id)
    drive.start()
    assert drive.join(20)
    return drive


def test_a_run_is_driven_to_its_end_in_a_thread(calm, planned):
    """The board comes with each event, and the last one has ended."""
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    boards = []
    drive.watch(boards.append)
    drive.start()

    assert drive.join(20)
    assert (drive.error, drive.detached, drive.board.ended) == (None, False, True)
    assert boards[0].lanes == {}
    assert boards[-1] == drive.board
    assert {lane.state for lane in drive.board.lanes.values()} == {"done"}
    assert len(rebuilds(sim)) == len(plan.items)


def test_a_run_let_go_of_in_a_poll_goes_on_in_the_cloud(calm, planned):
    """Detach returns at once; one request was sent; following finds its end without another."""
    sim = calm(desktop_seconds=(600, 600))
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    drive.start()
    until(drive, lambda: any(lane.state == "running" for lane in drive.board.lanes.values()))
    drive.detach()

    assert drive.join(5)
    assert drive.detached
    assert drive.error is None
    assert [row.state for row in items(desk, drive.run_id)] == [
        "accepted",
        *["planned"] * (len(plan.items) - 1),
    ]
    again = resumed(desk, drive.run_id)
    assert again is not drive
    assert items(desk, drive.run_id)[0].verdict == "done"
    assert len(rebuilds(sim)) == 1


def test_a_run_let_go_of_while_it_waits_to_send_has_sent_nothing(calm, planned):
    """Between two pools it waits for its turn to write: the second pool stays planned, whole."""
    sim = calm()
    desk, plan = planned(sim, pace={"write_every": 30})
    drive = begin(desk, plan, "typed")
    drive.start()
    ends = drive.board.lanes
    until(drive, lambda: len(rebuilds(sim)) == 1)
    until(
        drive,
        lambda: [row.state for row in items(desk, drive.run_id)][:2] == ["ended", "planned"],
    )
    drive.detach()

    assert drive.join(5)
    assert ends == {}
    rows = items(desk, drive.run_id)
    assert {row.state for row in rows[1:]} == {"planned"}
    assert {row.sent_at for row in rows[1:]} == {None}
    assert len(rebuilds(sim)) == 1
    assert resumed(desk, drive.run_id).board.ended
    assert len(rebuilds(sim)) == 1


def test_a_run_let_go_of_before_it_began_has_sent_nothing(calm, planned):
    """The first event finds that nobody looks any more."""
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    drive.detach()
    drive.start()

    assert drive.join(5)
    assert drive.detached
    assert {lane.state for lane in drive.board.lanes.values()} == {"planned"}
    assert rebuilds(sim) == []


class Finalised:
    """Sends this process a signal from its finaliser, where Python drops what the signal raises."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_a_ctrl_c_that_python_drops_is_heard_before_the_next_send(calm, planned, monkeypatch):
    """It came while an object was finalised: the run lets go all the same, and says nothing odd."""
    lost, odd = [], []
    monkeypatch.setattr(sys, "unraisablehook", odd.append)
    before = signal.getsignal(signal.SIGINT)
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")

    def lose(board):
        if not lost and any(lane.state == "running" for lane in board.lanes.values()):
            lost.append(Finalised())
            lost[0] = None  # and with this the last that knew it is gone

    drive.watch(lose)
    with pytest.raises(KeyboardInterrupt):
        drive.run()
    assert (lost, odd) == ([None], [])
    assert drive.detached
    assert len(rebuilds(sim)) == 1 < len(plan.items)
    assert signal.getsignal(signal.SIGINT) is before
    assert sys.unraisablehook == odd.append


@pytest.mark.parametrize("step", ["stop_requested", "intend", "sending"])
def test_a_ctrl_c_that_is_dropped_right_before_the_send_is_heard(calm, planned, monkeypatch, step):
    """Whatever was written by then, nothing leaves, and the pool stays planned."""
    real, lost = getattr(Journal, step), []

    def losing(journal, *facts):
        found = real(journal, *facts)
        lost.append(Finalised())
        lost[0] = None
        return found

    monkeypatch.setattr(Journal, step, losing)
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")

    with pytest.raises(KeyboardInterrupt):
        drive.run()
    assert rebuilds(sim) == []
    assert {row.state for row in items(desk, drive.run_id)} <= {"planned", "intent"}
    monkeypatch.undo()
    assert {row.state for row in items(desk, resumed(desk, drive.run_id).run_id)} == {"planned"}


def test_a_drive_drives_once(calm, planned):
    """A second start would send what the first has left: it is refused, and sends nothing."""
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    drive.detach()
    drive.start()
    assert drive.join(5)

    with pytest.raises(JournalError, match="was taken up before"):
        drive.start()
    with pytest.raises(JournalError, match="was taken up before"):
        drive.run()
    assert rebuilds(sim) == []


def test_a_plan_becomes_one_run(calm, planned):
    """The journal refuses the second; the first one is known here once it is driven."""
    desk, plan = planned(calm())
    assert driven_here(plan) is None
    drive = begin(desk, plan, "typed")

    with pytest.raises(PlanUsed):
        begin(desk, plan, "typed")
    assert driven_here(plan) is None
    drive.run()
    assert driven_here(plan) is drive


def test_who_drives_already_is_followed_not_driven_twice(calm, planned):
    """A second board of a running run shows the same drive."""
    sim = calm(desktop_seconds=(600, 600))
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    drive.start()
    until(drive, lambda: rebuilds(sim))

    assert follow(desk, drive.run_id) is drive
    drive.detach()
    assert follow(desk, drive.run_id) is not drive
    assert drive.over


def test_a_face_that_breaks_does_not_end_the_run(calm, planned):
    """What shows it may fail; the run is what counts."""
    sim = calm()
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")
    seen = []

    def broken(board):
        seen.append(board)
        if board.lanes:
            raise OSError

    drive.watch(broken)
    drive.start()

    assert drive.join(20)
    assert drive.error is None
    assert len(seen) == 2
    assert len(rebuilds(sim)) == len(plan.items)


def test_an_error_is_there_when_the_drive_is_over(calm, planned, bench, fresh_kernel):
    """Whoever waits for the end finds the error, in a thread and in the caller's."""
    desk, plan = planned(calm())
    drive = begin(desk, plan, "typed")
    other = bench(calm(), project_id="another-project")
    lost = Drive(other, drive.run_id, resume=True)
    lost.start()

    assert lost.join(10)
    assert "you are elsewhere" in why(lost.error)
    assert "use profile" in why(lost.error)
    again = Drive(other, drive.run_id, resume=True)
    with pytest.raises(JournalError, match="you are elsewhere"):
        again.run()
    assert again.over
    assert isinstance(again.error, JournalError)
    assert why(ValueError("x")) == "ValueError('x')"


def test_ctrl_c_is_a_detach(calm, planned, capsys):
    """Headless, an interrupt leaves the run in the journal and passes through."""
    sim = calm(desktop_seconds=(600, 600))
    desk, plan = planned(sim)
    drive = begin(desk, plan, "typed")

    def interrupt(board):
        if any(lane.state == "running" for lane in board.lanes.values()):
            raise KeyboardInterrupt

    drive.watch(interrupt)
    with pytest.raises(KeyboardInterrupt):
        shown_live(drive)
    assert drive.over
    assert items(desk, drive.run_id)[0].state == "accepted"
    assert plan.plan_id in capsys.readouterr().out
    assert len(rebuilds(sim)) == 1
