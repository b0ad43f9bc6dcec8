"""The cells of a notebook as the body of a page: what was said, what came out, code folded."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from nbformat import NotebookNode

from wsops.report.cells import numbered, tags
from wsops.report.clean import fragment, terminal
from wsops.report.markdown import Heading, Outline, to_html
from wsops.report.outputs import shown

_PARAMETERS = {"parameters", "injected-parameters"}
_BANNER = "papermill-error-cell-tag"  # says again what stands at the top
_DEEPEST = 3


@dataclass(frozen=True)
class Part:
    """A cell on the page; `number` is 0 where it is not code."""

    number: int
    body: Markup
    source: Markup
    bad: bool = False


@dataclass(frozen=True)
class Content:
    """The body of a page: its title, its headings down to the third level, its cells."""

    title: str
    headings: tuple[Heading, ...]
    parts: tuple[Part, ...]


def content_of(notebook: NotebookNode) -> Content:
    """Give the body of a page; the cells of the parameters are told elsewhere."""
    numbers = {id(cell): number for number, cell in numbered(notebook)}
    outline = Outline()
    parts: list[Part] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and _BANNER not in tags(cell):
            body = fragment(to_html(cell.source, outline, cell.get("attachments")))
            parts.append(Part(0, body, Markup()))
        elif id(cell) in numbers and not tags(cell) & _PARAMETERS:
            parts.append(_code(numbers[id(cell)], cell))
    headings = tuple(h for h in outline.headings if h.level <= _DEEPEST and h.text)
    return Content(outline.title, headings, tuple(p for p in parts if p.number or p.body.strip()))


def _code(number: int, cell: NotebookNode) -> Part:
    bad = any(output.output_type == "error" for output in cell.outputs)
    return Part(number, shown(cell.outputs), terminal(cell.source), bad)
