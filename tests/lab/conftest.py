"""A real JupyterLab on a simulated fleet, and a real browser in front of it.

One JupyterLab serves all browser tests of a worker. The browser lives as long as a test file: its
event loop would be in the way of tests that run their own.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "tests" / "screenshots"
SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
SPEED = 600
"""Divides the simulator's durations: a desktop's rebuild takes about half a second."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
_ELSEWHERE = re.compile(r"^(?:https?|wss?)://(?!(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/]|$))")
_WITHIN = 60
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class LabFacts:
    """A running `wsops lab`: what it printed, and where it works."""

    url: str
    token: str
    port: int
    pid: int
    simulator: dict
    folder: Path
    home: Path
    parent: int

    @property
    def base(self):
        """The server's address without path and token."""
        return f"http://127.0.0.1:{self.port}"

    def api(self, path, method="GET"):
        """Ask the server's REST API; gives the document, or None where it answers with none."""
        request = urllib.request.Request(
            f"{self.base}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_WITHIN) as answer:
            return json.loads(answer.read() or b"null")


@dataclass(frozen=True)
class Service:
    """The doors of the lab's simulator that are for tests."""

    endpoint: str

    def door(self, path, body=None, method=None):
        """Ask a door; gives its document."""
        request = urllib.request.Request(
            f"{self.endpoint}/_sim/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_WITHIN) as answer:
            return json.load(answer)

    def fault(self, kind, **words):
        """Script a fault."""
        self.door("faults", {"kind": kind, **words})

    def heal(self):
        """Forget all faults."""
        self.door("faults", method="DELETE")

    def hold_jobs(self):
        """Let every job look as if it ran on, until it is healed: a run then has a middle."""
        running = {"job": "RUNNING", "sub": "RUNNING"}
        self.fault("strange_status", operation="ShowJob", args=running)

    def rebuilds(self, *pools):
        """Give how many requests to rebuild came for pools, by their names; none is for all."""
        ids = {pool["name"]: pool["id"] for pool in self.door("fleet")["pools"]}
        entries = self.door("ledger?operation=RebuildDesktopPool")["entries"]
        wanted = {ids[name] for name in pools} or set(ids.values())
        return sum(entry["pool_id"] in wanted for entry in entries)


@dataclass
class Seen:
    """What a page did besides showing itself."""

    foreign: list = field(default_factory=list)
    """Addresses outside this machine that it asked for; each was aborted."""
    errors: list = field(default_factory=list)
    """Errors of its console, and exceptions of its scripts."""


class Notebook:
    """A notebook in single-document mode; cells are counted among the code cells, from 0."""

    def __init__(self, page, lab, name):
        self.page, self.lab, self.name = page, lab, name

    @property
    def path(self):
        """Its file, as JupyterLab last saved it."""
        return self.lab.folder / self.name

    @property
    def cells(self):
        """The locator of its code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    @property
    def outputs(self):
        """The locator of all outputs."""
        return self.page.locator(".jp-Notebook .jp-OutputArea-output")

    def open(self):
        self.page.goto(f"{self.lab.base}/doc/tree/{self.name}?token={self.lab.token}")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=_WITHIN * 1000)
        self.idle()
        return self

    def number(self, words):
        """Give the number of the first code cell whose source has these words."""
        sources = self.cells.locator(".jp-InputArea-editor").all_inner_texts()
        return next(n for n, source in enumerate(sources) if words in source)

    def cell(self, words):
        """Give the locator of the first code cell whose source has these words."""
        return self.cells.nth(self.number(words))

    def run_to(self, words):
        """Run all code cells up to the first whose source has these words; give its output."""
        last = self.number(words)
        for n in range(last):
            self.run_cell(n)
        return self.run_cell(last)

    def put(self, old, new):
        """Change the source of the first code cell that has these words, as a person would."""
        editor = self.cell(old).locator(".cm-content")
        source = editor.inner_text()
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source.replace(old, new))

    def idle(self, seconds=_WITHIN):
        """Wait until the kernel has nothing to do and no cell waits for it."""
        self.page.wait_for_function(
            """() => {
                // The indicator of the toolbar says idle where there is no kernel yet.
                const status = document.querySelector('#jp-main-statusbar')?.innerText;
                const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
                return status?.includes('| Idle')
                    && prompts.every(prompt => !prompt.innerText.includes('*'));
            }""",
            timeout=seconds * 1000,
        )

    def run_all(self, seconds=_WITHIN):
        """Run all cells by the menu, and wait for their end; a cell that fails ends it too."""
        before = self._prompt(0)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
        self._ran(0, before, seconds)

    def run_cell(self, n, seconds=_WITHIN):
        """Run code cell n by Shift+Enter, wait for its end, and give its output as text.

        Instead of a number n may be words of its source.
        """
        n = self.number(n) if isinstance(n, str) else n
        before = self._prompt(n)
        self.cells.nth(n).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")
        self._ran(n, before, seconds)
        return self.output(n)

    def output(self, n):
        """Give the text of code cell n's outputs, as it can be read in the browser."""
        n = self.number(n) if isinstance(n, str) else n
        texts = self.cells.nth(n).locator(".jp-OutputArea-output").all_inner_texts()
        return "\n".join(text.strip() for text in texts)

    def wait_for(self, text, seconds=_WITHIN):
        """Wait until an output shows a text (or matches a pattern); gives its locator."""
        found = self.outputs.filter(has_text=text).first
        found.wait_for(timeout=seconds * 1000)
        return found

    def restart(self):
        """Restart the kernel by the menu, and clear all outputs with it."""
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.locator('.lm-Menu-item[data-command="kernelmenu:restart-and-clear"]').click()
        self.page.locator(".jp-Dialog-button.jp-mod-accept").click()
        self.page.wait_for_function(
            """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                .every(prompt => prompt.innerText.trim() === '[ ]:')""",
            timeout=_WITHIN * 1000,
        )
        self.idle()

    def save(self):
        """Save it, and wait until it is saved."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
        ):
            self.page.keyboard.press("Control+s")

    def screenshot(self, name):
        """Take a picture of the whole window into tests/screenshots/; gives its path."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def close(self):
        """End its kernel."""
        for session in self.lab.api("sessions"):
            if session["path"] == self.name:
                self.lab.api(f"sessions/{session['id']}", "DELETE")

    def _prompt(self, n):
        return self.cells.nth(n).locator(".jp-InputPrompt").inner_text()

    def _ran(self, n, before, seconds):
        self.page.wait_for_function(
            """([n, before]) => {
                const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[n];
                const now = cell.querySelector('.jp-InputPrompt').innerText;
                return now !== before && !now.includes('*');
            }""",
            arg=[n, before],
            timeout=seconds * 1000,
        )
        self.idle(seconds)


@pytest.fixture(scope="session")
def lab_environment(tmp_path_factory):
    """Give the environment of one who has just installed wsops, and has no settings anywhere."""
    home = tmp_path_factory.mktemp("home")
    settings = home / ".jupyter/lab/user-settings/@jupyterlab/notebook-extension"
    settings.mkdir(parents=True)
    # Else cells out of sight are not in the page.
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WSOPS_", "HUAWEICLOUD_", "JUPYTER", "XDG_", "COVERAGE_"))
        and not key.lower().endswith("_proxy")
    }
    folders = {"XDG_CONFIG_HOME": ".config", "XDG_STATE_HOME": ".state", "XDG_CACHE_HOME": ".cache"}
    places = {variable: str(home / folder) for variable, folder in folders.items()}
    return kept | places | {"HOME": str(home), "IPYTHONDIR": str(home / ".ipython")}


@pytest.fixture(scope="session")
def lab(lab_environment, tmp_path_factory):
    """Give a `wsops lab --simulate` on a copy of the notebooks; ended with the session."""
    folder = tmp_path_factory.mktemp("notebooks")
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", folder, dirs_exist_ok=True, ignore=ignored)
    process = open_lab("--simulate", "--speed", SPEED, folder, env=lab_environment)
    with process:
        try:
            facts = json.loads(process.stdout.readline())
            home = Path(lab_environment["HOME"])
            yield LabFacts(**facts, folder=folder, home=home, parent=process.pid)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_WITHIN)
            process.kill()


