"""Tables: typed frames of what was read, and faces in which all text stays text."""

import stat
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from wsops import tables
from wsops.audit import audit
from wsops.audited import Audit, Mismatch
from wsops.choice import Choice
from wsops.doctor import Finding
from wsops.models import Desktop, Entities, Image, Job, Pool, SubJob
from wsops.outcome import standing
from wsops.plan import Skipped
from wsops.planning import plan_for
from wsops.rollout import Rollout
from wsops.tables.columns import DTYPES
from wsops.text import lasting

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
EMPTY = Audit(taken_at=AT, pools=(), desktops=0, mismatches=())
ATTACK = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>"
HOSTILE = [
    ATTACK,
    '"><b onmouseover=alert(1)>',
    "abc\u202egnp.exe",
    "nul\x00 esc\x1b[31m bell\x07",
    "half \ud800 a character",
    "x" * 300,
    "=HYPERLINK(1)",
    "#N/A",
    "\uff1dcmd",
]
OURS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "code", "p"}
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


class Reader(HTMLParser):
    """Collects the elements of a page with their attributes, and the text of each cell."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.cells, self._open = [], [], False
        self.feed(str(page))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")
        self._open = tag == "td" or (self._open and tag not in {"p", "th", "caption"})

    def handle_endtag(self, tag):
        self._open = self._open and tag != "td"

    def handle_data(self, data):
        if self._open:
            self.cells[-1] += data


def hostile_audit(rows=1):
    """Give an audit whose every name is an attack, `rows` times each."""
    pools = tuple(Pool(id=f"p{n}", name=n_, image_id="new") for n, n_ in enumerate(HOSTILE))
    found = tuple(
        Mismatch(
            pool_id=pool.id,
            pool_name=pool.name,
            pool_image_id="new",
            desktop_id=f"{pool.id}-{row}",
            desktop_name=pool.name,
            desktop_image_id="old",
            desktop_image_name=pool.name,
            user_name=pool.name,
            status=pool.name,
            login_status=pool.name,
        )
        for pool in pools
        for row in range(rows)
    )
    return Audit(taken_at=AT, pools=pools, desktops=len(found), mismatches=found)


def sub_job(name, status, end="2026-03-01 12:33:20"):
    """Give a sub-job as the service does: its times are UTC and do not say so."""
    return SubJob(
        status=status,
        process=100,
        begin_time="2026-03-01 12:30:00",
        end_time=end,
        entities=Entities(desktop_name=name, user_name="ana"),
    )


def parsed(table):
    return Reader(table.to_html())


def column(table, name):
    return table.frame[name].tolist()


@pytest.fixture
def seen(ws):
    """Give an audit of the simulated fleet, and the plan to repair it."""
    return audit(ws), plan_for(ws, Choice(), ())[0]


@pytest.fixture
def ended(sim, open_ws, journal):
    """Give the run of a plan whose first desktop fails, and its items as they ended."""
    for desktop in sim.cloud.desktops.values():
        sim.cloud.set_login(desktop.id, "REGISTERED")
        sim.cloud.set_status(desktop.id, "ACTIVE")
    ws = open_ws(sim)
    plan, _ = plan_for(ws, Choice(), ())
    victim = plan.items[0].targets[0]
    args = {"desktop_ids": [victim.desktop_id], "code": "WKS.7"}
    sim.cloud.faults.add("desktop_fails", args=args)
    run = journal.start_run(plan, "digest", "tester")
    list(Rollout(ws, journal, run).apply())
    return victim, *standing(journal, run.run_id)


def typed(table):
    declared = [(c.name, DTYPES[c.kind]) for c in table.columns]
    return [(name, str(dtype)) for name, dtype in table.frame.dtypes.items()] == declared


def test_frames_are_typed_as_declared_with_rows_and_without(seen):
    """Names, order and dtypes are those of the columns, whatever was read."""
    found, plan = seen
    bare = plan.model_copy(update={"items": (), "skipped": ()})
    made = [
        *(tables.pools(one) for one in (found, EMPTY)),
        *(tables.mismatches(one) for one in (found, EMPTY)),
        *(tables.mismatches_by(one, by) for one in (found, EMPTY) for by in ("pool", "zone")),
        *(of(one) for of in (tables.items, tables.people, tables.requests) for one in (plan, bare)),
        tables.skipped(bare),
        *(tables.images(rows) for rows in ([], [Image(id="i", created_at="no time")])),
        *(tables.job(job) for job in (Job(), Job(sub_jobs=(sub_job("d", "SUCCESS"),)))),
        *(of([]) for of in (tables.outcome, tables.troubles, tables.findings)),
        tables.runs([], {}),
    ]

    assert [table.caption for table in made if not typed(table)] == []


def test_a_frame_that_is_not_as_declared_is_refused():
    """A table never says something of its columns that is not so."""
    with pytest.raises(ValueError, match="declared"):
        tables.Table(pd.DataFrame({"differ": ["3"]}), (tables.Column("differ", "count"),))


def test_pools_and_mismatches_count_what_the_cloud_has(sim, seen):
    """The numbers are those of the fleet itself, most mismatches first."""
    found, _ = seen
    pools, rows = (
        tables.pools(found),
        tables.mismatches(found, {found.mismatches[0].desktop_id: AT}),
    )
    behind = {
        pool.name: sum(d.image_id != pool.image_id for d in pool.desktops)
        for pool in sim.cloud.pools.values()
    }

    assert dict(zip(column(pools, "pool"), column(pools, "differ"), strict=True)) == behind
    assert column(pools, "differ") == sorted(behind.values(), reverse=True)
    assert rows.frame.groupby("pool").size().to_dict() == {p: n for p, n in behind.items() if n}
    assert rows.frame["since"].dropna().tolist() == [pd.Timestamp(AT)]


@pytest.mark.parametrize("by", ["pool", "image", "os", "zone"])
def test_mismatches_by_anything_add_up_to_all(seen, by):
    """No mismatch is lost or counted twice, however they are grouped."""
    found, _ = seen
    table = tables.mismatches_by(found, by)

    assert table.columns[0].name == by
    assert sum(column(table, "differ")) == len(found.mismatches)
    assert sum(column(table, "in_use")) == sum(m.in_use for m in found.mismatches)


def test_pools_of_one_name_are_counted_apart():
    """A name may be there twice; an ID may not."""
    pools = (Pool(id="a", name="same"), Pool(id="b", name="same"))
    rows = tuple(Mismatch.of(pool, Desktop(desktop_id=pool.id)) for pool in pools)
    found = Audit(taken_at=AT, pools=pools, desktops=2, mismatches=rows)

    assert column(tables.mismatches_by(found, "pool"), "differ") == [1, 1]


def test_the_tables_of_a_plan_say_what_is_in_it(seen):
    """Targets, people in use and requests are the plan's, to the letter."""
    _, plan = seen
    people = sum(target.in_use for item in plan.items for target in item.targets)
    requests = tables.requests(plan)

    assert sum(column(tables.items(plan), "targets")) == plan.desktops
    assert len(tables.people(plan)) == people
    assert column(requests, "body") == [item.body for item in plan.items]
    assert parsed(requests).cells[2::3] == [item.body for item in plan.items]


