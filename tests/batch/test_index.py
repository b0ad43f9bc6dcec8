"""The index of a batch: what stands on its page, what never does, and the spec it carries."""

import json
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.told import HOSTILE, START, batch_of, fleet_of, tried, trouble
from wsops import redact
from wsops.batch.index import IndexRenderer, as_document, page, read_carried
from wsops.batch.index.axis import ticks_over
from wsops.batch.index.timeline import timeline_of
from wsops.errors import SettingsError
from wsops.text import is_plain

NOW = START + timedelta(minutes=10)
SECRET = 's3cr&t<value>/+of "the" profile'


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """No secret is known from an earlier test, and the clock on the wall is Singapore's."""
    monkeypatch.setattr(redact, "_forms", ())
    monkeypatch.setenv("TZ", "Asia/Singapore")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def body(batch, folder=None):
    """Give what is read of a page: without its head, its style and its script."""
    whole = page(batch, folder, now=NOW)
    return whole[whole.index("<body") : whole.rindex("<script>")]


def order(text, *parts):
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def row_of(text, number):
    return re.search(rf'<tr id="run-{number}".*?</tr>', text, re.DOTALL)[0]


def test_the_verdict_comes_first_and_how_it_was_run_last():
    """A reader gets the verdict, the place, the trouble, the commands, the runs, their time."""
    failed = tried(2, "failed", cell=8, error="NotAllowed", reason="policy does not allow it")
    lost = tried(3, "unknown", unknown=(trouble("PC-9", "unknown"),), next=("wsops resume run-3",))
    part = tried(4, "partial", help=(trouble(),), counts={"done": 8, "not ready": 1})
    text = body(batch_of("done", failed, lost, part, "not_started", stop="too many failed"))

    order(
        text,
        ">unknown</b>",
        "1 of 5 rows done",
        "✓ done",
        "✗ failed",
        "· not started",
        "PRODUCTION",
        "Bo Li",
        "CHG-7",
        "2026-11-23 22:04:10 (UTC+08:00)",
        "9 min 00 s",
        "<b>17</b> repaired",
        "too many failed",
        "Runs to look at",
        "cell 8, NotAllowed",
        "Who needs help",
        "What is unknown",
        "wsops resume run-3",
        "wsops batch retry batch-1123-k2p9 --failed --apply",
        '<section id="runs">',
        "<h2>Timeline</h2>",
        "What the rows were given",
        "--from-audit audit.json",
        "0.4.0",
    )


def test_what_was_approved_is_the_total_of_the_last_round():
    """A round has its own approval; the first one's is spent."""
    assert "applied, to 9 desktops at most</dd>" in body(batch_of("done", approved=9))
    again = batch_of("done", approved=4, round=2)
    assert "applied, to 4 desktops at most, approved for round 2</dd>" in body(again)
    assert "none applied" in body(batch_of("done", apply=False))


def test_the_same_batch_gives_the_same_bytes():
    """A page can be made again, and compared; what only counts is not said twice."""
    batch = batch_of("done", "failed")
    assert page(batch, None, now=NOW) == IndexRenderer().render(batch, None, now=NOW)
    assert batch.headline not in body(batch)


def test_a_batch_that_runs_says_as_of_when_and_which_rows_wait():
    """The page does not pretend to be live, and never reloads itself."""
    batch = batch_of("done", "running", "waiting")
    text = page(batch, None, now=NOW)

    order(
        text, ">running</b>", "1 of 3 rows done", "as of 22:14:10; this page does not update itself"
    )
    assert "http-equiv" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "… running" in row_of(text, 2)
    assert "10 min 00 s" in row_of(text, 2)
    assert "· waiting" in row_of(text, 3)
    assert "wsops batch resume batch-1123-k2p9  # where nothing runs it" in text


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("done", "waiting"), "wsops batch resume batch-1123-k2p9<"),
        (("done", "running"), "wsops batch status batch-1123-k2p9<"),
        (("done", "died"), "wsops batch retry batch-1123-k2p9 --failed --apply"),
        (("done", "not_started"), "wsops batch retry batch-1123-k2p9 --failed --apply"),
    ],
)
def test_the_next_command_is_the_one_that_helps(words, command):
    """To go on with, to look at, to try again; nothing where all is well."""
    assert command in body(batch_of(*words))
    assert "What to do next" not in body(batch_of("done", "left_in_use"))
    assert "--failed<" in body(batch_of("failed", apply=False))


