"""Rows that are asked for again, approvals that are typed, and what a person sees meanwhile."""

import json
import os

import pytest
from click import UsageError

from tests.batch.conftest import NOTEBOOKS, words
from tests.batch.test_ledger import spec
from tests.cli.conftest import place  # noqa: F401  (a fixture)
from tests.cli.test_typed import terminal  # noqa: F401  (a fixture)
from wsops.batch import again
from wsops.batch.ledger import Ledger
from wsops.batch.summing import runs_of, troubles_of
from wsops.batch.view import as_it_stands
from wsops.cli.batch_run import numbers as read_numbers
from wsops.errors import BatchError
from wsops.settings import load
from wsops.summary import Trouble

BREAKS = "import os\nif n == 2 and not os.path.exists('mended'):\n    raise ValueError('not yet')"
REPAIR = NOTEBOOKS / "20_repair_mismatches.ipynb"


def test_an_index_is_enough_to_try_its_failed_rows_again(
    book, numbers, ran, wsops, folder, tmp_path
):
    """By its page the same batch is found, and has a new attempt of the row that failed."""
    first = ran(book(BREAKS), "--params", numbers(3), code=4)
    index = folder() / "index.html"
    (tmp_path / "mended").touch()
    document = wsops("batch", "retry", "--failed", "--from-report", index, "--json").document

    assert document["batch_id"] == first["batch_id"]
    assert words(document) == ["done", "done", "done"]
    assert [run["attempt"] for run in document["runs"]] == [1, 2, 1]


def test_an_index_of_another_journal_makes_a_new_batch(
    book, numbers, ran, wsops, folder, tmp_path, monkeypatch
):
    """Of the rows that had failed by the page, with the notebook that lies beside it."""
    ran(book(BREAKS), "--params", numbers(3), code=4)
    index = folder() / "index.html"
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "another.sqlite"))
    (tmp_path / "mended").touch()
    looked = wsops("batch", "retry", "--failed", "--from-report", index, "--dry-run").out
    assert "dry run of 1 row" in looked
    assert not (tmp_path / "another.sqlite").exists()
    document = wsops("batch", "retry", "--failed", "--from-report", index, "--json").document

    assert [(run["row"], run["verdict"]) for run in document["runs"]] == [(2, "done")]
    assert folder() != index.parent


def test_a_notebook_that_was_changed_is_not_run_again_as_the_same(
    book, numbers, ran, wsops, folder, tmp_path, monkeypatch
):
    """The index says which bytes were run; other ones need a batch of their own."""
    ran(book(BREAKS), "--params", numbers(3), code=4)
    here = folder()
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "another.sqlite"))
    (here / "try.ipynb").write_bytes((here / "try.ipynb").read_bytes() + b"\n")
    retry = ("batch", "retry", "--failed", "--from-report", here / "index.html")

    assert "is not the notebook that the batch has run" in wsops(*retry, code=5).err
    (here / "try.ipynb").unlink()
    assert "cannot be read" in wsops(*retry, code=5).err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--failed",), "no row has failed"),
        (("--rows", "9"), "there is no row 9; the last one is 2"),
        (("--rows", "1", "--apply", "--max-desktops", "3"), "was made without --apply"),
    ],
)
def test_what_cannot_be_tried_again_is_said(book, numbers, ran, wsops, arguments, says):
    """One sentence; no attempt is made."""
    before = ran(book("n"), "--params", numbers(2))
    told = wsops("batch", "retry", *arguments, code=5)

    assert says in told.err
    assert wsops("batch", "status", "--json").document == before


def test_nothing_is_tried_again_before_a_batch_has_ended(
    book, numbers, start, until, wsops, tmp_path
):
    """Neither while another process drives it, whose stop stays, nor while rows of it wait."""
    notebook = book(
        "import os, time\nopen(f'began-{n}', 'w').close()",
        "while not os.path.exists('go'):\n    time.sleep(0.05)",
    )
    child = start("batch", "run", notebook, "--params", numbers(4), "--workers", "1")
    until((tmp_path / "began-1").exists, within=60)
    [batch_id] = [one["batch_id"] for one in wsops("batch", "list", "--json").document["batches"]]
    wsops("batch", "stop", batch_id)
    told = wsops("batch", "retry", "--rows", "2", code=5)
    (tmp_path / "go").touch()
    child.communicate(timeout=60)
    shown = wsops("batch", "status", "--json", code=4).document

    assert "has not ended" in told.err
    assert words(shown) == ["done"] + ["not_started"] * 3
    assert "as requested" in shown["stop"]