def test_a_long_request_is_shown_whole(seen):
    """What is shown is what is sent: the body of a request is not cut."""
    _, plan = seen
    item = plan.items[0].model_copy(update={"body": '{"desktop_ids": "' + "d" * 5000 + '"}'})
    table = tables.requests(plan.model_copy(update={"items": (item,)}))

    assert parsed(table).cells[2] == item.body


def test_a_skipped_pool_has_a_row_for_each_desktop_named(seen):
    """Each desktop stands alone in its cell, so that it can be found and be given an alias."""
    _, plan = seen
    two = Skipped(pool_id="p", pool_name="eng", reason="busy", desktops=("d-1", "d-2"))
    none = Skipped(pool_id="q", pool_name="hr", reason="frozen")
    table = tables.skipped(plan.model_copy(update={"skipped": (two, none)}))

    assert column(table, "desktop") == ["d-1", "d-2", ""]
    assert column(table, "why") == ["busy", "busy", "frozen"]


def test_the_outcome_of_a_real_run_names_who_needs_help(ended):
    """A desktop that failed is counted as not well, and stands among the troubles."""
    victim, run, rows, verdict, _ = ended
    outcome, troubles = tables.outcome(rows), tables.troubles(rows)
    first = outcome.frame.iloc[0]
    runs = tables.runs([run], {run.run_id: verdict})

    assert (first["verdict"], first["not_well"]) == ("partial", 1)
    assert first["took"] >= 0
    assert first["done"] == len(rows[0].targets) - 1
    assert column(troubles, "desktop") == [victim.desktop_name]
    assert "WKS.7" in column(troubles, "why")[0]
    assert column(runs, "verdict") == [verdict]


def test_a_job_tells_how_long_each_desktop_took():
    """Times without a zone are UTC; what has not ended took no time yet."""
    job = Job(id="j", sub_jobs=(sub_job("a", "SUCCESS"), sub_job("b", "RUNNING", end="")))
    frame = tables.job(job).frame

    assert frame["begin"].tolist() == [pd.Timestamp("2026-03-01T12:30:00Z")] * 2
    assert frame["took"].tolist() == [200.0, pd.NA]


