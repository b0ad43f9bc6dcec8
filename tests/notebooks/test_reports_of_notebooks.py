"""The report of each notebook in a real browser with the network cut: whole, quiet, readable."""

import contextlib
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from wsops.report import Renderer, read_notebook

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"
SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
CHARTS = "[...document.querySelectorAll('article img')].map(image => image.naturalWidth)"


@contextlib.contextmanager
def offline():
    """Give a page without a network, and the list of what it asked for and complained of.

    Opened anew each time: while a browser is open no kernel can be started from the same thread.
    """
    heard = []
    system = {"executable_path": SYSTEM_CHROMIUM} if SYSTEM_CHROMIUM.exists() else {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=list(ARGUMENTS), **system)
        page = browser.new_page(viewport=WIDE)
        page.route("**/*", lambda route: route.continue_() if is_file(route) else cut(route, heard))
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        yield page, heard
        browser.close()


def is_file(route):
    return route.request.url.startswith("file:")


def cut(route, heard):
    heard.append(route.request.url)
    route.abort()


@pytest.fixture
def scene(cloud, lead, before):
    """Give a function that sets the scene of a notebook; gives its parameters."""

    def set_for(name):
        here = cloud(mismatch=0.8)
        lead(here)
        pools = list(dict.fromkeys(desktop.pool_id for desktop in here.behind))
        if name == "20":
            here.fail([here.behind[0]])
            return here.approval | {"change": "CHG-7"}
        if name == "30":
            pool = next(iter(here.sim.cloud.pools.values()))
            return {"pools": pool.name, "image_id": here.other_image(pool)}
        if name == "40":
            here.fail([d for d in here.behind if d.pool_id == pools[0]][:2])
            before(here, pools[:1])
        if name == "50":
            before(here, pools[:3])
        return {"fleet": 3} if name == "00" else {}

    return set_for


@pytest.mark.parametrize(
    ("name", "verdict", "tables", "charts"),
    [
        ("00", "planned", 2, 1),
        ("05", "done", 1, 0),
        ("10", "done", 5, 2),
        ("20", "partial", 4, 1),
        ("30", "planned", 2, 1),
        ("40", "partial", 4, 1),
        ("50", "done", 3, 1),
    ],
)
def test_a_report_is_whole_without_a_network(scene, play, tmp_path, name, verdict, tables, charts):
    """Verdict, tables and charts are there, code is not; it asks and complains of nothing."""
    played = play(name, **scene(name))
    report = tmp_path / "report.html"
    report.write_text(Renderer().render(read_notebook(played.path), played.path.name))
    with offline() as (page, heard):
        page.goto(report.as_uri())
        badge = page.locator(".r-verdict .w-badge").inner_text()
        code = page.locator(".r-code pre").first.is_visible()
        shown = page.locator("article .w-scroll table:visible").count()
        drawn = page.evaluate(CHARTS)
        fits = pictured(page, played.path.stem)

    assert played.error is None, played.plain
    assert (heard, badge, code, fits) == ([], verdict, False, [True, True])
    assert shown >= tables
    assert (len(drawn), all(drawn)) == (charts, True)


def pictured(page, name):
    """Take a picture as it is and one as wide as a telephone; tells whether it fits these."""
    SCREENSHOTS.mkdir(exist_ok=True)
    fits = []
    for size, viewport in {"wide": WIDE, "narrow": NARROW}.items():
        page.set_viewport_size(viewport)
        page.screenshot(path=SCREENSHOTS / f"report-{name}-{size}.png", full_page=True)
        fits.append(page.evaluate(FITS))
    return fits
