"""What a run amounts to, in numbers and in people: totals, who is in need, what is undecided."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from wsops.rows import ItemRow
from wsops.verdicts import (
    NEEDS_HELP,
    in_need,
    of_run,
    once_each,
    reason_to_stop,
    totals,
    undecided,
)
from wsops.verify import GOOD_ENDS


def row(state="ended", reason="why", ends=None):
    targets = {f"d{number}": {"name": f"pc-{number}"} for number in range(3)}
    return ItemRow(
        item_id="i-01",
        run_id="run-1",
        seq=1,
        endpoint="e",
        project_id="p",
        pool_id="p1",
        pool_name="eng",
        state=state,
        reason=reason,
        targets=targets,
        desktops={i: {"state": s, "reason": r} for i, (s, r) in (ends or {}).items()},
    )


def test_pools_that_the_service_refused_bear_no_errors_of_others():
    """None of their desktops was attempted; each of them counts as an error itself."""
    borne = SimpleNamespace(max_errors_share=0.02, max_errors_least=3)
    good = row(ends={f"d{number}": ("done", "") for number in range(3)})
    refused = row().model_copy(update={"verdict": "rejected", "sent_at": datetime.now(UTC)})
    good = good.model_copy(update={"verdict": "done", "sent_at": datetime.now(UTC)})

    assert reason_to_stop([good, *[refused] * 3], borne) == ""
    assert reason_to_stop([good, *[refused] * 4], borne) == (
        "4 pools refused or unknown; the approved threshold is 3"
    )
    assert reason_to_stop([good, *[refused] * 200], borne).endswith("is 3")


def test_totals_are_over_all_pools_in_words():
    """By how each desktop ended; those of a pool that is out are pending."""
    rows = [
        row(ends={"d0": ("done", ""), "d1": ("left_in_use", "")}),
        row(ends={"d2": ("done", "")}),
        row("accepted"),
        row("planned"),
    ]

    assert totals(rows) == {"pending": 3, "done": 2, "left in use": 1}
    assert totals([]) == {}


@pytest.mark.parametrize(
    ("states", "stop", "reason"),
    [
        (("ended:done",), "", "1 of 1 pool done"),
        (
            ("ended:done", "ended:left_in_use", "ended:done"),
            "",
            "2 of 3 pools done, 1 left in use",
        ),
        (("accepted", "planned", "planned"), "", "2 of 3 pools not sent, 1 not ended"),
        (("ended:failed", "planned"), "a stop", "1 of 2 pools failed, 1 not sent; a stop"),
    ],
)
def test_a_run_counts_its_pools_and_says_so(states, stop, reason):
    """A number without its unit would be taken for desktops, which a batch counts."""
    rows = [row(state).model_copy(update={"verdict": v}) for state, _, v in map(parted, states)]
    assert of_run(rows, stop)[1] == reason


def test_a_pool_of_which_nothing_was_done_is_not_called_done():
    """Only where some of its desktops were done are those in use an exception."""
    spared = row("ended", ends={"d0": ("left_in_use", "")})
    some = row("ended", ends={"d0": ("done", ""), "d1": ("left_in_use", "")})
    rows = [one.model_copy(update={"verdict": "left_in_use"}) for one in (spared, some)]
    assert of_run(rows[:1])[1] == "1 of 1 pool left in use"
    assert of_run(rows[1:])[1] == "1 of 1 pool done but for desktops in use"


def parted(text):
    return text.partition(":")


def test_a_desktop_that_was_tried_twice_counts_as_it_ended_last():
    """A second send touches only what the first has left; what that repaired stays repaired."""
    first = row("ended", ends={"d0": ("done", ""), "d1": ("failed", "no capacity")})
    first = first.model_copy(update={"sent_at": datetime(2026, 1, 1, tzinfo=UTC)})
    targets = {"d1": {"name": "pc-1"}}
    again = first.model_copy(update={"targets": targets, "desktops": {"d1": {"state": "done"}}})
    never = row("planned")

    assert totals(once_each([first, again, never])) == {"done": 2}
    assert totals(once_each([first, never])) == {"done": 1, "failed": 1}
    assert totals(once_each([again, first])) == {"done": 1, "failed": 1}


def test_each_end_is_good_undecided_or_in_need():
    """Nobody falls between the lists: no state is missed, none is in two of them."""
    states = [*NEEDS_HELP, *GOOD_ENDS, "unknown"]
    one = row(ends={state: (state, f"{state}!") for state in states})

    assert {found.state for found in in_need(one)} == NEEDS_HELP
    assert [(t.desktop_id, t.state, t.reason) for t in undecided(one)] == [
        ("unknown", "unknown", "unknown!")
    ]
    assert not NEEDS_HELP & GOOD_ENDS


@pytest.mark.parametrize("state", ["intent", "sent", "unknown"])
def test_all_desktops_of_a_request_that_nobody_knows_of_are_undecided(state):
    """With the reason of the request."""
    found = list(undecided(row(state, "the answer was lost")))

    assert [one.desktop_id for one in found] == [f"d{n}" for n in range(3)]
    assert {(one.state, one.reason) for one in found} == {("unknown", "the answer was lost")}
    assert list(in_need(row(state))) == []
    assert list(undecided(row("accepted"))) == list(undecided(row("planned"))) == []