def test_hostile_names_are_text_in_every_face():
    """No name makes an element, an attribute or a control character of the page."""
    for table in (tables.mismatches(hostile_audit()), tables.pools(hostile_audit())):
        page = parsed(table)
        text = table._repr_mimebundle_()["text/plain"]
        attributes = {name for _, attrs in page.elements for name in attrs}

        assert {tag for tag, _ in page.elements} <= OURS
        assert attributes <= {"class", "scope", "data-kind", "data-sort", "colspan"}
        assert ATTACK in page.cells
        assert not {"\u202e", "\x1b", "\x00", "\ud800"} & set(str(table.to_html()) + text)


def test_people_desktops_and_addresses_are_marked():
    """A report that is shared finds by the mark what it must replace; each of two people apart."""
    rows = [("d-1", "ana, bob", "10.0.0.1")]
    kinds = (
        tables.Column("d", "desktop"),
        tables.Column("u", "user"),
        tables.Column("a", "address"),
    )
    page = str(tables.Table.of(kinds, rows).to_html())

    assert '<td data-kind="desktop">d-1</td>' in page
    assert '<td data-kind="address">10.0.0.1</td>' in page
    assert '<span data-kind="user">ana</span>, <span data-kind="user">bob</span>' in page


@pytest.mark.parametrize(
    ("word", "shown", "tone"),
    [
        ("done", "✓ done", "good"),
        ("left_in_use", "✓ left in use", "good"),
        ("partial", "! partial", "warn"),
        ("failed", "✗ failed", "bad"),
        ("FAIL", "✗ FAIL", "bad"),
        ("planned", "· planned", "quiet"),
        ("running", "… running", "open"),
        ("NEW_WORD", "… NEW WORD", "open"),
        ("unknown", "? unknown", "open"),
        ("", "? unknown", "open"),
    ],
)
def test_a_state_has_a_sign_a_word_and_a_tone(word, shown, tone):
    """Colour is never the only signal, and a word that is new means that it has not ended."""
    page = str(tables.Table.of((tables.Column("s", "state"),), [(word,)]).to_html())

    assert f'<span class="w-state w-{tone}">{shown}</span>' in page


def test_only_what_does_not_sort_by_its_words_has_a_key():
    """Counts, shares, durations and times carry `data-sort`; a missing value shows nothing."""
    kinds = ("count", "share", "duration", "time", "text", "flag")
    columns = tuple(tables.Column(kind, kind) for kind in kinds)
    rows = [(1234, 0.5, 3700, AT, "a", True), (None, None, None, None, "", None)]
    page = parsed(tables.Table.of(columns, rows))
    keys = [attrs.get("data-sort") for tag, attrs in page.elements if tag == "td"]

    assert page.cells[:6] == ["1,234", "50.0%", "1 h 01 min", "2026-03-01 12:30 UTC", "a", "yes"]
    assert keys[:6] == ["1234.0", "0.5", "3700.0", str(int(AT.timestamp())), None, None]
    assert page.cells[6:] + keys[6:] == [""] * 6 + [None] * 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7265, "2 h 01 min"), (-5, "-5 s")],
)
def test_a_length_of_time_reads_as_people_say_it(seconds, words):
    """Seconds, then minutes and seconds, then hours and minutes."""
    assert lasting(seconds) == words


def test_an_empty_table_says_none():
    """Nothing found is said, not left to be guessed."""
    table = tables.mismatches(EMPTY)

    assert parsed(table).cells == ["none"]
    assert table._repr_mimebundle_()["text/plain"].endswith("none")


def test_plain_html_ends_at_two_thousand_rows_and_says_so():
    """A page stays readable, and nobody takes a part for the whole."""
    table = tables.Table.of((tables.Column("n", "count"),), [(n,) for n in range(2500)])
    page = str(table.to_html())

    assert page.count("<tr>") == 2001
    assert "The first 2,000 of 2,500 rows" in page
    assert "more rows" in table._repr_mimebundle_()["text/plain"]


def test_the_rows_of_a_mask_are_a_table():
    """What is chosen keeps its columns, and its rows are numbered anew."""
    table = tables.Table.of((tables.Column("n", "count"),), [(n,) for n in range(5)])
    chosen = table.where(table.frame["n"] > 2)

    assert (len(chosen), chosen.frame.index.tolist(), typed(chosen)) == (2, [0, 1], True)