@pytest.fixture
def service(lab):
    """Give the doors of the lab's simulator; what a test has broken is healed at its end."""
    doors = Service(lab.simulator["endpoint"])
    yield doors
    doors.heal()


@pytest.fixture
def start_lab(lab_environment, tmp_path):
    """Give a function that starts another `wsops lab --json`; ended with the test.

    Its private files go to `tmp_path / "private"`.
    """
    started = []

    def begin(*arguments, **variables):
        private = tmp_path / "private"
        private.mkdir(exist_ok=True)
        env = lab_environment | {"TMPDIR": str(private)} | variables
        started.append(open_lab(*arguments, env=env, stderr=subprocess.PIPE))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def browser():
    """Give a chromium: Debian's, or the one that playwright installed."""
    system = {"executable_path": SYSTEM_CHROMIUM} if SYSTEM_CHROMIUM.exists() else {}
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(args=_ARGUMENTS, **system)
        yield opened
        opened.close()


@pytest.fixture
def seen():
    """Give the record of what this test's page asked of other hosts, and of its errors."""
    return Seen()


@pytest.fixture
def page(browser, seen):
    """Give a page of its own context; the test fails if it asked anything of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(_WITHIN * 1000)
    context.route(_ELSEWHERE, lambda route: _abort(route, seen))
    context.route_web_socket(_ELSEWHERE, lambda socket: _close(socket, seen))
    opened = context.new_page()
    opened.on("pageerror", lambda error: seen.errors.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and seen.errors.append(said.text))
    yield opened
    context.close()
    assert seen.foreign == []


@pytest.fixture
def notebook(page, lab):
    """Give a function that opens a fresh copy of a notebook, its kernel idle.

    `notebook("00_tour")` takes it from the notebooks; `notebook(cells=["1 + 1"])` makes one, of
    sources of code cells, or of cells as nbformat has them.
    """
    opened = []

    def open_one(name="made", cells=None):
        fresh = f"{name}-{next(_NUMBERS)}.ipynb"
        if cells is None:
            shutil.copyfile(ROOT / "notebooks" / f"{name}.ipynb", lab.folder / fresh)
        else:
            nbformat.write(made_of(cells), lab.folder / fresh)
        opened.append(Notebook(page, lab, fresh))
        return opened[-1].open()

    yield open_one
    for one in opened:
        one.close()


def open_lab(*arguments, env, stderr=None):
    options = ["--json", "--no-browser", "--port", "0", *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, "-m", "wsops", "lab", *options],
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=env,
        text=True,
    )


def made_of(cells):
    new_code_cell = nbformat.v4.new_code_cell
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": python})


def _abort(route, seen):
    seen.foreign.append(route.request.url)
    route.abort()


def _close(socket, seen):
    seen.foreign.append(socket.url)
    socket.close()