def test_rows_that_are_done_can_be_run_again_by_number(book, numbers, ran, wsops):
    """They are named one by one: then they are meant."""
    ran(book("n"), "--params", numbers(4))
    document = wsops("batch", "retry", "--rows", "1,3-4", "--json").document

    assert [run["attempt"] for run in document["runs"]] == [2, 1, 2, 2]


@pytest.mark.parametrize(("text", "found"), [("3", {3}), ("1, 3-5,4", {1, 3, 4, 5}), ("7-7", {7})])
def test_rows_are_named_by_numbers_and_ranges(text, found):
    """Spaces do not count, nor does naming one twice."""
    assert read_numbers(text) == found


@pytest.mark.parametrize("text", ["", ",", "5-3", "3-", "x", "1-x", "-3", "1.5", "²", "9999999"])
def test_what_is_no_number_of_a_row_is_refused(text):
    """Names the part; what names no row must not pass for all that failed."""
    with pytest.raises(UsageError, match="--rows wants numbers"):
        read_numbers(text)


def test_a_person_types_the_profile_and_the_number(fleet_to_repair, audited, terminal, wsops):
    """Once for all rows; the rows run, several lines live, and the table stands at the end."""
    fleet = fleet_to_repair(pools=3)
    total = fleet.total
    here = terminal("batch", "run", REPAIR, "--from-audit", audited(), "--apply")
    here.read_until("how many desktops")
    here.type(f"default {total}\n")

    assert here.ends() == 0, here.screen
    assert fleet.pools == []
    assert "✓" in here.screen
    assert "index.html" in here.screen
    document = wsops("batch", "status", "--json").document
    assert document["totals"] == {"done": total}


def test_what_a_person_mistypes_begins_nothing(fleet_to_repair, audited, terminal, wsops):
    """Another name, or no number: refused, no batch is made."""
    fleet = fleet_to_repair(pools=3)
    here = terminal("batch", "run", REPAIR, "--from-audit", audited(), "--apply")
    here.read_until("how many desktops")
    here.type("prod 12\n")

    assert here.ends() == 5
    assert "is not the profile's name" in here.screen
    assert fleet.posts == []
    wsops("batch", "list", code=5)


def test_rows_that_are_asked_for_again_are_approved_by_hand(
    fleet_to_repair, audited, terminal, wsops
):
    """Without a number the retry shows its rows and asks for it, as the first run did."""
    fleet = fleet_to_repair(pools=3)
    sick = fleet.behind(fleet.pools[-1])[0]
    fleet.fail([sick])
    approved = ("--apply", "--max-desktops", fleet.total)
    wsops("batch", "run", REPAIR, "--from-audit", audited(), *approved, code=4)
    fleet.sim.cloud.faults.clear()
    before = len(fleet.posts)
    looked = wsops("batch", "retry", "--failed", "--dry-run").out
    assert "dry run of 1 row: nothing was run" in looked
    assert "failed" in looked or "partial" in looked
    assert "in_use" not in looked
    here = terminal("batch", "retry", "--failed", "--apply")
    here.read_until("how many desktops")
    asked = here.screen
    assert "such as: default NUMBER" in asked
    here.type("default 1\n")

    assert here.ends() == 0, here.screen
    assert "1 row, applies" in asked
    assert len(fleet.posts) == before + 1
    assert fleet.pools == []


def test_a_run_of_a_batch_is_known_as_one(fleet_to_repair, repair, wsops):
    """History names its batch; none of them goes on, so there is nothing to stop."""
    fleet = fleet_to_repair(pools=2)
    batch_id = repair(max_desktops=fleet.total)["batch_id"]
    runs = wsops("history", "--json").document["runs"]

    assert [run["batch_id"] for run in runs] == [batch_id] * 2
    assert batch_id in wsops("history").out
    assert "no run of this project goes on" in wsops("stop", code=5).err