@pytest.mark.parametrize(
    ("live", "rows", "script"), [(True, 201, True), (True, 200, False), (False, 201, False)]
)
def test_only_a_large_table_in_a_live_notebook_has_a_script(monkeypatch, live, rows, script):
    """Run by a batch, or small, it is plain HTML that a report takes as it is."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if live:
        monkeypatch.setenv("JPY_SESSION_NAME", "by-hand.ipynb")
    table = tables.Table.of((tables.Column("n", "count"),), [(n,) for n in range(rows)])

    assert ("<script" in table._repr_mimebundle_()["text/html"]) is script


def test_files_hold_no_formula_and_are_private():
    """Each text that reads like a formula has an apostrophe before it, in both kinds of file."""
    table = tables.mismatches(hostile_audit())
    table.to_csv("all.csv")
    table.to_excel(Path("all.xlsx"))
    back = pd.read_csv("all.csv", keep_default_na=False)
    cells = list(openpyxl.load_workbook("all.xlsx").active.iter_rows(min_row=2))

    assert {stat.S_IMODE(Path(f).stat().st_mode) for f in ("all.csv", "all.xlsx")} == {0o600}
    assert len(back) == len(cells) == len(table)
    assert "'=HYPERLINK(1)" in back["pool"].tolist()
    assert "'=HYPERLINK(1)" in [row[0].value for row in cells]
    assert {cell.data_type for row in cells for cell in row if cell.value is not None} == {"s"}


def test_a_sheet_has_numbers_and_times_as_such():
    """Counts can be summed, times are in UTC and shares are percentages."""
    kinds = ("count", "share", "duration", "time", "flag", "text")
    columns = tuple(tables.Column(kind, kind) for kind in kinds)
    rows = [(3, 0.25, 90, AT, True, "-1"), (*(None,) * 5, "x")]
    tables.Table.of(columns, rows).to_excel("one.xlsx")
    sheet = openpyxl.load_workbook("one.xlsx").active
    head, first, second = ([cell.value for cell in row] for row in sheet.iter_rows())

    assert head == ["count", "share", "duration (seconds)", "time (UTC)", "flag", "text"]
    assert first == [3, 0.25, 90, AT.replace(tzinfo=None), "yes", "'-1"]
    assert second == [*[None] * 5, "x"]
    assert sheet["B2"].number_format == "0.0%"


def test_csv_has_times_in_iso_and_nothing_for_what_is_missing():
    """A program reads it back without knowing how people write numbers."""
    columns = (
        tables.Column("at", "time"),
        tables.Column("n", "count"),
        tables.Column("f", "flag"),
    )
    tables.Table.of(columns, [(AT, 1234, False), (None, None, None)]).to_csv("one.csv")

    assert Path("one.csv").read_text().splitlines() == [
        "at,n,f",
        "2026-03-01T12:30:00+00:00,1234,no",
        ",,",
    ]


def test_findings_keep_their_level():
    """What the doctor found stands in a table as it was said."""
    table = tables.findings([Finding("fail", "clock", "600 s behind it")])

    assert parsed(table).cells == ["✗ fail", "clock", "600 s behind it"]


@pytest.fixture
def browse():
    """Give a function that opens HTML in a browser of its own; with scripts, or without."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

        def show(html, *, scripts=True):
            Path("page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}")
            page = browser.new_context(java_script_enabled=scripts).new_page()
            page.asked = []
            page.on("request", lambda request: page.asked.append(request.url.split(":")[0]))
            page.goto(Path("page.html").absolute().as_uri())
            return page

        yield show
        browser.close()


def test_a_live_table_of_fifty_thousand_rows_is_searched_and_sorted(browse, monkeypatch):
    """It comes whole and offline, answers at once, and runs nothing that a name says."""
    monkeypatch.setenv("JPY_SESSION_NAME", "by-hand.ipynb")
    columns = (tables.Column("desktop", "desktop"), tables.Column("took", "duration"))
    rows = [(f"d-{n:05}", n * 61 % 50_000) for n in range(49_999)] + [(ATTACK, 0)]
    page = browse(tables.Table.of(columns, rows, ATTACK)._repr_mimebundle_()["text/html"])
    page.wait_for_selector(".dt-search input", timeout=20_000)
    body = page.locator(".dt-scroll-body tbody tr")
    page.locator(".dt-scroll-head th", has_text="took").click()
    page.locator(".dt-scroll-head th", has_text="took").click()
    expect(body.first).to_contain_text(lasting(49_999))
    page.fill(".dt-search input", "onerror")
    expect(page.locator(".dt-info")).to_contain_text("from 50,000")

    assert ATTACK in body.first.inner_text()
    assert page.evaluate("window.hit ?? document.images.length") == 0
    assert set(page.asked) <= {"file", "blob"}


def test_where_no_script_runs_a_live_table_is_plain_rows(browse, monkeypatch):
    """A notebook that is not trusted, and a report, show the first rows and no word on loading."""
    monkeypatch.setenv("JPY_SESSION_NAME", "by-hand.ipynb")
    table = tables.Table.of((tables.Column("n", "count"),), [(n,) for n in range(300)])
    html = table._repr_mimebundle_()["text/html"]
    page = browse(html, scripts=False)

    assert page.locator(".w-table tbody tr").count() == 200
    assert "The first 200 of 300 rows" in page.inner_text("body")
    assert "Loading" not in html
