from __future__ import annotations

import pytest

from wsops.simulator.call import Call
from wsops.simulator.faults import KINDS, FaultError, Faults

REBUILD = Call(
    "RebuildDesktopPool", "POST", pool_id="p-1", body=b'{"is_fix": true, "image_id": "i"}'
)
LIST = Call("ListImages", query=(("limit", "5"),))


@pytest.fixture
def faults():
    return Faults({}, 1)


def strikes(faults, call, times=1, kinds=tuple(KINDS)):
    return [faults.take(kinds, call) is not None for _ in range(times)]


def test_a_fault_strikes_from_the_one_asked_for_as_often_as_asked_for(faults) -> None:
    """`after` lets matches pass first, `times` ends it."""
    faults.add("cut", after=2, times=2)

    assert strikes(faults, LIST, 6) == [False, False, True, True, False, False]


def test_a_fault_may_be_for_one_operation(faults) -> None:
    """Other operations neither suffer nor count."""
    faults.add("cut", operation="RebuildDesktopPool", times=1)

    assert strikes(faults, LIST) + strikes(faults, REBUILD, 2) == [False, True, False]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"pool_id": "p-1"}, True),
        ({"pool_id": "p-2"}, False),
        ({"pool_id": ["p-2", "p-1"]}, True),
        ({"is_fix": True, "image_id": "i"}, True),
        ({"is_fix": False}, False),
        ({"method": "POST"}, True),
        ({"absent": None}, True),
    ],
    ids=str,
)
def test_a_fault_may_look_at_the_request(faults, match, hit) -> None:
    """Path, query and the fields of the body can be matched, a list meaning any of it."""
    faults.add("cut", match=match)

    assert strikes(faults, REBUILD) == [hit]


def test_the_query_can_be_matched(faults) -> None:
    """A page of a certain size can be hit alone."""
    faults.add("cut", match={"limit": "5"})

    assert strikes(faults, LIST) + strikes(faults, Call("ListImages")) == [True, False]


def test_some_faults_know_their_operations(faults) -> None:
    """Without a word about it, job_missing is about ShowJob; a star means all."""
    faults.add("job_missing")
    faults.add("stuck", operation="*")

    assert strikes(faults, LIST, kinds=("job_missing",)) == [False]
    assert strikes(faults, Call("ShowJob"), kinds=("job_missing",)) == [True]
    assert strikes(faults, LIST, kinds=("stuck",)) == [True]


def test_the_first_fault_of_several_strikes(faults) -> None:
    """One answer suffers one fault; the others keep their turn."""
    faults.add("cut", times=1)
    faults.add("lost", times=1)

    assert [faults.take(KINDS, LIST).kind for _ in range(2)] == ["cut", "lost"]


def test_clear_forgets_all(faults) -> None:
    """After clear nothing strikes."""
    faults.add("cut")
    faults.clear()

    assert strikes(faults, LIST) == [False]


def test_rates_are_drawn_from_the_seed() -> None:
    """The same seed strikes the same requests, about as often as the rate says."""
    first, second = (strikes(Faults({"cut": 0.3}, 5), LIST, 500) for _ in range(2))

    assert first == second
    assert 100 < sum(first) < 200


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "none"},
        {"kind": "cut", "times": -1},
        {"kind": "cut", "times": 1.5},
        {"kind": "cut", "after": True},
        {"kind": "cut", "match": 3},
        {"kind": "cut", "args": []},
    ],
    ids=str,
)
def test_a_fault_must_make_sense(faults, words) -> None:
    """An unknown kind or odd numbers are refused."""
    with pytest.raises(FaultError):
        faults.add(words.pop("kind"), **words)