def test_commands_are_told_once_and_not_by_the_hundred():
    """Twelve of them, then how many more there are."""
    lost = [tried(n, "unknown", next=(f"wsops resume run-{n // 2}",)) for n in range(1, 41)]
    text = body(batch_of(*lost))

    assert text.count("<code>wsops resume run-") == 12
    assert "And 9 more" in text


def test_only_files_of_the_folder_are_linked(tmp_path):
    """By relative, quoted paths; no link to what is not there, above it, or behind a link."""
    folder = tmp_path / "batch"
    (folder / "runs/a b#%").mkdir(parents=True)
    (folder / "runs/a b#%/report.html").touch()
    (tmp_path / "secret.html").touch()
    (folder / "runs/out").symlink_to(tmp_path)
    places = ("runs/a b#%/report.html", "../secret.html", str(tmp_path / "secret.html"))
    places += ("runs/out/secret.html", "runs/none.html", "", "runs", "a\0b", "runs/../index.html")
    found = [tried(n, report=place, notebook=place) for n, place in enumerate(places, 1)]
    linked = re.findall(r'<a href="([^#"]*)">', body(batch_of(*found), folder))

    assert linked == ["runs/a%20b%23%25/report.html"] * 2
    assert re.findall(r'<a href="([^#"]*)">', body(batch_of(*found))) == []


def test_older_attempts_are_folded_below_the_one_that_counts(tmp_path):
    """With their verdict, their reason and their report."""
    (tmp_path / "first.html").touch()
    first = tried(1, "failed", cell=3, error="Held", reason="in use", report="first.html")
    line = row_of(body(batch_of(first, tried(1, "done", attempt=2)), tmp_path), 1)

    order(line, "✓ done", "1 attempt before", "attempt 1 of 2", "✗ failed", "first.html", "Held")


def test_who_needs_help_is_known_from_the_newest_attempt_that_tells():
    """One that died or was not started takes nobody off the list; one that ended well does."""
    first = tried(1, "partial", help=(trouble("PC-1"), trouble("PC-1"), trouble("PC-2")))
    died = body(batch_of(first, tried(1, "not_started", attempt=2)))
    mended = body(batch_of(first, tried(1, "done", attempt=2)))

    assert died.count('<td data-kind="desktop">') == 2
    assert "Who needs help" not in mended


def test_runs_that_failed_alike_are_told_once():
    """By verdict, cell and error, the worst first, with the runs by name."""
    refused = {"cell": 8, "error": "NotAllowed"}
    many = [tried(n, "failed", reason=f"eng-{n} refused", **refused) for n in range(1, 16)]
    other = tried(16, "failed", reason="another policy", **refused)
    text = body(batch_of(*many, other, "partial", "died", "done"))
    told = re.search(r'<ul class="i-causes">.*?</ul>', text, re.DOTALL)[0]

    order(told, "16 runs", "✗ died", "! partial")
    order(told, "eng-1 refused", "and 1 other reason", "#run-12", "and 4 more")
    assert "#run-13" not in told


def test_a_long_reason_is_cut_and_unfolds():
    """The table stays a table; nothing is lost."""
    reason = "first line\n" + "word " * 80 + "END"
    line = row_of(body(batch_of(tried(1, "failed", cell=2, error="E", reason=reason))), 1)
    summary, whole = re.search(r"<summary>(.*?)</summary><p>(.*?)</p>", line, re.DOTALL).groups()

    assert "cell 2, E" in summary
    assert "…" in summary
    assert "END" not in summary
    assert whole.startswith("first line<br>word")
    assert whole.endswith("END")


def test_what_all_rows_were_given_is_told_once_and_what_differs_in_a_table():
    """Parameters and facts; True is not 1, and a missing value is none."""
    batch = batch_of("done", "done", "done")
    rows = [
        row.model_copy(update={"parameters": dict(row.parameters) | more, "facts": facts})
        for row, more, facts in zip(
            batch.spec.rows, ({"x": 1}, {"x": True}, {}), ({"age": 3}, {"age": 4}, {}), strict=True
        )
    ]
    text = body(batch_of("done", "done", "done", spec={"rows": tuple(rows)}))
    given = text[text.index("What the rows were given") :]

    order(given, "<code>change</code>", "CHG-7", "What differs: pools, n, x, age", "not given")
    assert 'age <span class="r-soft">(no parameter)' in given
    assert "<code>true</code>" in given


