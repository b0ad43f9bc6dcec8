"""What the past teaches: since when, who again, and how long."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from wsops import recorded as recorded_room
from wsops.audited import Audit, Mismatch
from wsops.history import (
    Forecast,
    Past,
    durations_of,
    forecast,
    forecasts_of,
    offenders,
    seconds_of,
    since,
)
from wsops.models import Pool
from wsops.rows import AuditRow, ItemRow

DAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def item(number=1, *, desktops=4, seconds=600.0, run=1, ends=None, **fields):
    """Give an item that ended so many seconds after its send, `run` days after the first."""
    sent = DAY + timedelta(days=run)
    usual = {
        "item_id": f"r{run}-{number:02d}",
        "run_id": f"run-r{run}",
        "seq": number,
        "endpoint": "e",
        "project_id": "p",
        "pool_id": f"p{number}",
        "pool_name": f"eng-{number:02d}",
        "state": "ended",
        "verdict": "done",
        "job_id": f"job-{run}-{number}",
        "sent_at": sent,
        "ended_at": sent + timedelta(seconds=seconds),
        "targets": {f"d{n}": {"name": f"pc-{n}", "user": f"user-{n}"} for n in range(desktops)},
        "desktops": ends or {},
    }
    return ItemRow.model_validate(usual | fields)


def mismatch(desktop="d1", image="old", wanted="new", pool="p1", name="eng-01"):
    return Mismatch(
        pool_id=pool,
        pool_name=name,
        pool_image_id=wanted,
        desktop_id=desktop,
        desktop_name=f"pc-{desktop}",
        desktop_image_id=image,
        user_name="ana",
        status="ACTIVE",
        login_status="REGISTERED",
    )


def audit(*rows, pools=()):
    return Audit(taken_at=DAY, pools=pools, desktops=9, mismatches=rows)


def recorded(day, *rows):
    return AuditRow(
        at=DAY + timedelta(days=day),
        endpoint="e",
        project_id="p",
        profile="d",
        pools=1,
        desktops=9,
        mismatches=tuple(map(asdict, rows)),
    )


def test_a_mismatch_is_known_since_an_audit_first_saw_it():
    """The same desktop, the same image, below the same image of its pool."""
    kept = [recorded(5, mismatch()), recorded(1, mismatch()), recorded(3, mismatch("d2"))]
    now = audit(mismatch(), mismatch("d2", image="other"), mismatch("d3"))

    assert since(now, kept) == {"d1": DAY + timedelta(days=1)}
    assert since(now, []) == {}
    assert since(audit(), kept) == {}


def test_another_image_of_the_pool_is_another_mismatch():
    """A new image for the pool makes all its desktops differ anew."""
    assert since(audit(mismatch(wanted="newest")), [recorded(1, mismatch())]) == {}


def test_a_forecast_takes_jobs_of_about_the_same_size():
    """Half to twice as many desktops, where there are three such jobs."""
    small = [item(n, desktops=4, seconds=60 * n) for n in range(1, 5)]
    large = [item(n, desktops=40, seconds=6000) for n in range(1, 5)]

    assert forecast(small + large, 4) == Forecast(150.0, pytest.approx(222), 4)
    assert forecast(small + large, 40).likely == 6000
    assert forecast(small + large[:1], 40) == Forecast(180.0, pytest.approx(3696), 5)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [item(1), item(2)],
        [item(n, job_id=None) for n in range(5)],
        [item(n, sent_at=None) for n in range(5)],
        [item(n, ended_at=None) for n in range(5)],
        [item(n, desktops=0) for n in range(5)],
    ],
)
def test_of_too_little_nothing_is_forecast(rows):
    """Three jobs that were sent and have ended: with less there is no number."""
    assert forecast(rows, 4) is None


def test_a_forecast_for_no_desktop_divides_by_nothing():
    """A size of 0 is compared, not divided by."""
    assert forecast([item(n) for n in range(3)], 0).jobs == 3


def test_forecasts_go_by_pool_and_twins_are_told_apart():
    """Two pools of the same name are two rows, each with its own number of desktops."""
    pools = (Pool(id="p1", name="twin"), Pool(id="p2", name="twin"), Pool(id="p3", name="fin"))
    rows = [mismatch(f"d{n}", pool="p1", name="twin") for n in range(3)]
    rows += [mismatch("d9", pool="p2", name="twin"), mismatch("d8", pool="p3", name="fin")]
    sizes, found = forecasts_of(Past(items=tuple(map(item, range(5)))), audit(*rows, pools=pools))

    assert sizes == {"twin (p1)": 3, "twin (p2)": 1, "fin": 1}
    assert found.keys() == sizes.keys()
    assert found["fin"].jobs == 5
    assert forecasts_of(Past(), audit()) == ({}, {})


def test_the_last_durations_come_oldest_first():
    """Of several runs, `most` at the most, twins within a run included."""
    past = Past(
        items=(
            item(1, run=2, seconds=10),
            item(2, run=2, seconds=20, pool_name="eng-01"),
            item(1, run=1, seconds=30),
            item(2, run=1, ended_at=None),
        )
    )

    assert durations_of(past, 50) == {
        "eng-01 (r1-01)": 30,
        "eng-01 (r2-01)": 10,
        "eng-01 (r2-02)": 20,
    }
    assert list(durations_of(past, 2)) == ["eng-01 (r2-01)", "eng-01 (r2-02)"]
    assert durations_of(past, 0) == {}
    assert seconds_of(item(1, sent_at=None)) is None


def test_who_failed_twice_is_a_repeat_offender():
    """Its last reason is told; good ends and single failures do not count."""
    failed = {"state": "failed", "reason": "WKS.1"}
    well = {"state": "left_in_use", "reason": ""}
    later = {"d0": failed | {"reason": "WKS.2"}, "d1": failed, "d2": well | {"state": "done"}}
    first = {"d0": failed, "d2": well}
    found = offenders(Past(items=(item(run=2, ends=later), item(run=1, ends=first))))

    assert [(one.desktop, one.user, one.times, one.last) for one in found] == [
        ("pc-0", "user-0", 2, "WKS.2")
    ]


def test_who_differs_again_is_a_repeat_offender():
    """Three different mismatches are two relapses; the same one seen again is none."""
    kept = (
        recorded(3, mismatch(image="c"), mismatch("d2")),
        recorded(2, mismatch(image="b"), mismatch("d2")),
        recorded(1, mismatch(image="a"), mismatch("d2")),
    )
    found = offenders(Past(audits=kept))

    assert [(one.desktop, one.times, one.last) for one in found] == [("pc-d1", 2, "differs again")]
    assert offenders(Past()) == ()


def test_the_worst_offender_comes_first():
    """By how often."""
    bad = {"state": "failed", "reason": "x"}
    runs = tuple(item(run=n, ends={"d0": bad} | ({"d1": bad} if n < 3 else {})) for n in range(4))

    assert [one.times for one in offenders(Past(items=runs))] == [4, 3]


def test_the_audits_of_a_place_come_newest_first_and_not_all(journal, monkeypatch):
    """The last ones, by the instant at which they were taken, not kept."""
    monkeypatch.setattr(recorded_room, "_MOST", 2)
    for day in (2, 3, 1):
        seen = audit().model_copy(update={"taken_at": DAY + timedelta(days=day), "project_id": "p"})
        journal.keep_audit(seen, "e", "d")

    assert [kept.at.day for kept in journal.audits("e", "p")] == [26, 25]
    assert journal.audits("e", "another") == ()
