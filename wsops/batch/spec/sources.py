"""Where the rows of a batch come from: a file or standard input, in YAML, JSON or CSV."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from wsops.batch.spec.csv import read_csv
from wsops.batch.spec.given import Source, check_number, refusal
from wsops.batch.spec.parse import json_of
from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.shape import shaped
from wsops.batch.spec.yaml import yaml_of

LARGEST: Final = 4 * 1024**2
"""Bytes of a file of rows."""

STDIN: Final = Path("-")
_ENDINGS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".csv": "csv"}
_YAML_LINE = re.compile(r"-(\s|$)|---|[\w\"']+:(\s|$)")


def read_source(path: Path, form: str = "") -> Source:
    """Read the rows of a file, or of standard input for "-".

    Args:
        path: ends in .yaml, .yml, .json or .csv.
        form: yaml, json or csv; "" goes by the ending, of standard input by what comes.

    Raises:
        SpecError: it cannot be read, or not as rows; says where and why.
    """
    form = form or _form_of(path)
    what = name_of(path)
    text = text_of(path, LARGEST)
    try:
        source = _read(text, form or _guessed(text), what)
    except Unfit as error:
        raise refusal(what, error) from None
    check_number(len(source.rows), what)
    return source


def text_of(path: Path, largest: int) -> str:
    """Read a file that is text and not empty, or standard input for "-".

    Raises:
        SpecError: it cannot be read, is larger than `largest` bytes, is empty or not UTF-8.
    """
    what = name_of(path)
    try:
        if path == STDIN:
            content = sys.stdin.buffer.read(largest + 1)
        else:
            with path.open("rb") as file:
                content = file.read(largest + 1)
    except OSError as error:
        raise refusal(what, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise refusal(what, "cannot be read: that is no path") from None
    if len(content) > largest:
        raise refusal(what, f"has more than {largest // 1024**2} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refusal(what, "is not UTF-8", "save it as UTF-8") from None
    if not text.strip():
        raise refusal(what, "is empty")
    return text


def name_of(path: Path) -> str:
    """Give what messages call a source."""
    return "standard input" if path == STDIN else str(path)


def _read(text: str, form: str, what: str) -> Source:
    if form == "csv":
        return Source(what, read_csv(text))
    return shaped(json_of(text) if form == "json" else yaml_of(text), what)


def _form_of(path: Path) -> str:
    """Give the form that the ending of a file says; "" for standard input."""
    if path == STDIN:
        return ""
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        remedy = "give a file that ends in .yaml, .yml, .json or .csv, or `-` for standard input"
        raise refusal(path, "does not say by its ending what it holds", remedy) from None


def _guessed(text: str) -> str:
    """Guess the form by the first line that says something."""
    lines = (line for raw in text.splitlines() if (line := raw.strip()))
    first = next((line for line in lines if not line.startswith("#")), "")
    if first.startswith(("[", "{")):
        return "json"
    return "yaml" if _YAML_LINE.match(first) else "csv"
