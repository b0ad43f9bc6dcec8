"""PDF by a Chromium of this machine, where there is one."""

import os
import shutil
import time
from pathlib import Path

import pytest

from wsops.errors import SettingsError
from wsops.report import pdf, write_pdf


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Give a function that puts a program named chromium, and no other, on the PATH."""

    def put(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "chromium").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "chromium").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setattr(pdf, "BROWSERS", ("chromium",))
        return folder

    return put


def test_a_page_is_printed_into_a_private_file(wsops, saved, book):
    """`--pdf` beside the page; a whole PDF of mode 0600."""
    if not any(map(shutil.which, pdf.BROWSERS)):
        pytest.skip(f"none of {', '.join(pdf.BROWSERS)} is on the PATH")
    path = saved(book.typical(30))
    wsops("report", path, "--pdf")
    printed = path.with_suffix(".pdf")

    assert printed.read_bytes().startswith(b"%PDF-")
    assert printed.read_bytes().rstrip().endswith(b"%%EOF")
    assert printed.stat().st_mode & 0o777 == 0o600


def test_without_a_browser_the_page_is_there_and_the_error_says_what_to_do(
    wsops, saved, book, monkeypatch
):
    """No PDF is no reason to lose the page."""
    monkeypatch.setenv("PATH", "")
    path = saved(book.typical(3))
    done = wsops("report", path, "--pdf", code=1)

    assert "a PDF needs one of chromium" in done.stderr
    assert "open the HTML file" in done.stderr
    assert path.with_suffix(".html").exists()


def test_a_browser_that_hangs_is_ended_with_its_children(fake, tmp_path):
    """The wait is bounded, and nothing stays behind."""
    pid = tmp_path / "pid"
    fake(f"sleep 60 & echo $! > {pid}; wait")
    start = time.monotonic()
    with pytest.raises(SettingsError, match=r"did not print the page within 0\.5 s"):
        write_pdf("<p>x</p>", tmp_path / "a.pdf", seconds=0.5)

    assert time.monotonic() - start < 20
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"
    assert not (tmp_path / "a.pdf").exists()


def test_a_browser_that_fails_leaves_what_was_there(fake, tmp_path):
    """The exit code is told; the old file stays."""
    fake("exit 3")
    (tmp_path / "a.pdf").write_text("old")
    with pytest.raises(SettingsError, match=r"exit code 3"):
        write_pdf("<p>x</p>", tmp_path / "a.pdf")

    assert (tmp_path / "a.pdf").read_text() == "old"
