"""The outputs of a cell as the page shows them: the best face of each, made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup
from nbformat import NotebookNode

from wsops.markup import element, join
from wsops.report.clean import fragment, picture, terminal
from wsops.report.markdown import Outline, to_html
from wsops.summary import MIME as SUMMARY

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_LIVE = ("application/javascript", "application/json", _WIDGET)
_NO_PICTURE_TEXT = "a picture of this cell"


def shown(outputs: Sequence[NotebookNode]) -> Markup:
    """Give the outputs of a cell one below the other; lines of one stream stay together."""
    parts: list[Markup] = []
    for stream, group in groupby(outputs, key=lambda output: output.get("name", "")):
        if stream:
            parts.append(_stream(stream, "".join(output.text for output in group)))
        else:
            parts += filter(None, map(_output, group))
    return join(parts)


def _stream(name: str, text: str) -> Markup:
    body = terminal(text.rstrip("\n"))
    named = "r-stream r-stderr" if name == "stderr" else "r-stream"
    return element("pre", body, class_=named, tabindex="0") if body else Markup()


def _output(output: NotebookNode) -> Markup:
    if output.output_type == "error":
        return _error(output)
    if output.output_type not in {"display_data", "execute_result"} or SUMMARY in output.data:
        return Markup()
    body = next(filter(None, _faces(output.data)), Markup())
    return element("div", body, class_="r-output") if body else body


def _faces(data: NotebookNode) -> Iterator[Markup]:
    """Give the faces of an output that a page can show, the richest first."""
    if "text/html" in data:
        yield fragment(data["text/html"])
    for mime in _PICTURES:
        if mime in data:
            yield picture(mime, data[mime], _NO_PICTURE_TEXT)
    if "text/markdown" in data:
        yield fragment(to_html(data["text/markdown"], Outline(title="-")))
    if _WIDGET in data:
        yield element("p", "A form stood here; it shows nothing on paper.", class_="r-note")
    # What is live has no text but the name of its class, or worse: a password's repr.
    if "text/plain" in data and not any(mime in data for mime in _LIVE):
        yield element("pre", terminal(data["text/plain"]), class_="r-text", tabindex="0")


def _error(output: NotebookNode) -> Markup:
    text = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
    head = element("summary", element("b", output.ename), ": how it came to this")
    body = element("pre", terminal(text), class_="r-text", tabindex="0")
    return element("details", head, body, class_="r-error")
