"""A page as programs and people may read it: as it is written, as it is shown, and its drawings."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator

from wsops.redact import leaks

_DRAWING = re.compile(r'src="data:image/svg\+xml;base64,([^"]*)"')
_TAG = re.compile(r"<[^<>]*>")


def drawing(encoded: str) -> str | None:
    """Give the text of a drawing; None where it is not one that can be read."""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None


def readings(page: str) -> Iterator[str]:
    """Give a page as it is written, as it is read with and without its tags, and its drawings."""
    yield page
    yield html.unescape(page)
    yield html.unescape(_TAG.sub("", page))
    for found in _DRAWING.finditer(page):
        yield html.unescape(drawing(found[1]) or "")


def holds_a_secret(page: str) -> bool:
    """Tell whether a registered secret can be read in a page."""
    return any(map(leaks, readings(page)))
