"""The notebook of a batch: its bytes, and the parameters that it declares."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from wsops.batch.spec.given import refusal
from wsops.batch.spec.kinds import Foreign, Kind, kind_of
from wsops.batch.spec.parse import literal
from wsops.batch.spec.plain import Unfit, shown
from wsops.declared import Declared, declared
from wsops.errors import SettingsError, SpecError
from wsops.report.cells import tags
from wsops.report.read import read_notebook

_TAG: Final = "parameters"
_GIVE = "give the path of a notebook, such as notebooks/20_repair_mismatches.ipynb"


@dataclass(frozen=True)
class Parameter:
    """A parameter as the notebook declares it; `written` is its type in words.

    `required` says that it has no default, `known` that its default is plain to see: then it is
    `default`.
    """

    name: str
    kind: Kind
    written: str
    required: bool = False
    known: bool = False
    default: Any = None


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was read once: what is run is what was checked."""

    path: Path
    content: bytes
    parameters: Mapping[str, Parameter]

    @property
    def defaults(self) -> dict[str, Any]:
        """The values of the parameters whose default is plain to see."""
        return {one.name: one.default for one in self.parameters.values() if one.known}


def read_declared(path: Path) -> Notebook:
    """Read a notebook and what its cell tagged `parameters` declares.

    Raises:
        SpecError: it cannot be read, is no notebook, or has not one such cell in plain Python.
    """
    try:
        notebook, content = _read(path)
    except SettingsError as error:
        raise SpecError(str(error), remedy=_GIVE) from None
    except OSError as error:
        raise refusal(path, f"cannot be read: {error.strerror}", _GIVE) from None
    except ValueError:
        raise refusal(shown(str(path)), "is no path", _GIVE) from None
    found = map(_parameter, _declarations(notebook, path))
    return Notebook(path, content, {one.name: one for one in found})


def _read(path: Path) -> tuple[NotebookNode, bytes]:
    """Read a notebook and its bytes, both of the same moment: someone may be saving it."""
    if path.exists() and not path.is_file():
        raise refusal(path, "is no file", _GIVE)
    before = _moment(path)
    notebook, content = read_notebook(path), path.read_bytes()
    if _moment(path) != before:
        raise refusal(path, "changed while it was read", "start the batch again")
    return notebook, content


def _moment(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _declarations(notebook: NotebookNode, path: Path) -> tuple[Declared, ...]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and _TAG in tags(cell)]
    if not cells:
        why = f"has no cell tagged `{_TAG}`: rows would change nothing"
        raise refusal(path, why, f"tag the cell that holds them `{_TAG}`, in JupyterLab's sidebar")
    if len(cells) > 1:
        why = f"has {len(cells)} cells tagged `{_TAG}`: the later ones would undo what a row says"
        raise refusal(path, why, "put them into one cell")
    found = declared(cells[0].source)
    if found is None:
        why = f"has a cell tagged `{_TAG}` that is not plain Python"
        raise refusal(path, why, "put one `name: type = default  # help` a line, and nothing else")
    return found


def _parameter(one: Declared) -> Parameter:
    kind = kind_of(one.annotation, one.default)
    if one.annotation is not None:
        written = ast.unparse(one.annotation)
    else:
        written = "" if kind is Foreign else kind.__name__
    if one.default is None:
        return Parameter(one.name, kind, written, required=True)
    try:
        return Parameter(one.name, kind, written, known=True, default=literal(one.default))
    except Unfit:
        return Parameter(one.name, kind, written)
