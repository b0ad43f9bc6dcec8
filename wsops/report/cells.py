"""The code cells of a notebook, by the numbers that people see beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from wsops.redact import scrubbed

_PICTURES = ("image/png", "image/jpeg", "image/gif")


def numbered(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Give the code cells that hold code, counted from 1: in a run from the top, their [n]."""
    code = (cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())
    return enumerate(code, 1)


def tags(cell: NotebookNode) -> frozenset[str]:
    """Give the tags of a cell."""
    return frozenset(cell.metadata.get("tags", ()))


def without_secrets(notebook: NotebookNode) -> NotebookNode:
    """Give a copy in which every registered secret is masked, wherever it stands."""
    copy: NotebookNode = scrubbed(notebook, leave=_PICTURES)
    return copy


def texts(node: Any) -> Iterator[str]:  # noqa: ANN401  (JSON)
    """Give every text of a notebook, keys as well; pictures made of dots are none."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            if key not in _PICTURES:
                yield from texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from texts(value)
