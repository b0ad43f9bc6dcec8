"""The pace: a rate that halves and recovers, and waits that are always bounded."""

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.pace import LONGEST_WAIT, Pacer, full_jitter, retry_after

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Time:
    def __init__(self):
        self.now = 0.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def pacer(time, rate=10.0, workers=4):
    return Pacer(rate, workers, clock=time.clock, sleep=time.sleep)


def take(one, turns):
    for _ in range(turns):
        with one.turn():
            pass


def test_requests_leave_at_the_rate():
    """Eleven requests at ten a second take one second."""
    time = Time()
    take(pacer(time), 11)

    assert time.now == pytest.approx(1.0)


def test_a_429_halves_the_rate_and_holds_all_back():
    """After Retry-After: 7 nothing leaves for 7 seconds, and then half as fast."""
    time = Time()
    one = pacer(time)
    one.throttled(7)
    take(one, 1)

    assert time.now == pytest.approx(7)
    assert one.rate == 5


def test_many_429s_at_once_are_one_event():
    """Thirty-two parallel requests that meet the same full bucket halve the rate once."""
    one = pacer(Time())
    for _ in range(32):
        one.throttled(0)

    assert one.rate == 5


def test_the_rate_recovers_slowly_and_never_beyond_the_full_one():
    """Good answers bring it back; many of them bring it back to where it was."""
    one = pacer(Time())
    one.throttled(0)
    one.went_well()
    after_one = one.rate
    for _ in range(200):
        one.went_well()

    assert 5 < after_one < 6
    assert one.rate == 10


def test_no_more_requests_are_under_way_than_allowed():
    """The slots bound parallelism, whatever the rate."""
    one = Pacer(1e6, 3)
    inside, most, lock = [], [], threading.Lock()

    def work():
        with one.turn():
            with lock:
                inside.append(1)
                most.append(len(inside))
            threading.Event().wait(0.005)
            with lock:
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(most) <= 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("0", 0),
        ("7", 7),
        ("1000000000000", LONGEST_WAIT),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 23 Nov 2099 11:00:00 GMT", LONGEST_WAIT),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header, seconds):
    """Both published forms are understood; anything else says nothing."""
    assert retry_after(header, now=NOON) == seconds


@given(st.text(max_size=60))
def test_no_header_makes_us_wait_longer_than_five_minutes(header):
    """Whatever a server says, the wait is None or between 0 and 300 seconds."""
    seconds = retry_after(header)

    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


@given(st.integers(1, 10_000))
def test_jitter_is_bounded_for_any_attempt(attempt):
    """The doubling bound neither overflows nor passes its limit."""
    assert 0 <= full_jitter(attempt) <= 20
