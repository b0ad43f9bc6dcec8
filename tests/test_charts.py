"""Charts: still pictures that say in words what they show, the same bytes for the same data."""

import base64
import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import pytest
from playwright.sync_api import sync_playwright

from wsops import charts
from wsops.audit import audit
from wsops.audited import Audit, Mismatch
from wsops.models import Entities, Job, Pool, SubJob

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOSTILE = [
    "</text><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "😀🚀 東京デスクトップ",
    "مجموعة سطح المكتب",
    "abc\u202egnp.exe",
    r"$\frac{a}{b}$ and $",
    "nul\x00 esc\x1b[31m \ud800",
    "x" * 300,
    "z\u0337\u0322" * 100,
    "",
]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def found(names, mismatches=3):
    """Give an audit of pools of these names with 10 desktops each; every second one is in use."""
    pools = tuple(
        Pool(id=f"p{n}", name=name, desktop_count=10, image_id="new")
        for n, name in enumerate(names)
    )
    rows = tuple(
        Mismatch(
            pool_id=pool.id,
            pool_name=pool.name,
            pool_image_id="new",
            desktop_id=f"{pool.id}-{n}",
            desktop_name=pool.name,
            desktop_image_id="old",
            desktop_image_name=names[n % len(names)],
            user_name=pool.name,
            status="ACTIVE",
            login_status="CONNECTED",
            in_use=n % 2 == 1,
        )
        for pool in pools
        for n in range(mismatches)
    )
    return Audit(taken_at=AT, pools=pools, desktops=10 * len(pools), mismatches=rows)


def sub_job(name, status="SUCCESS", begin="2026-03-01 12:30:00", end="2026-03-01 12:33:00"):
    return SubJob(
        status=status,
        process=40,
        begin_time=begin,
        end_time=end,
        error_code="" if status == "SUCCESS" else name,
        fail_reason="" if status == "SUCCESS" else name,
        entities=Entities(desktop_name=name),
    )


def all_of(names):
    """Give every chart, with these names wherever a name can be."""
    states = ("SUCCESS", "FAILED", "RUNNING")
    job = Job(sub_jobs=tuple(sub_job(name, states[n % 3]) for n, name in enumerate(names)))
    return [
        charts.mismatches_by_pool(found(names)),
        charts.image_generations(found(names)),
        charts.timeline(job),
        charts.durations({name: 60.0 * n for n, name in enumerate(names)}),
    ]


def digest():
    """Give the digest of what all charts of three pools are drawn as."""
    drawn = "".join(chart.svg for chart in all_of(["eng", "hr", "legal"]))
    return hashlib.sha256(drawn.encode()).hexdigest()


def texts(chart):
    return [
        "".join(e.itertext()) for e in ET.fromstring(chart.svg).iter() if e.tag.endswith("}text")
    ]


