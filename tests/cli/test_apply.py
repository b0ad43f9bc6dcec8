"""`wsops apply`: a dry run unless approved, and what it says of the run."""

import csv
import io
import json

import pytest

COLUMNS = {"pool_id", "verdict", "job_id", "desktops", "reason"}


def test_without_approval_it_is_a_dry_run(place, planned, wsops, sent):
    """The plan is shown once, nothing is sent, and the command to apply it can be copied."""
    path, plan = planned()
    said = wsops("apply", path).out
    assert "dry run: nothing was sent" in said
    assert said.count("exact requests") == 1
    assert f"wsops apply {path} --yes --digest {plan['digest']}" in said
    assert sent(place) == 0


def test_a_dry_run_is_a_document(place, planned, wsops, sent, tmp_path):
    """With --json it lists the pools as planned, and makes no journal."""
    path, plan = planned()
    document = wsops("apply", path, "--json").document
    assert document["verdict"] == "planned"
    assert [item["pool_id"] for item in document["items"]] == [
        item["pool_id"] for item in plan["items"]
    ]
    assert all(item.keys() >= COLUMNS for item in document["items"])
    assert not (tmp_path / "state").exists()
    assert sent(place) == 0


def test_dry_run_wins_over_yes(place, planned, wsops, sent):
    """--dry-run sends nothing, whatever else is given."""
    path, plan = planned()
    wsops("apply", path, "--yes", "--digest", plan["digest"], "--dry-run")
    assert sent(place) == 0


@pytest.mark.parametrize(
    "approval",
    [(), ("--max-desktops", "99"), ("--expect-image", "x")],
    ids=["nothing", "number", "image"],
)
@pytest.mark.parametrize("face", [(), ("--json",)], ids=["human", "json"])
def test_yes_alone_is_a_usage_error(place, planned, wsops, sent, approval, face):
    """--yes approves nothing by itself; the sentence says what is missing."""
    path, _ = planned()
    done = wsops("apply", path, "--yes", *approval, *face, code=2)
    assert "--yes wants --digest D, or --max-desktops N together with --expect-image" in done.err
    if face:
        assert done.error["type"] == "UsageError"
    assert sent(place) == 0


def test_by_its_digest_it_is_carried_out(place, planned, wsops, sent, behind):
    """Every pool is sent once, followed, read back, and the fleet is well afterwards."""
    path, plan = planned()
    document = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json").document
    assert document["verdict"] in {"done", "left_in_use"}
    assert all(item.keys() >= COLUMNS for item in document["items"])
    assert all(item["job_id"] for item in document["items"])
    counted = sum(sum(item["desktops"].values()) for item in document["items"])
    assert counted == plan["desktops"]
    assert sent(place) == len(plan["items"])
    left = {
        one.login_status
        for pool in behind(place)
        for one in pool.desktops
        if one.image_id != pool.image_id
    }
    assert left <= {"CONNECTED", "DISCONNECTED"}


def test_by_number_and_image_it_is_carried_out(place, planned, wsops, sent):
    """Headless, the number of desktops together with the images is an approval."""
    path, plan = planned()
    images = [part for item in plan["items"] for part in ("--expect-image", item["image_id"])]
    number = ("--max-desktops", plan["desktops"])
    wsops("apply", path, "--yes", *number, *images)
    assert sent(place) == len(plan["items"])


def test_a_person_reads_how_it_went(place, planned, wsops):
    """Progress goes to stderr; stdout has each pool with verdict and job, and the run's."""
    path, plan = planned()
    done = wsops("apply", path, "--yes", "--digest", plan["digest"])
    for item in plan["items"]:
        assert item["pool_name"] in done.out
        assert f"{item['pool_name']}: job " in done.err
    assert f"run-{plan['plan_id']}" in done.out
    for job in place.cloud.jobs:
        assert f"job {job}" in done.out


@pytest.mark.parametrize(
    ("approval", "says"),
    [
        (("--digest", "sha256:0"), "is not the plan's"),
        (("--max-desktops", "1", "--expect-image", "any"), "approved are 1"),
        (("--max-desktops", "999", "--expect-image", "any"), "which was not expected"),
    ],
    ids=["digest", "number", "image"],
)
def test_a_wrong_approval_is_refused(place, planned, refused, approval, says):
    """Another digest, a smaller number or another image approves nothing."""
    path, _ = planned()
    refused("apply", path, "--yes", *approval, code=5, says=says)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--max-desktops", 1), "approved are 1"),
        (("--expect-image", "another-image"), "which was not expected"),
        (("--max-desktops", 999, "--expect-image", "another-image"), "which was not expected"),
    ],
)
def test_what_is_given_beside_a_digest_has_to_hold_as_well(planned, refused, more, says):
    """Whoever types a cap and an image means them."""
    path, plan = planned()
    refused("apply", path, "--yes", "--digest", plan["digest"], *more, code=5, says=says)


