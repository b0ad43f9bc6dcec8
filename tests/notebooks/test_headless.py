"""The notebooks without a person: what they send, what they keep, and what their files say."""

import csv
import shlex
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from wsops.simulator import Options
from wsops.simulator.cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]


def typed(line):
    """Run a command line of papermill as someone types it in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verdicts(runs):
    return [[row.verdict or row.state for row in rows] for rows in runs.values()]


@pytest.mark.parametrize("name", ["05", "10", "20", "30", "40", "50"])
def test_with_its_defaults_a_notebook_sends_nothing(cloud, lead, play, name):
    """By plain papermill it comes to its end, says where it was, and holds no secret."""
    here = cloud()
    lead(here)
    played = play(name, plain=True)

    assert played.error is None, played.plain
    assert played.summary.verdict in {"planned", "done"}
    assert played.summary.place.environment == "SIMULATOR"
    assert here.posts == []
    assert here.sim.token not in played.path.read_text()


def test_the_tour_needs_no_settings(play):
    """It brings a simulator of its own, repairs it, and names the desktop that was made to fail."""
    twin = Cloud(Options(pools=2, desktops=20, seed=9, speed=60))
    images = ",".join(sorted({pool.image_id for pool in twin.pools.values()}))
    played = play("00", fleet=2, seed=9, apply=True, max_desktops=40, expect_images=images)

    assert played.error is None, played.plain
    assert played.summary.verdict == "partial"
    assert played.summary.place.environment == "SIMULATOR"
    assert [one.reason for one in played.summary.help] == ["WKS.00010034 no capacity in the zone"]
    assert f"{played.summary.help[0].desktop} of " in played.plain


@pytest.mark.parametrize("region", ["old", "new"])
def test_an_approved_repair_is_carried_out_once(cloud, lead, play, kept, region):
    """One request a pool; every desktop is read back, and the journal agrees with the cloud."""
    here = cloud(region=region)
    lead(here)
    pools = {pool.id for pool in here.sim.cloud.pools.values()}
    wanted = {desktop.pool_id for desktop in here.behind} & pools
    played = play("20", plain=region == "old", change="CHG-7", **here.approval)
    runs = kept()

    assert played.error is None, played.plain
    assert (played.summary.verdict, played.summary.change) == ("done", "CHG-7")
    assert verdicts(runs) == [["done"] * len(wanted)]
    assert list(runs) == [played.summary.run_id]
    assert {entry.pool_id for entry in here.posts} == wanted
    assert len(here.posts) == len(wanted)
    assert here.behind == []
    assert here.sim.token not in played.path.read_text()


def test_an_approved_rebuild_switches_the_pool(cloud, lead, play):
    """The pool that is named, and no other, gets the image that is named."""
    here = cloud()
    lead(here)
    pools = list(here.sim.cloud.pools.values())
    pool = next(one for one in pools if one.name.startswith("fin-office"))
    image = here.other_image(pool)
    number = len(pool.desktops)
    approval = {"apply": True, "max_desktops": number, "expect_images": f"{pool.name}={image}"}
    played = play("30", pools=pool.name, image_id=image, **approval)

    assert played.error is None, played.plain
    assert (played.summary.kind, played.summary.verdict) == ("rebuild", "done")
    assert [entry.pool_id for entry in here.posts] == [pool.id]
    assert {desktop.image_id for desktop in pool.desktops} == {image}


def test_an_image_that_is_not_there_is_not_sent(cloud, lead, play):
    """The pool is left out, and the verdict says so and why."""
    here = cloud()
    lead(here)
    played = play("30", pools="fin-*", image_id="strange", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "skipped"
    assert "the image strange is not among the images" in played.summary.headline
    assert here.posts == []


def test_papermill_on_the_command_line_plans(cloud, lead, opened, tmp_path):
    """The line of the README makes the plan, ends with 0, and sends nothing."""
    here = cloud(mismatch=0.9)
    lead(here)
    out = tmp_path / "out.ipynb"
    done = typed(f"papermill notebooks/20_repair_mismatches.ipynb '{out}' -p pools 'eng-*'")
    played = opened(out)

    assert done.returncode == 0, done.stderr
    assert (played.summary.verdict, played.summary.counts["pools"]) == ("planned", 1)
    assert here.posts == []


def test_papermill_on_the_command_line_fails_where_the_notebook_does(cloud, lead, opened, tmp_path):
    """Apply without numbers: exit code 1, the last lines say what to do, the file keeps it."""
    here = cloud()
    lead(here)
    out = tmp_path / "out.ipynb"
    done = typed(f"papermill notebooks/20_repair_mismatches.ipynb '{out}' -p apply True")

    assert done.returncode == 1
    assert "NotApproved: apply without a person" in done.stderr
    assert "to do: read the plan, then give both as parameters" in done.stderr
    assert opened(out).complaint.ename == "NotApproved"
    assert here.posts == []


@pytest.mark.parametrize(
    ("name", "parameters", "error", "says"),
    [
        ("20", {"max_desktops": 0}, "NotApproved", "max_desktops"),
        ("20", {"max_desktops": 1}, "BlastRadius", "approved are 1"),
        ("20", {"expect_images": "00000000-0000-4000-8000-000000000000"}, "NotApproved", "build"),
        ("20", {"pools": "nobody-*"}, "PlanError", "nobody-*"),
        ("30", {"pools": "fin-*"}, "PlanError", "needs an image"),
    ],
    ids=["no number", "too few", "another image", "no such pool", "no image"],
)
def test_what_is_not_approved_or_cannot_be_stops_it(
    cloud, lead, play, kept, name, parameters, error, says
):
    """It ends at that cell with two lines, what and what to do; no request, no run."""
    here = cloud()
    lead(here)
    played = play(name, **(here.approval | parameters))
    complaint = played.complaint

    assert played.error.ename == complaint.ename == error
    assert says in complaint.evalue
    assert len(complaint.traceback) == 2
    assert complaint.traceback[1].startswith("to do: ")
    assert (here.posts, kept()) == ([], {})


def test_without_any_settings_it_says_which_are_missing(play):
    """The first cell that needs them ends it, without a wall of code."""
    played = play("20")

    assert played.complaint.ename == "SettingsError"
    assert len(played.complaint.traceback) == 2
    assert "to do: " in played.complaint.traceback[1]
    assert played.summary is None


@pytest.mark.parametrize("name", ["10", "20", "50"])
def test_an_empty_fleet_is_no_error(cloud, lead, play, name):
    """No pool: there is nothing to do, even where it is told to."""
    here = cloud(pools=0)
    lead(here)
    more = {"apply": True, "max_desktops": 9, "expect_images": "any"} if name == "20" else {}
    played = play(name, **more)

    assert played.error is None, played.plain
    assert played.summary.verdict == "done"
    assert here.posts == []


@pytest.mark.parametrize(("region", "verdict"), [("new", "left_in_use"), ("old", "skipped")])
def test_desktops_in_use_are_left_alone(cloud, lead, play, region, verdict):
    """Where the region spares them by itself it is asked to, else their pools are left out."""
    here = cloud(region=region)
    for desktop in here.behind:
        here.sim.cloud.set_login(desktop.id, "CONNECTED", "ana")
    lead(here)
    before = {desktop.id for desktop in here.behind}
    played = play("20", **here.approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == verdict
    assert {desktop.id for desktop in here.behind} == before
    assert bool(here.posts) is (region == "new")


def test_a_recorded_audit_tells_the_next_one_since_when(cloud, lead, play, tmp_path):
    """The second file has, for every desktop, the time of the first audit; both are private."""
    here = cloud()
    lead(here)
    first = play("10", record=True, save_as=str(tmp_path / "first.csv"))
    second = play("10", record=True, save_as=str(tmp_path / "second.xlsx"))
    with (tmp_path / "first.csv").open(encoding="utf-8-sig", newline="") as file:
        fresh = list(csv.DictReader(file))
    [sheet] = openpyxl.load_workbook(tmp_path / "second.xlsx").worksheets
    heads, *known = sheet.iter_rows(values_only=True)
    modes = {(tmp_path / name).stat().st_mode & 0o777 for name in ("first.csv", "second.xlsx")}
    since = next(n for n, head in enumerate(heads) if "since" in head)

    assert first.error is second.error is None
    assert second.summary.counts["mismatches"] == len(here.behind) == len(fresh) == len(known)
    assert {row["since"] for row in fresh} == {""}
    assert all(row[since] for row in known)
    assert modes == {0o600}


def test_the_past_tells_how_long_the_next_repair_takes(cloud, lead, play, before):
    """After three jobs there is a forecast for the pool that still differs."""
    here = cloud(pools=5, mismatch=0.9)
    lead(here)
    *repaired, left = sorted({desktop.pool_id for desktop in here.behind})
    rows = before(here, repaired)
    played = play("50")
    [forecast] = played.rows("What the next repair may take")

    assert [row.verdict for row in rows] == ["done"] * 4
    assert played.error is None, played.plain
    assert played.summary.counts["pools sent"] == 4
    assert forecast[0] == here.sim.cloud.pools[left].name
    assert (len(forecast), forecast[-1]) == (5, "4")
