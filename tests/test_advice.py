"""What to type next: from the rows of a run, its plan, and whether it was stopped."""

from datetime import UTC, datetime

import pytest

from wsops import locks
from wsops.advice import next_commands
from wsops.outcome import run_key
from wsops.plan import Item, Plan
from wsops.rows import ItemRow, RunRow
from wsops.verdicts import of_run

_UNTOUCHED = {"rejected", "refused", "held"}


def run(stop="", asked=None):
    return RunRow.model_construct(
        run_id="run-1", digest="sha256:0", stop=stop, stop_requested_at=asked
    )


def row(number, state="ended:done"):
    state, _, verdict = state.partition(":")
    sent_at = (
        None if state == "planned" or verdict in _UNTOUCHED else datetime(2026, 1, 1, tzinfo=UTC)
    )
    return ItemRow(
        item_id=f"i-{number}",
        run_id="run-1",
        seq=number,
        endpoint="e",
        project_id="p",
        pool_id=f"p{number}",
        pool_name="eng",
        state=state,
        verdict=verdict,
        sent_at=sent_at,
        targets={},
        desktops={},
    )


def rebuild(*images):
    items = [Item.model_construct(item_id=f"i-{n}", image_id=i) for n, i in enumerate(images, 1)]
    return Plan.model_construct(
        kind="rebuild", items=tuple(items), max_errors_share=0.02, max_errors_least=3
    )


REPAIR = Plan.model_construct(kind="repair", items=())


def told(states, plan=REPAIR, one=None):
    rows = [row(number, state) for number, state in enumerate(states, 1)]
    one = one or run()
    return next_commands(one, rows, of_run(rows, one.stop)[0], plan)


@pytest.mark.parametrize(
    ("states", "commands"),
    [
        (["ended:done", "ended:left_in_use"], []),
        (["accepted", "planned"], ["wsops resume run-1"]),
        (["unknown", "ended:done"], ["wsops resume run-1"]),
        (["ended:done", "planned"], ["wsops resume run-1 --continue"]),
        (
            ["ended:done", "ended:partial"],
            ["wsops plan repair p2 -o plan.json  # what still differs"],
        ),
        (["ended:held"], ["wsops plan repair p1 -o plan.json  # what still differs"]),
        (["ended:failed"] * 5, ["wsops plan repair -o plan.json  # what still differs"]),
    ],
)
def test_each_standing_has_its_next_command(states, commands):
    """What is out is resumed, what waits is sent on, what did not end well is planned anew."""
    assert list(told(states)) == commands


@pytest.mark.parametrize(
    "one", [run("the canary failed"), run(asked=datetime(2026, 1, 1, tzinfo=UTC))]
)
def test_a_stopped_run_is_not_sent_on(one):
    """A new plan holds what is left of it."""
    found = told(["ended:done", "planned"], one=one)
    assert found == ("wsops plan repair p2 -o plan.json  # what still differs",)


def test_pools_that_were_not_rebuilt_are_planned_from_their_images():
    """A repair would find nothing in them: they run what they are meant to, as yet."""
    states = ["ended:done", "ended:partial", "planned", "ended:refused", "planned"]
    asked = run("as requested", datetime(2026, 1, 1, tzinfo=UTC))
    found = told(states, rebuild("new", "new", "new", "new", "other"), asked)
    assert found == (
        "wsops plan repair p2 -o plan.json  # what still differs",
        "wsops plan rebuild p3 p4 --image new -o plan-2.json  # what was not rebuilt",
        "wsops plan rebuild p5 --image other -o plan-3.json  # what was not rebuilt",
    )


@pytest.mark.parametrize(
    "one",
    [run("the canary failed"), run("as requested", datetime(2026, 1, 1, tzinfo=UTC))],
    ids=["by itself", "by a person"],
)
def test_after_a_failed_canary_no_pool_is_rebuilt_from_its_image(one):
    """What has failed is repaired; the others were not touched, and run what they are meant to."""
    found = told(["ended:failed", "planned"], rebuild("new", "new"), one)
    assert found == ("wsops plan repair p1 -o plan.json  # what still differs",)


def test_without_its_plan_nothing_is_advised_for_what_was_not_touched():
    """The plan may be damaged; what was sent is not hidden by it."""
    found = told(["ended:failed", "planned"], None, run("a stop was requested"))
    assert found == ("wsops plan repair p1 -o plan.json  # what still differs",)


def test_nothing_is_advised_while_a_process_drives_the_run():
    """Whoever would type something would be in its way."""
    with locks.held(*run_key(run()), what="run-1"):
        assert told(["accepted"]) == ()
    assert told(["accepted"]) == ("wsops resume run-1",)
