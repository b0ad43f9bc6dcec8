"""A page as PDF, printed by a Chromium that is on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from wsops.errors import SettingsError
from wsops.files import write_private_bytes

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60.0

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def write_pdf(page: str, path: Path, *, seconds: float = SECONDS) -> None:
    """Print a page into a file of mode 0600: it is there whole, or as it was before.

    Raises:
        SettingsError: there is no Chromium, it did not print in time, or the place cannot be
            written.
    """
    browser = _browser()
    with tempfile.TemporaryDirectory(prefix="wsops-", ignore_cleanup_errors=True) as folder:
        source, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        _print(browser, source, printed, seconds)
        write_private_bytes(path, printed.read_bytes())


def _browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        msg = f"a PDF needs one of {', '.join(BROWSERS)} on the PATH; none is there"
        remedy = "install one, or open the HTML file in any browser and print it"
        raise SettingsError(msg, remedy=remedy)
    return found


def _print(browser: str, source: Path, printed: Path, seconds: float) -> None:
    command = [
        browser,
        *_FLAGS,
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        f"--user-data-dir={source.parent / 'profile'}",
        f"--print-to-pdf={printed}",
        source.absolute().as_uri(),
    ]
    # A group of its own: Chromium is many processes, and all of them end with it.
    child = subprocess.Popen(  # noqa: S603  (a program found on the PATH, arguments of our own)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code: int | None = child.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        _end(child)
    if code is None or not printed.is_file():
        how = f"within {seconds:g} s" if code is None else f"(exit code {code})"
        msg = f"{Path(browser).name} did not print the page {how}"
        raise SettingsError(msg, remedy="open the HTML file in a browser and print it there")


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