def test_rows_are_not_asked_for_again_from_another_place(
    fleet_to_repair, repair, wsops, monkeypatch
):
    """Refused before a round is begun: the batch has ended as before."""
    fleet = fleet_to_repair(pools=3)
    batch_id = repair(max_desktops=fleet.total)["batch_id"]
    before = wsops("batch", "status", batch_id, "--json").document
    monkeypatch.setenv("WSOPS_PROJECT_ID", "f" * 32)
    told = wsops("batch", "retry", batch_id, "--rows", "1", "--apply", "--max-desktops", 1, code=5)

    assert "you are elsewhere" in told.err
    assert wsops("batch", "status", batch_id, "--json").document == before


def test_rows_that_others_have_tried_meanwhile_are_not_begun(place, tmp_path):
    """What is begun are the rows that were shown, and no others."""
    settings = load(None)
    with Ledger.open(settings.journal_place) as ledger:
        here = (settings.endpoint, settings.project_id)
        made = spec(3, apply=True, max_desktops=9)
        ledger.begin("batch-1", made, str(tmp_path), "tester", here)
        _tried(ledger, ("done", "failed", "done"), 1)
        shown, begin = again.ask(settings, again.Wanted("batch-1", None, None, apply=True))
        ledger.ask_again("batch-1", [2, 3], 9)
        _tried(ledger, ("", "done", "failed"), 2)

        assert [row.number for row in shown.rows] == [2]
        with pytest.raises(BatchError, match="now 3"):
            begin(settings, 5)
        assert ledger.batch("batch-1").round == 2


def test_a_retry_that_was_refused_hides_nobody_in_need(place, wsops, tmp_path):
    """The row had sent: who needed help then still does, and the batch did send."""
    settings = load(None)
    here = (settings.endpoint, settings.project_id)
    maria = Trouble(desktop_id="d1", desktop="pc-1", user="maria", pool="eng", state="failed")
    with Ledger.open(settings.journal_place) as ledger:
        made = spec(1, apply=True, max_desktops=9)
        ledger.begin("batch-1", made, str(tmp_path), "tester", here)
        _tried(ledger, ("partial",), 1, help=(maria,))
        ledger.ask_again("batch-1", [1], 9)
        _tried(ledger, ("refused",), 2)
        whole = as_it_stands(ledger, "batch-1")

    assert troubles_of(runs_of(whole)) == ((maria,), ())
    assert whole.verdict == "failed"


def _tried(ledger, verdicts, attempt, **facts):
    for row, verdict in enumerate(verdicts, 1):
        if verdict:
            one = ledger.start(f"batch-1/{row:04d}.{attempt}", "worker 1")
            ledger.finish(one.over(verdict, "", **facts))
    ledger.end("batch-1", "partial")


def test_who_types_an_approval_types_the_profile_of_the_rows(
    fleet_to_repair, wsops, monkeypatch, tmp_path
):
    """Rows run with the profile that their batch was made with, whoever tries them again."""
    fleet = fleet_to_repair(pools=2)
    keys = ("endpoint", "iam_endpoint", "region", "project_id")
    lines = [f'{key} = "{os.environ[f"WSOPS_{key.upper()}"]}"' for key in keys]
    other = [line.replace(os.environ["WSOPS_PROJECT_ID"], "f" * 32) for line in lines]
    parts = ["[profiles.default]", *other, "[profiles.other]", *lines]
    (tmp_path / "wsops.toml").write_text("\n".join(parts))
    for key in keys:
        monkeypatch.delenv(f"WSOPS_{key.upper()}")
    fleet.fail([one for pool in fleet.pools for one in fleet.behind(pool)])
    seen = wsops("audit", "--json", "--profile", "other").document
    (tmp_path / "audit.json").write_text(json.dumps(seen))
    given = ("--from-audit", tmp_path / "audit.json", "--profile", "other", "--apply")
    wsops("batch", "run", REPAIR, *given, "--max-desktops", fleet.total, code=4)
    before = len(fleet.posts)
    again_ = ("batch", "retry", "--failed", "--apply", "--max-desktops", 9)

    assert "you are elsewhere" in wsops(*again_, code=5).err
    told = wsops(*again_, "--profile", "default", code=5)
    assert "you are elsewhere" in told.err
    assert len(fleet.posts) == before
    fleet.sim.cloud.faults.clear()
    wsops(*again_, "--profile", "other")
    assert fleet.pools == []


