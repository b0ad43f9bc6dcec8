"""Reading a notebook file: what is one, what is not, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4.rwbase import rejoin_lines
from nbformat.validator import iter_validate

from wsops.errors import SettingsError

LARGEST = 64 * 1024 * 1024
"""Bytes of a notebook; a larger one holds something that no report should."""

_MAJOR, _WITH_IDS = 4, 5


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook, executed or not.

    Raises:
        SettingsError: it is not there, too large, not a notebook, or of another format than 4.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            limit = LARGEST // 1024**2
            raise _refusal(path, f"has {size // 1024**2} MiB; a report takes {limit}", "huge")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}", "missing") from None
    except UnicodeDecodeError:
        raise _refusal(path, "is not a notebook: it is not text", "other") from None
    return _checked(path, text)


def _checked(path: Path, text: str) -> nbformat.NotebookNode:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        what = "is not a notebook: it is not JSON" if text.strip() else "is empty"
        raise _refusal(path, what, "other") from None
    if not isinstance(document, dict) or not isinstance(document.get("nbformat"), int):
        raise _refusal(path, "is not a notebook: it has no nbformat", "other")
    major = document["nbformat"]
    if major != _MAJOR:
        raise _refusal(path, f"is of notebook format {major}; reports read 4", "old")
    problem = _first_problem(document)
    if problem:
        raise _refusal(path, f"is not a whole notebook: {problem}", "other")
    node = nbformat.from_dict(document)  # type: ignore[no-untyped-call]
    notebook: nbformat.NotebookNode = rejoin_lines(node)  # type: ignore[no-untyped-call]
    return notebook


def _first_problem(document: dict[str, Any]) -> str:
    cells = document.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return "it has no list of cells"
    minor = document.get("nbformat_minor")
    if isinstance(minor, int) and minor >= _WITH_IDS:
        for number, cell in enumerate(cells):  # tools forget them, and no report needs them
            cell.setdefault("id", f"cell-{number}")
    problems = iter_validate(document, version=_MAJOR, relax_add_props=True)  # type: ignore[no-untyped-call]
    first = next(iter(problems), None)
    return str(first.message).splitlines()[0][:200] if first else ""


_REMEDIES = {
    "huge": "clear the output that is so large, and run it again",
    "missing": "give the path of an executed notebook, such as out.ipynb",
    "old": "open it in JupyterLab and save it: that writes format 4",
    "other": "give the path of an executed notebook, such as out.ipynb; run it again if it is cut",
}


def _refusal(path: Path, what: str, remedy: str) -> SettingsError:
    return SettingsError(f"{path} {what}", remedy=_REMEDIES[remedy])