def test_a_plan_works_once(planned, wsops, refused, tmp_path):
    """The file, and a copy of it, are refused once it was applied; the run is named."""
    path, plan = planned()
    wsops("apply", path, "--yes", "--digest", plan["digest"])
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    for file in (path, copy):
        says = f"applied as run-{plan['plan_id']}"
        error = refused("apply", file, "--yes", "--digest", plan["digest"], code=5, says=says)
        assert error["type"] == "PlanUsed"


def test_a_failed_desktop_is_named(place, planned, wsops, behind):
    """The desktop that failed, its user and the reason are in all faces; exit code 4."""
    path, plan = planned("fin-office-01")
    target = plan["items"][0]["targets"][0]
    place.cloud.faults.add(
        "desktop_fails",
        args={"desktop_ids": [target["desktop_id"]], "code": "WKS.7", "reason": "no capacity"},
    )
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], code=4)
    assert "who needs help" in done.out
    assert target["desktop_name"] in done.out
    assert "WKS.7 no capacity" in done.out
    document = wsops("status", "--json", code=4).document
    assert document["verdict"] == "partial"
    assert document["items"][0]["desktops"]["failed"] == 1


def test_a_pool_that_fails_whole_stops_the_run(place, planned, wsops, sent):
    """A failed canary ends the run: the other pools are not sent, and the reason is said."""
    path, plan = planned()
    first = [target["desktop_id"] for target in plan["items"][0]["targets"]]
    place.cloud.faults.add("desktop_fails", args={"desktop_ids": first})
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=4)
    assert sent(place) == 1
    assert "canary" in done.document["reason"]
    assert [item["verdict"] for item in done.document["items"]] == ["failed", "planned", "planned"]


def test_a_stale_plan_sends_nothing(place, planned, wsops, sent):
    """A pool whose image changed since the plan is refused; exit code 5."""
    path, plan = planned("fin-office-01")
    pool = place.cloud.pools[plan["items"][0]["pool_id"]]
    other = next(one for one in place.cloud.images if one != pool.image_id)
    place.cloud.set_pool_image(pool.id, other)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=5)
    assert done.document["verdict"] == "refused"
    assert "image is now" in done.document["items"][0]["reason"]
    assert sent(place) == 0


def test_a_desktop_that_came_since_holds_the_pool(place, planned, wsops, sent):
    """A set of desktops other than the approved one is not touched."""
    path, plan = planned("fin-office-01")
    pool = place.cloud.pools[plan["items"][0]["pool_id"]]
    extra = place.cloud.add_desktop(pool.id)
    place.cloud.set_desktop_image(extra.id, "another-image")
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=5)
    assert "1 more" in done.document["items"][0]["reason"]
    assert sent(place) == 0


def test_a_service_that_refuses_is_quoted(place, planned, wsops, sent):
    """A 403 ends the item as rejected, with the service's words; nothing is tried again."""
    path, plan = planned("fin-office-01")
    place.cloud.denied.add("RebuildDesktopPool")
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=4)
    assert done.document["verdict"] == "rejected"
    assert "403 APIGW.0302" in done.document["items"][0]["reason"]
    assert sent(place) == 1


def test_a_lost_answer_is_unknown_then_found(place, planned, wsops, sent):
    """An answer lost after execution is looked for and its job adopted; one request was sent."""
    path, plan = planned("fin-office-01")
    place.cloud.faults.add("lost", operation="RebuildDesktopPool", times=1)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"])
    assert "job " in done.err
    assert sent(place) == 1


def test_the_help_desk_gets_a_table_and_three_lines(place, applied, wsops, tmp_path):
    """Who is concerned goes into a CSV, the rest into lines to mail."""
    document = applied()
    file = tmp_path / "help.csv"
    said = wsops("handover", document["run_id"], "-o", file).out
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert set(rows[0]) == {"user", "desktop", "pool", "state", "reason"}
    assert len(rows) == sum(sum(item["desktops"].values()) for item in document["items"])
    assert "No desktop is known to need help." in said
    assert "help.csv" in said
    told = wsops("handover", "--json").document
    assert told["run_id"] == document["run_id"]
    assert len(told["mail"]) == 3
    assert (tmp_path / told["csv"]).is_file()


def test_a_repair_after_a_repair_takes_only_what_is_left(place, applied, planned, wsops):
    """The natural plan after a partial run is over those that still differ."""
    target = next(
        one.id
        for p in place.cloud.pools.values()
        if p.name == "fin-office-01"
        for one in p.desktops
        if one.image_id != p.image_id
    )
    place.cloud.faults.add("desktop_fails", args={"desktop_ids": [target]})
    applied("fin-office-01", code=4)
    place.cloud.faults.clear()
    path, plan = planned("fin-office-01", name="again.json")
    assert [t["desktop_id"] for t in plan["items"][0]["targets"]] == [target]
    wsops("apply", path, "--yes", "--digest", plan["digest"])
    assert json.loads(wsops("audit", "fin-office-01", "--json").out)["mismatches"] == []
