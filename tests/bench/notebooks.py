"""What notebooks cost: rendering a report, a whole audit notebook, a large form, a large table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Page, sync_playwright

from tests.bench.report import Figure, bounded
from tests.bench.server import Connection, served
from tests.lab.conftest import LabFacts, Notebook, made_of, open_lab

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_ARGUMENTS += ["--disable-component-update", "--disable-sync", "--no-first-run"]
_AUDIT = """
import sys, time
began = time.perf_counter()
import papermill
papermill.execute_notebook(sys.argv[1], sys.argv[2], {"full": True}, progress_bar=False)
from pathlib import Path
from wsops.report import Renderer, read_notebook
page = Renderer().render(read_notebook(Path(sys.argv[2])), "out.ipynb")
Path(sys.argv[2]).with_suffix(".html").write_text(page)
"""
_SERVICE = """
import time
from wsops import connect
from wsops.audit import audit
with connect() as ws:
    began = time.perf_counter()
    audit(ws, full=True)
    print(time.perf_counter() - began)
"""
_FLEET = """
from datetime import UTC, datetime
from wsops import forms, tables
from wsops.audited import Audit, Mismatch
from wsops.models import Pool
pools = tuple(Pool(id=f"p{n}", name=f"pool-{n:04d}", desktop_count=50) for n in range(2000))
rows = tuple(
    Mismatch(pool_id=f"p{n % 2000}", pool_name=f"pool-{n % 2000:04d}", pool_image_id="new",
             desktop_id=f"d{n}", desktop_name=f"desktop-{n:06d}", desktop_image_id="old",
             user_name=f"user{n}", status="ACTIVE", login_status="REGISTERED")
    for n in range(50_000)
)
seen = Audit(taken_at=datetime.now(UTC), pools=pools, desktops=100_000, mismatches=rows)
"""


def notebooks(*, quick: bool) -> list[Figure]:
    """Run the audit notebook to its report, render it again and again, open what is large."""
    rounds = 2 if quick else 5
    with TemporaryDirectory() as folder, served(pools=24, desktops=50) as connection:
        executed = Path(folder) / "out.ipynb"
        plain, whole, service = [], [], []
        for _ in range(rounds):
            plain.append(_seconds(lambda: _python(_AUDIT, connection, _audit(), executed)))
            whole.append(_seconds(lambda: _by_batch(connection, Path(folder))))
            service.append(float(_python(_SERVICE, connection)))
        rendered = _rendered(executed, 3 * rounds)
        mebibytes = executed.with_suffix(".html").stat().st_size / 1024**2
    own, by_papermill = (
        [one - other for one, other in zip(taken, service, strict=True)] for taken in (whole, plain)
    )
    what = "10_fleet_audit to its report, less the audit"
    return [
        bounded(f"{what}, by wsops batch run", own, "s", 5, judged=not quick),
        Figure(f"{what}, by papermill and wsops report in one process", tuple(by_papermill), "s"),
        bounded("a report, exporter warm", rendered, "ms", 100, judged=not quick),
        Figure("size of that report", (mebibytes,), "MB"),
        *(_in_a_browser(rounds, judged=not quick)),
    ]


def _in_a_browser(rounds: int, *, judged: bool) -> list[Figure]:
    picker, table, search = [], [], []
    with _lab() as lab, _page() as page:
        for turn in range(rounds):
            cells = [_FLEET, "forms.PoolPicker(seen)", "tables.mismatches(seen)"]
            name = f"large-{turn}.ipynb"
            nbformat.write(made_of(cells), lab.folder / name)
            notebook = Notebook(page, lab, name).open()
            notebook.run_cell(0)
            picker.append(_run(notebook, 1, "document.querySelectorAll('option').length >= 2000"))
            table.append(_run(notebook, 2, "document.querySelector('.dt-info')"))
            box = page.locator(".dt-search input").first
            began = time.perf_counter()
            box.fill("desktop-049999")
            page.wait_for_function(
                "() => document.querySelectorAll('.dataTable tbody tr').length < 3"
            )
            search.append(time.perf_counter() - began)
            notebook.close()
    return [
        bounded("the pool picker opens, 2,000 pools, in JupyterLab", picker, "s", 1, judged=judged),
        Figure("the table of 50,000 mismatches opens, in JupyterLab", tuple(table), "s"),
        bounded("a search in it", search, "s", 1, judged=judged),
    ]


def _run(notebook: Notebook, cell: int, until: str) -> float:
    """Run a cell by Shift+Enter; give the seconds until the page shows what it shall."""
    notebook.cells.nth(cell).locator(".jp-InputArea-editor").click()
    began = time.perf_counter()
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.wait_for_function(f"() => {until}", timeout=120_000)
    return time.perf_counter() - began


@contextmanager
def _lab() -> Iterator[LabFacts]:
    with TemporaryDirectory() as folder, TemporaryDirectory() as home:
        settings = Path(home) / ".jupyter/lab/user-settings/@jupyterlab/notebook-extension"
        settings.mkdir(parents=True)
        # Else cells out of sight are not in the page.
        (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
        process = open_lab("--simulate", folder, env=os.environ | {"HOME": home})
        try:
            facts = json.loads(process.stdout.readline())
            yield LabFacts(**facts, folder=Path(folder), home=Path(home), parent=process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=60)


@contextmanager
def _page() -> Iterator[Page]:
    system = {"executable_path": _CHROMIUM} if _CHROMIUM.exists() else {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=_ARGUMENTS, **system)
        yield browser.new_page()
        browser.close()


def _rendered(executed: Path, rounds: int) -> list[float]:
    from wsops.report import Renderer, read_notebook

    renderer, notebook = Renderer(), read_notebook(executed)
    renderer.render(notebook, executed.name)
    return [
        _seconds(lambda: renderer.render(notebook, executed.name)) * 1000 for _ in range(rounds)
    ]


def _by_batch(connection: Connection, folder: Path) -> None:
    """Run the audit notebook as whoever has one row does: from the shell to the report."""
    wsops = Path(sys.executable).with_name("wsops")
    command = [wsops, "batch", "run", _audit(), "--set", "full=true", "--out", folder / "runs"]
    journal = {"WSOPS_JOURNAL": str(folder / "journal.sqlite")}
    subprocess.run(
        [str(one) for one in command],
        env=_place(connection) | journal,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _audit() -> Path:
    return Path.cwd() / "notebooks" / "10_fleet_audit.ipynb"


def _python(code: str, connection: Connection, *arguments: Path) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    env = _place(connection)
    done = subprocess.run(
        command, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return done.stdout


def _place(connection: Connection) -> dict[str, str]:
    keys = ("endpoint", "iam_endpoint", "project_id", "region", "token")
    return os.environ | {f"WSOPS_{key.upper()}": connection[key] for key in keys}


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