def test_the_same_data_gives_the_same_bytes():
    """Nothing of a chart depends on when or by which process it was drawn; no pyplot is needed."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_charts\n"
        "print(test_charts.digest())\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert other.strip() == digest() == digest()


def test_threads_draw_the_same_as_one_after_the_other():
    """The style of matplotlib is one for the process: charts take turns, and leave it as it was."""
    before = dict(mpl.rcParams)
    alone = all_of(["eng", "hr"])
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: all_of(["eng", "hr"]), range(4)))

    assert together == [alone] * 4
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_drawn_as_text(name):
    """It is well-formed, short, without a script, and no warning is given of a missing glyph."""
    for chart in all_of([name, "plain"]):
        tree = ET.fromstring(chart.svg)

        assert {e.tag.split("}")[1] for e in tree.iter()}.isdisjoint({"script", "image", "a"})
        assert max(len(text) for text in texts(chart)) < 120
        assert not {"\u202e", "\x1b", "\x00", "\ud800"} & set(chart.svg + chart.alt)


def test_dollars_are_dollars():
    """A name with two dollar signs is no formula."""
    assert r"$\frac{a}{b}$" in texts(charts.mismatches_by_pool(found([r"$\frac{a}{b}$"])))


def test_no_data_gives_a_chart_that_says_so():
    """A chart that is empty is not a chart that failed."""
    empty = Audit(taken_at=AT, pools=(), desktops=0, mismatches=())
    made = [
        charts.mismatches_by_pool(empty),
        charts.image_generations(empty),
        charts.timeline(Job()),
        charts.timeline([]),
        charts.durations({}),
    ]

    assert [texts(chart) for chart in made] == [["nothing to show"]] * 5
    assert all("nothing to show" in chart.alt for chart in made)


def test_the_words_of_a_chart_have_its_numbers(ws):
    """Who cannot see it reads how many, of how many, and where the most are."""
    seen = audit(ws)
    chart = charts.mismatches_by_pool(seen)
    bundle = chart._repr_mimebundle_()
    in_use = sum(row.in_use for row in seen.mismatches)

    assert f"{len(seen.mismatches)} desktops in" in chart.alt
    assert f"{in_use} of them in use or asleep" in chart.alt
    assert bundle["text/plain"] == chart.alt
    assert (
        f"{seen.desktops - len(seen.mismatches)} desktops run" in charts.image_generations(seen).alt
    )


def test_what_does_not_fit_is_counted():
    """Twenty pools and sixty desktops are drawn; how many more there are is said."""
    names = [f"pool-{n:02}" for n in range(25)]
    job = Job(sub_jobs=tuple(sub_job(f"d-{n}") for n in range(70)))

    assert "and 5 more pools" in texts(charts.mismatches_by_pool(found(names)))
    assert "and 5 more pools" in texts(charts.image_generations(found(names)))
    assert any("and 10 more desktops" in text for text in texts(charts.timeline(job)))
    assert "and 2 more bars" in texts(charts.durations({str(n): n for n in range(42)}))


def test_failed_desktops_come_first_and_are_named():
    """However many went well, the failed one is drawn, with its reason."""
    subs = [sub_job(f"d-{n}") for n in range(80)]
    failed = sub_job("broken", "FAILED", begin="2026-03-01 12:59:00", end="2026-03-01 13:00:00")
    waiting = sub_job("late", "WAITING", begin="", end="")
    chart = charts.timeline([Job(sub_jobs=tuple(subs)), Job(sub_jobs=(waiting, failed))])
    words = texts(chart)

    assert "broken" in words
    assert "failed broken broken" in words
    assert "WAITING, not begun" in words
    assert "80 done, 1 not ended, 1 failed" in chart.alt


def test_what_has_not_ended_is_drawn_until_now():
    """A desktop that still runs has a bar as long as it has been running."""
    job = Job(sub_jobs=(sub_job("d", "RUNNING", end=""),))

    assert "over 10.0 min" in charts.timeline(job, now=AT.replace(minute=40)).alt


def test_the_face_is_a_picture_with_words_and_no_style():
    """A report with a strict policy shows it: an image in the page itself, every text escaped."""
    chart = charts.Chart("<svg/>", 'said "so" <b>', "a & b")
    page = str(chart.to_html())

    assert base64.b64encode(b"<svg/>").decode() in page
    assert 'alt="said &#34;so&#34; &lt;b&gt;"' in page
    assert "<figcaption>a &amp; b</figcaption>" in page
    assert " style=" not in page


def test_a_browser_shows_every_chart():
    """The pictures are whole, also with names that were made to break them."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium here")
    made = [chart._repr_mimebundle_()["text/html"] for chart in all_of(HOSTILE)]
    Path("page.html").write_text(f"<!doctype html><meta charset=utf-8>{''.join(made)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(Path("page.html").absolute().as_uri())
        widths = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
        browser.close()

    assert [width > 500 for width in widths] == [True] * 4