def test_the_timeline_places_each_attempt_within_its_width():
    """A lane for each worker by number, a bar for each attempt."""
    batch = batch_of(*("failed" if n == 9 else "done" for n in range(40)), "running", "waiting")
    drawn = timeline_of(batch, NOW)
    bars = [bar for lane in drawn.lanes for bar in lane.bars]

    assert [lane.worker for lane in drawn.lanes] == [f"worker {n}" for n in range(1, 5)]
    assert len(bars) == drawn.attempts == 41
    assert all(0 <= bar.left <= bar.left + bar.width <= 100.001 for bar in bars)
    assert drawn.alt == "Timeline of 41 attempts over 10 min 00 s: 39 done, 1 failed, 1 running."
    assert list(drawn.legend) == ["good", "open", "bad"]
    assert timeline_of(batch_of("waiting"), NOW) is None


def test_a_thousand_short_runs_are_few_bars_and_none_is_lost():
    """Too thin to be told apart, they are drawn as one, but for the one that failed."""
    brief = [
        tried(n, "failed" if n == 700 else "done", worker="w", started_at=at, ended_at=at + step)
        for n in range(1, 4001)
        for step in [timedelta(seconds=1)]
        for at in [START + n * step]
    ]
    [lane] = timeline_of(batch_of(*brief), NOW).lanes

    assert lane.runs == sum(bar.runs for bar in lane.bars) == 4000
    assert len(lane.bars) == 3
    assert lane.bars[-1].word == "failed"
    assert lane.bars[-1].width >= 0.3


@pytest.mark.parametrize("seconds", [1, 7, 59, 61, 200, 3599, 5000, 86_400, 10**6])
def test_the_axis_has_few_marks_at_round_numbers(seconds):
    """Whatever the length: a handful, all within it, each in one unit."""
    marks = ticks_over(seconds)

    assert 2 <= len(marks) <= 6
    assert all(0 <= mark.left <= 100 for mark in marks)
    assert all(re.fullmatch(r"0|[1-9][\d,]* (s|min|h|d)", mark.words) for mark in marks)


def _all_named(number, name):
    """Give an attempt in which everything has that name."""
    texts = dict.fromkeys(("label", "reason", "error", "worker"), name)
    who = trouble(name, user=name, pool=name, reason=name)
    return tried(number, "failed", **texts, next=(name,), help=(who,), counts={name: 3})


def test_names_are_text_wherever_they_stand():
    """Escaped, made visible, and the page has one script and one style of ours."""
    first = HOSTILE[2]
    told = [_all_named(number, name) for number, name in enumerate(HOSTILE, 1)]
    fields = dict.fromkeys(("batch_id", "operator", "stop", "headline"), first)
    fields |= {"versions": {first: first}, "totals": {first: 1}}
    whole = page(batch_of(*told, spec={"name": first, "command": first}, **fields), None, now=NOW)

    assert whole.count("<script>") == whole.count("<style>") == 1
    assert whole.count("<script") == 2
    assert whole.count("</script>") == 2
    assert "<!--" not in whole
    assert not re.search(r"<[^>]*\sonerror", re.sub(r'"[^"]*"', '""', whole))
    assert all(is_plain(c) or c in "\n\t" for c in set(whole))
    assert "\\u202e" in whole


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_carried_whole_and_ends_nothing(first, second):
    """A name, a parameter or a reason may be anything: the page holds, the spec comes back."""
    batch = batch_of(tried(1, "failed", label=first, reason=second), spec={"command": second})
    whole = page(batch, None, now=NOW)
    path = Path("index.html")
    path.write_text(whole, encoding="utf-8")

    assert whole.count("<script") == whole.count("</script>") == 2
    carried = read_carried(path)
    assert (carried.batch_id, carried.spec) == (batch.batch_id, batch.spec)


