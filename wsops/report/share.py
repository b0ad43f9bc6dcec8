"""A page for people who may not know the names in it: each person, desktop and address an alias.

The names are those that the page itself marks (`data-kind`), those of the summary, and those in
parameters that name people. They are replaced wherever a reader or a program could read them:
text, titles, the words in drawings. Pictures made of dots are left out: nobody can read them here.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from nbformat import NotebookNode

from wsops.aliases import Alias
from wsops.errors import SettingsError
from wsops.pages.readings import drawing, readings
from wsops.redact import leaks
from wsops.report.cells import texts
from wsops.report.names import Names
from wsops.report.parameters import names_people, parameters_of
from wsops.report.render import Renderer
from wsops.summary import read_summary
from wsops.text import visible

_KINDS = frozenset({"user", "desktop", "address"})
_VOID = frozenset({"br", "hr", "img", "meta", "input"})
_PIECE = re.compile(
    r"(?s)<style>.*?</style>|<script>.*?</script>|<!DOCTYPE[^>]*>"
    r"|<(?:[^<>\"]|\"[^\"]*\")*>|[^<]+|<"
)
_ATTRIBUTE = re.compile(r'(\s(?:alt|title|data-sort|aria-label|href)=")([^"]*)(")')
_DRAWING = re.compile(r'(src="data:image/svg\+xml;base64,)([^"]*)(")')
_DOTS = re.compile(r'src="data:image/(?!svg)')
_LISTED = re.compile(r"[\[\](){}'\"]")  # what stands around and between names in code
_ODD = re.compile(r"<!\[CDATA|<image|<tspan|<foreignObject")  # more than our own drawings hold
_HOME = re.compile(r"/(?:home|Users)/([^/\s\"'<>&]+)")
_NO_DOTS = '<em class="r-note">A picture is left out: names in it could not be replaced.</em>'


def share(notebook: NotebookNode, name: str, alias: Alias, renderer: Renderer) -> str:
    """Give the page of a notebook with every name replaced by its alias.

    Raises:
        SettingsError: the notebook or the page holds a secret that is in use.
    """
    _refuse_secrets(map(html.unescape, texts(notebook)), name)
    _refuse_secrets(texts(notebook), name)
    people = [one for one in parameters_of(notebook) if names_people(one)]
    page = renderer.render(notebook, name, without={one.name for one in people})
    found = names_of(page) | _of_summary(notebook)
    found |= {part: "user" for one in people for part in parts_of(_LISTED.sub("", one.value))}
    found |= dict.fromkeys(_HOME.findall(page), "user")
    result = replaced(page, Names(found, alias))
    _refuse_secrets(readings(result), name)
    return result


def names_of(page: str) -> dict[str, str]:
    """Give the names that a page marks, each with its kind: user, desktop or address."""
    collector = _Collector()
    collector.feed(page)
    collector.close()
    return collector.found


def parts_of(value: str) -> Iterator[str]:
    """Give the names in a cell: several people are parted by commas."""
    for part in re.split(r"[,;]", value):
        name = part.strip()
        if any(map(str.isalnum, name)):
            yield name


def replaced(page: str, names: Names) -> str:
    """Give a page with the names in its texts, titles, sources and drawings replaced."""
    return _PIECE.sub(lambda piece: _replaced(piece[0], names), page)


def _replaced(piece: str, names: Names) -> str:
    if piece.startswith(("<style>", "<script>", "<!")):
        return piece
    if not piece.startswith("<"):
        return _plain(piece, names)
    if _DOTS.search(piece):
        return _NO_DOTS
    found = _DRAWING.search(piece)
    if found:
        shown = drawing(found[2])
        if shown is None or _ODD.search(shown):
            return _NO_DOTS
        new = base64.b64encode(replaced(shown, names).encode()).decode()
        piece = piece[: found.start(2)] + new + piece[found.end(2) :]
    return _ATTRIBUTE.sub(lambda found: f"{found[1]}{_plain(found[2], names)}{found[3]}", piece)


def _plain(escaped: str, names: Names) -> str:
    """Replace in text that stands in HTML; where nothing is found the bytes stay."""
    text = html.unescape(escaped)
    new = names.replace(text)
    return escaped if new == text else html.escape(new)


def _of_summary(notebook: NotebookNode) -> dict[str, str]:
    summary = read_summary(notebook.cells)
    if summary is None:
        return {}
    rows = (*summary.help, *summary.unknown)
    pairs = [("user", summary.operator), *(("user", row.user) for row in rows)]
    pairs += [("desktop", row.desktop) for row in rows]
    return {part: kind for kind, value in pairs for part in parts_of(value)}


def _refuse_secrets(readings: Iterator[str], name: str) -> None:
    if any(map(leaks, readings)):
        msg = f"{visible(name)} holds a secret that is in use; nothing was written"
        raise SettingsError(msg, remedy="change that secret, and delete the notebook")


class _Collector(HTMLParser):
    """Takes the text of each element that is marked, but for the headings of columns."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._kinds: list[tuple[str, str]] = []
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        attributes: Mapping[str, str | None] = dict(attrs)
        kind = attributes.get("data-kind") or ""
        marked = kind if kind in _KINDS and tag != "th" else ""
        self._kinds.append((tag, marked))
        if marked:
            self._text.clear()

    def handle_data(self, data: str) -> None:
        if any(kind for _, kind in self._kinds):
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._kinds:
            opened, kind = self._kinds.pop()
            if kind:
                self.found |= dict.fromkeys(parts_of("".join(self._text)), kind)
                self._text.clear()
            if opened == tag:
                return
