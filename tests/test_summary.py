"""Summaries: what a notebook says in the end, and reading it back from anyone's file."""

import json
from datetime import UTC, datetime

import pytest

from wsops.markup import style
from wsops.summary import MIME, Place, Summary, Trouble, card, place_badge, read_summary
from wsops.verdicts import EXIT_CODES

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "x" * 300


def cells(*found):
    """Give the cells of a notebook in which each output has what is found."""
    return [
        {"cell_type": "markdown", "source": "no outputs"},
        *({"outputs": [{"output_type": "display_data", "data": {MIME: one}}]} for one in found),
    ]


def emitted(**fields):
    return json.loads(json.dumps(Summary(**fields)._repr_mimebundle_()[MIME]))


def test_what_is_emitted_is_read_back():
    """The whole of it, as a record."""
    said = Summary(
        kind="repair",
        verdict="partial",
        headline="1 partial",
        counts={"pools": 2, "done": 9},
        place=Place(environment="SIMULATOR", region="r", project_id="p", profile="d"),
        operator="ana",
        change="CHG-1",
        run_id="run-1",
        digest="sha256:1",
        started_at=AT,
        ended_at=AT,
        help=(Trouble(desktop="pc-1", user="ana", pool="eng", state="failed", reason="WKS.1"),),
        unknown=(Trouble(desktop="pc-2"),),
        next=("wsops resume run-1",),
        notes=("a pool could not be read",),
    )

    assert read_summary(cells(json.loads(json.dumps(said._repr_mimebundle_()[MIME])))) == said


def test_later_ones_stand_over_earlier_ones():
    """What the later leaves open stays as the earlier said."""
    first = emitted(kind="connect", operator="ana", place=Place(region="r"), started_at=AT)
    last = emitted(kind="audit", verdict="done", headline="fine", ended_at=AT)
    whole = read_summary(cells(first, last))

    assert (whole.kind, whole.verdict, whole.operator) == ("audit", "done", "ana")
    assert (whole.place.region, whole.started_at, whole.ended_at) == ("r", AT, AT)
    assert read_summary(cells(last, emitted(kind="audit", verdict="partial"))).verdict == "partial"


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "{",
        "null",
        [],
        12,
        True,
        {"schema": 2, "kind": "audit"},
        {"schema": 2, "kind": "a kind to come"},
        {"kind": "a kind to come"},
        {"kind": "audit", "counts": "many"},
        {"kind": "audit", "started_at": "yesterday"},
        "[" * 100_000,
        '{"kind": "audit", "headline": "\\ud800"}',
    ],
    ids=lambda odd: str(odd)[:30],
)
def test_what_is_not_a_summary_is_passed_over(odd):
    """Malformed, newer and foreign outputs say nothing, and hide nothing."""
    good = emitted(kind="audit", verdict="done", headline="fine")
    found = read_summary(cells(good, odd))

    assert (found.verdict, found.kind) == ("done", "audit")


@pytest.mark.parametrize(
    "strange",
    [
        [],
        [{}],
        [{"outputs": []}],
        [{"outputs": [{"output_type": "stream", "text": "x"}]}],
        [{"outputs": [{"output_type": "error", "ename": "E"}]}],
        [{"outputs": [{"data": None}]}],
        [{"outputs": None}],
        [{"outputs": [None, "x", 1]}],
        [{"outputs": [{"data": ["x"]}]}],
        [{"outputs": "text"}],
    ],
)
def test_a_notebook_without_a_summary_says_nothing(strange):
    """Whatever a file holds in the place of outputs."""
    assert read_summary(strange) is None


def test_a_field_to_come_is_dropped():
    """Tolerant of what the same schema may add."""
    assert read_summary(cells(emitted(verdict="done") | {"colour": "red"})).verdict == "done"


def test_the_card_says_it_in_words():
    """Verdict, counts, place, person, change, notes and what to type."""
    said = Summary(
        verdict="left_in_use",
        headline="2 left in use",
        counts={"pools": 1200},
        place=Place(environment="PRODUCTION", region="", project_id="p", profile="d"),
        operator="ana",
        change="CHG-1",
        next=("wsops resume run-1",),
        notes=("run-0 is unknown; wsops resume run-0",),
    )
    page = card(said)

    assert ">left in use</b>" in page
    for words in ("2 left in use", "1,200", "PRODUCTION", "region ?", "ana", "change CHG-1"):
        assert words in page
    for words in ("wsops resume run-1", "run-0 is unknown; wsops resume run-0"):
        assert words in page
    assert ">connected</b>" in card(Summary())


def test_every_verdict_has_a_tone_and_production_stands_out():
    """Nothing that went wrong looks good."""
    tones = {verdict: Summary(verdict=verdict).tone for verdict in EXIT_CODES}

    assert {v for v, tone in tones.items() if tone == "good"} == {"done", "left_in_use"}
    assert {tones["running"], tones["unknown"]} == {"open"}
    assert {tones["partial"], tones["held"]} == {"warn"}
    assert {tones["failed"], tones["refused"], tones["rejected"], tones["error"]} == {"bad"}
    assert Summary().tone == "quiet"
    assert "w-sim" in place_badge(Place(environment="SIMULATOR"))
    assert "w-prod" in place_badge(Place(environment="PRODUCTION"))
    assert "w-prod" in place_badge(Place())


def test_hostile_fields_stay_text():
    """In the card and in the plain face."""
    fields = dict.fromkeys(("headline", "operator", "change", "verdict"), HOSTILE)
    said = Summary(
        **fields,
        counts={HOSTILE: 1},
        place=Place(environment=HOSTILE, region=HOSTILE, project_id=HOSTILE, profile=HOSTILE),
        next=(HOSTILE,),
        notes=(HOSTILE,),
    )
    bundle = said._repr_mimebundle_()
    page = bundle["text/html"].replace(style(), "")

    assert "<script" not in page
    assert not set("\u202e\x1b") & set(page + bundle["text/plain"])
    assert "\\u202e" in page