def test_the_spec_comes_back_from_a_large_page():
    """With every row, and without reading more than its begin."""
    batch = fleet_of(3000)
    path = Path("index.html")
    path.write_text(page(batch, None, now=NOW) + "<![odd", encoding="utf-8")

    assert read_carried(path).spec == batch.spec


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "not the index"),
        (b"<html><script>{}</script>", "not the index"),
        (b'<p id="wsops-batch">{}</p>', "not the index"),
        (b"x" * 3_000_000 + b'<script id="wsops-batch">{}</script>', "not the index"),
        (b'<script id="wsops-batch">{"schema": 1', "not the index"),
        (b'<script id="wsops-batch">{"schema": 1}</script>', "no spec"),
        (b'<script id="wsops-batch">' + b"[" * 100_000 + b"</script>", "no spec"),
        (b"<![if x", "not the index"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_what_is_no_index_is_refused_with_a_remedy(tmp_path, content, says):
    """The error names the file, what is wrong, and what to give instead."""
    path = tmp_path / "other.html"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=says) as caught:
        read_carried(path)

    assert "other.html" in str(caught.value)
    assert "index.html" in caught.value.remedy


def test_a_newer_spec_and_a_huge_file_are_refused_unread(tmp_path):
    """What this version cannot know it does not guess."""
    path = tmp_path / "index.html"
    path.write_text(page(batch_of("done"), None).replace('{"schema": 1,', '{"schema": 2,', 1))
    with pytest.raises(SettingsError, match="schema 2"):
        read_carried(path)
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(SettingsError, match="64 MiB"):
        read_carried(path)


def test_a_registered_secret_is_on_no_page_and_in_no_document():
    """Masked in names, reasons, commands and parameters, and in the spec that is carried."""
    redact.register(SECRET)
    bad = tried(1, "failed", label=SECRET, reason=f"x {SECRET}", next=(f"y {SECRET}",))
    batch = batch_of(bad, spec={"command": f"run --x '{SECRET}'"}, headline=SECRET)
    whole = page(batch, None, now=NOW)

    assert not redact.leaks(whole)
    assert "s3cr" not in whole
    assert "s3cr" not in json.dumps(as_document(batch))
    assert "***" in whole


def test_a_page_that_would_hold_a_secret_is_not_made():
    """One that only comes together on the page cannot be masked before: it is refused."""
    redact.register("cell 8, NotAllowed")
    with pytest.raises(SettingsError, match="would hold a secret"):
        page(batch_of(tried(1, "failed", cell=8, error="NotAllowed")), None)


def test_five_hundred_rows_take_no_time_and_ten_thousand_work():
    """Two seconds are the limit for 500; each row is on the page."""
    page(batch_of("done"), None)
    began = time.process_time()
    page(fleet_of(500, bad={7, 300}), None)
    taken = time.process_time() - began
    whole = page(fleet_of(10_000), None)

    assert taken < 2
    assert whole.count('<tr id="run-') == 10_000


def test_a_batch_without_rows_and_one_of_a_single_row_have_a_page():
    """Nothing to tell is not an error."""
    one = body(batch_of("done", spec={"rows": ()}))

    assert "0 of 0 rows done" in body(batch_of())
    assert "1 of 1 row done" in one
    assert "r-choices" not in one


def test_the_summary_is_json_with_times_in_utc_and_numbers_that_fit():
    """What a program reads: the rows with their newest attempts, what is counted, what is next."""
    failed = tried(2, "failed", cell=8, error="NotAllowed", reason="no", rollouts=("run-1",))
    batch = batch_of("done", failed, tried(2, "died", attempt=2), "waiting")
    document = json.loads(json.dumps(as_document(batch)))
    second = document["runs"][1]

    assert document["started_at"] == "2026-11-23T14:04:10Z"
    assert (document["ended_at"], document["seconds"]) == (None, None)
    assert document["counts"] == {"done": 1, "died": 1, "waiting": 1}
    assert sum(document["counts"].values()) == len(document["runs"])
    assert (second["row"], second["attempt"], second["verdict"]) == (2, 2, "died")
    assert second["parameters"] == {"pools": "eng-2", "change": "CHG-7", "n": 0}
    assert set(document) == {
        *("schema", "batch_id", "name", "verdict", "headline", "started_at", "ended_at"),
        *("seconds", "counts", "totals", "stop", "next", "runs", "command", "versions"),
    }
