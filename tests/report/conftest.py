"""Notebooks as files would hold them after a run, and a real browser that reaches nothing."""

import base64
import shutil
from datetime import datetime
from types import SimpleNamespace

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright

from wsops import redact
from wsops.cli import common, main
from wsops.markup import Markup, element, face
from wsops.report import Renderer
from wsops.report.pdf import BROWSERS
from wsops.summary import Summary

HOSTILE = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "safe\u202egnp.exe",
    "n" * 300,
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PROGRESS = "\x1b[32m✓\x1b[0m sales-1\n…\rdone sales-2\n"
PARAMETERS = """\
profile: str = "prod"  # profile of wsops.toml
pools: str = "*"  # pattern of pool names
operator: str = "Ana"  # who does it
most: int = 200  # no plan may touch more"""


@pytest.fixture(autouse=True)
def no_secret_known(monkeypatch):
    """No secret is known from an earlier test."""
    monkeypatch.setattr(redact, "_forms", ())


@pytest.fixture(scope="session")
def renderer():
    """Give the one renderer."""
    return Renderer()


@pytest.fixture(scope="session")
def book():
    """Give the functions that make notebooks, their cells and the outputs of those."""
    makers = (notebook, markdown, code, shows, prints, fails, says, table, rows, chart, typical)
    return SimpleNamespace(**{maker.__name__: maker for maker in makers}, hostile=HOSTILE)


@pytest.fixture(scope="session")
def page_of(renderer):
    """Give a function that makes the page of cells."""

    def make(*cells):
        return renderer.render(notebook(*cells), "out.ipynb")

    return make


@pytest.fixture
def saved(tmp_path):
    """Give a function that writes a notebook, or a text, to a file."""

    def write(content, name="out.ipynb"):
        path = tmp_path / name
        text = content if isinstance(content, str) else nbformat.writes(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def wsops(monkeypatch):
    """Give a function that runs a command in this process and checks its exit code."""
    monkeypatch.setattr(common, "_prepare_process", lambda: None)

    def run(*arguments, code=0):
        done = CliRunner().invoke(main, [str(one) for one in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        return done

    return run


def notebook(*cells):
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = new_notebook(cells=list(cells))
    made.metadata["language_info"] = {"name": "python", "version": "3.11.9"}
    return made


def markdown(source):
    return new_markdown_cell(source)


def code(source, *outputs, ran=True, tags=()):
    return new_code_cell(
        source,
        outputs=list(outputs),
        execution_count=1 if ran else None,
        metadata={"tags": list(tags)} if tags else {},
    )


def shows(**data):
    """Give an output of several faces; `text_html` stands for text/html."""
    return new_output(
        "display_data", data={mime.replace("_", "/", 1): body for mime, body in data.items()}
    )


def prints(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def fails(error, message, *lines):
    return new_output("error", ename=error, evalue=message, traceback=list(lines))


def says(**fields):
    """Give the output of a summary."""
    summary = Summary.model_validate(fields)
    return new_output("display_data", data=summary._repr_mimebundle_())


def table(rows, caption="Mismatches"):
    """Give a table as our notebooks show it: pool, desktop, user, differ."""
    heads = (("Pool", "text"), ("Desktop", "desktop"), ("User", "user"), ("Minutes", "count"))
    body = [
        element(
            "tr",
            element("td", pool, data_kind="text"),
            element("td", desktop, data_kind="desktop"),
            element("td", user, data_kind="user"),
            element("td", f"{minutes:,}", data_kind="count", data_sort=minutes),
        )
        for pool, desktop, user, minutes in rows
    ]
    head = element("tr", *(element("th", n, scope="col", data_kind=k) for n, k in heads))
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
        class_="w-table w-sortable",
    )
    return face(element("div", whole, class_="w-scroll"))


def rows(count):
    return [(f"sales-{n % 7}", f"PC-{n:03}", f"user{n}", (n * 7919) % 2000) for n in range(count)]


def chart(text="PC-001"):
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="120">'
        '<rect x="90" y="30" width="420" height="18" fill="#2a6f97"/>'
        f'<text x="10" y="44">{text}</text></svg>'
    )
    source = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
    picture = Markup('<img src="{}" alt="Pools by mismatches: {}">').format(source, text)
    return face(element("figure", picture, element("figcaption", "Mismatches by pool")))


START = datetime.fromisoformat("2026-11-23T22:04:10+08:00")
PLACE = {
    "environment": "PRODUCTION",
    "region": "ap-southeast-3",
    "project_id": "0123456789abcdef0123456789abcdef",
    "profile": "prod",
}
TROUBLE = {"desktop": "PC-003", "user": "Ana", "pool": "sales-3", "state": "not_ready"}


def typical(count=200, *, error=None, **more):
    """Give a repair of ten cells: a table, a chart, text, who needs help."""
    summary = {
        "kind": "repair",
        "verdict": "partial",
        "headline": "142 of 144 desktops run their pool's image; two users need help.",
        "counts": {"pools": 24, "done": 138, "left_in_use": 4, "failed": 2, "unknown": 1},
        "run_id": "run-20261123-7f3a",
        "digest": "sha256:5d0c",
        "ended_at": START.replace(hour=23),
        "help": [TROUBLE | {"reason": "no log-in for 5 minutes after the rebuild"}] * 2,
        "unknown": [TROUBLE | {"desktop": "PC-009", "user": "Bo Li", "state": "unknown"}],
        "next": ["wsops resume run-20261123-7f3a", "wsops handover run-20261123-7f3a"],
        "notes": ["The list of pool sales-2 changed while it was read."],
    }
    connect = {"place": PLACE, "operator": "Ana", "change": "CHG-4711", "started_at": START}
    return notebook(
        markdown("# Repair mismatches\n\nRebuilds the desktops that **do not run** their image."),
        code(PARAMETERS, tags=["parameters"]),
        code('pools = "sales-*"\n', tags=["injected-parameters"]),
        code("ws = connect(profile)", says(**connect), prints("connected as Ana\n")),
        markdown("## What differs\n\nRead from the region, *nothing* is changed."),
        code("tables.mismatches(found)", shows(text_html=table(rows(count)))),
        markdown("### By pool"),
        code("charts.mismatches_by_pool(found)", shows(text_html=chart())),
        markdown("## What was done\n\n1. plan\n2. apply, see [the runbook](https://example.org/)"),
        code("run(plan)", prints(PROGRESS), *([error] if error else [])),
        code("finish()", says(**(summary | more))),
    )


@pytest.fixture(scope="module")
def browser():
    """Give a Chromium that is on this machine.

    For one module: while it is open its event loop runs in this thread, and no other could.
    """
    place = next(filter(None, map(shutil.which, BROWSERS)), None)
    if place is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on the PATH")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=place, args=list(FLAGS))
        yield opened
        opened.close()


class Reader:
    """Someone who opens a page from the disk, and notes what it asks for and complains of."""

    def __init__(self, browser, folder, **options):
        self.requests, self.complaints = [], []
        self.folder = folder
        self.context = browser.new_context(**options)
        self.context.route("http*://**", self._refuse)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _refuse(self, route):
        self.requests.append(route.request.url)
        route.abort()

    def open(self, html):
        path = self.folder / "page.html"
        path.write_text(html, encoding="utf-8")
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture
def reader(browser, tmp_path):
    """Give a function that gives a reader, with the options of a browser's context."""
    opened = []

    def make(**options):
        one = Reader(browser, tmp_path, **options)
        opened.append(one)
        return one

    yield make
    for one in opened:
        one.context.close()