def test_a_batch_that_applies_is_of_one_project(fleet_to_repair, repair, monkeypatch):
    """Looked up where the profile does not name it, before a row begins."""
    fleet = fleet_to_repair(pools=2)
    project_id = os.environ["WSOPS_PROJECT_ID"]
    monkeypatch.delenv("WSOPS_PROJECT_ID")
    batch_id = repair(max_desktops=fleet.total)["batch_id"]
    with Ledger.known(load(None).journal_place) as ledger:
        assert ledger.batch(batch_id).project_id == project_id


def test_a_service_that_is_not_there_begins_no_batch_that_applies(
    fleet_to_repair, audited, wsops, monkeypatch
):
    """Found out at once, not by the canary."""
    fleet = fleet_to_repair(pools=2)
    path = audited()
    monkeypatch.delenv("WSOPS_PROJECT_ID")
    monkeypatch.setenv("WSOPS_IAM_ENDPOINT", "http://127.0.0.1:9")
    given = ("--from-audit", path, "--apply", "--max-desktops", fleet.total)
    told = wsops("batch", "run", REPAIR, *given, code=1)
    assert "cannot connect" in told.err
    wsops("batch", "list", code=5)


def test_a_batch_is_handed_over_as_it_stands(fleet_to_repair, repair, wsops, tmp_path):
    """Of a pool that was tried twice its end counts; what was not begun is said."""
    fleet = fleet_to_repair(pools=3)
    sick = fleet.behind(fleet.pools[-1])[0]
    fleet.fail([sick])
    document = repair(max_desktops=fleet.total, code=4)
    path = tmp_path / "h.csv"
    first = wsops("handover", document["batch_id"], "-o", path).out
    fleet.sim.cloud.faults.clear()
    wsops("batch", "retry", "--failed", "--apply", "--max-desktops", 1)
    second = wsops("handover", document["batch_id"], "-o", path).out
    rows = path.read_text().splitlines()[1:]

    assert "In need of help: 1 desktop" in first
    assert "verdict: partial" in first
    assert "No desktop is known to need help" in second
    assert "verdict: done" in second
    assert len(rows) == len({row.split(",")[1] for row in rows})
    assert all(",done," in row or ",left_in_use," in row for row in rows)


def test_a_total_for_rows_that_only_plan_is_refused(book, numbers, ran, wsops):
    """Who gives one believes that something would be applied."""
    ran(book("n"), "--params", numbers(2))
    told = wsops("batch", "retry", "--rows", "1", "--max-desktops", 3, code=5)
    assert "3 desktops approved for rows that only plan" in told.err


def test_a_batch_can_be_looked_at_while_it_runs(book, numbers, start, until, wsops, tmp_path):
    """From another shell: what runs, what waits; the pages in its folder say so too."""
    notebook = book(
        "import os, time\nopen(f'began-{n}', 'w').close()",
        "while not os.path.exists('go'):\n    time.sleep(0.05)",
    )
    child = start("batch", "run", notebook, "--params", numbers(5), "--workers", "2")
    until((tmp_path / "began-2").exists, within=60)
    shown = wsops("batch", "status", "--json", code=3).document
    human = wsops("batch", "status", code=3)
    [index] = (tmp_path / "reports/runs").glob("*/index.html")
    page = index.read_text()
    (tmp_path / "go").touch()
    child.communicate(timeout=60)

    assert shown["verdict"] == "running"
    assert words(shown) == ["running", "running", "waiting", "waiting", "waiting"]
    assert human.out.split().count("running") >= 2
    assert "running: 0 of 5 rows ended" in human.out
    assert 'data-choice="running"' in page
    assert child.returncode == 0
    assert json.loads((index.parent / "summary.json").read_text())["verdict"] == "done"


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(book, numbers, wsops, tmp_path):
    """A small disk: rows whose files do not fit say so, the record stands, and the batch ends."""
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=300k tmpfs {small}") != 0:
        pytest.skip("a small disk takes the right to mount one")
    try:
        notebook = book("print('x' * 90_000)")
        rows = ("--params", numbers(6), "--out", small / "runs", "--workers", "1", "--json")
        told = wsops("batch", "run", notebook, *rows, code=None)
    finally:
        os.system(f"umount -l {small}")
    shown = wsops("batch", "status", "--json", code=None).document

    assert told.code == 4
    assert "its pages are not current" in told.err
    assert set(words(shown)) == {"done", "error"}
    assert "No space left on device" in shown["runs"][-1]["reason"]
