"""JUnit XML of a batch: what CI systems read of it, by the rules that they have in common."""

import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.told import HOSTILE, batch_of, fleet_of, tried
from wsops import redact
from wsops.batch.junit import as_xml

REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "properties": set(),
}
INSIDE = {
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}


@pytest.fixture(autouse=True)
def _no_secret_known(monkeypatch):
    monkeypatch.setattr(redact, "_forms", ())


def suite_of(*attempts, **fields):
    """Give the suite of a batch, checked by the rules of the common readers."""
    text = as_xml(batch_of(*attempts, **fields))
    suite = ET.fromstring(text)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    for element in suite.iter():
        assert set(element.keys()) == REQUIRED[element.tag]
        assert {child.tag for child in element} <= INSIDE.get(element.tag, set())
    assert next(iter(suite)).tag == "properties"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
    cases = suite.findall("testcase")
    found = Counter(child.tag for case in cases for child in case)
    assert int(suite.get("tests")) == len(cases)
    assert [int(suite.get(name)) for name in ("failures", "errors", "skipped")] == [
        found[tag] for tag in ("failure", "error", "skipped")
    ]
    assert all(len(case) <= 1 for case in cases)
    assert float(suite.get("time")) == pytest.approx(sum(float(c.get("time")) for c in cases))
    return suite


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("done", None),
        ("left_in_use", None),
        ("planned", None),
        ("failed", "failure"),
        ("partial", "failure"),
        ("died", "failure"),
        ("overdue", "failure"),
        ("interrupted", "failure"),
        ("refused", "failure"),
        ("error", "failure"),
        ("a new word", "failure"),
        ("unknown", "error"),
        ("not_started", "skipped"),
        ("waiting", "skipped"),
        ("running", "skipped"),
    ],
)
def test_each_verdict_has_its_element(word, kind):
    """What is well passes, what is lost is an error, what did not begin is skipped."""
    [case] = suite_of(word).findall("testcase")

    assert [child.tag for child in case] == ([kind] if kind else [])


def test_a_run_that_was_lost_with_its_batch_is_an_error():
    """While the batch runs it is not there yet; afterwards nobody knows its end."""
    lost = tried(1, "running")
    suite = suite_of(lost, "done", ended_at=lost.started_at)

    assert [child.tag for case in suite.findall("testcase") for child in case] == ["error"]


def test_a_case_says_where_it_failed_and_what_to_do():
    """The message in one line; below it the reason whole, the runs, the commands, the report."""
    failed = tried(
        7,
        "failed",
        attempt=2,
        cell=8,
        error="NotAllowed",
        reason="policy\ndoes not allow it",
        rollouts=("run-1123-a",),
        next=("wsops resume run-1123-a",),
        report="runs/0007.2-eng-7/report.html",
    )
    suite = suite_of(failed)
    [case] = suite.findall("testcase")

    assert case.get("classname") == "20_repair_mismatches"
    assert case.get("name") == "0007 eng-7 (attempt 2)"
    assert case.get("time") == "40.000"
    assert case[0].get("message") == "failed at cell 8: NotAllowed: policy does not allow it"
    assert case[0].text.splitlines() == [
        "cell 8, NotAllowed",
        "policy",
        "does not allow it",
        "run run-1123-a",
        "next: wsops resume run-1123-a",
        "report: runs/0007.2-eng-7/report.html",
    ]
    assert {one.get("name"): one.get("value") for one in suite.iter("property")} == {
        "batch_id": "batch-1123-k2p9",
        "command": "wsops batch run 20_repair_mismatches.ipynb --from-audit audit.json --apply",
    }


def test_a_newer_attempt_is_the_case_of_its_row():
    """A row is one case, whatever was tried before."""
    suite = suite_of(tried(1, "failed"), tried(1, "done", attempt=2), tried(2, "done"))

    assert [case.get("name") for case in suite.findall("testcase")] == [
        "0001 eng-1 (attempt 2)",
        "0002 eng-2",
    ]
    assert suite.get("failures") == "0"


def test_hostile_names_are_text_and_legal_xml():
    """Markup is escaped, what XML forbids or what turns the reading is made visible."""
    told = [tried(n, "failed", label=name, reason=name) for n, name in enumerate(HOSTILE, 1)]
    suite = suite_of(*told, spec={"name": HOSTILE[2], "notebook": HOSTILE[1]})
    names = [case.get("name") for case in suite.findall("testcase")]

    assert suite.get("name") == HOSTILE[2]
    assert names[0] == f"0001 {HOSTILE[0]}"
    assert names[4] == "0005 safe\\u202egnp.exe"
    assert names[5] == "0006 a\\u0000b\\u001b[31mred\nline"
    assert names[8].endswith("\\ufffe")


@given(st.text(max_size=60))
def test_any_text_makes_legal_xml(text):
    """Whatever a name, a reason or a command holds, the file can be read."""
    suite_of(tried(1, "failed", label=text, reason=text, error=text), spec={"command": text})


def test_a_secret_is_masked():
    """In names, messages and the command."""
    redact.register("s3cret-of-the-profile")
    told = tried(1, "failed", label="s3cret-of-the-profile", reason="x s3cret-of-the-profile")
    text = as_xml(batch_of(told, spec={"command": "run s3cret-of-the-profile"}))

    assert "s3cret" not in text
    assert text.count("***") >= 3


def test_a_thousand_rows_make_one_suite():
    """The numbers of the suite are those of its cases, however many there are."""
    suite = ET.fromstring(as_xml(fleet_of(1000, bad={3, 900})))

    assert (suite.get("tests"), suite.get("failures")) == ("1000", "2")
