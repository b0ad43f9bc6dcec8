"""The parameters of a notebook: `name: type = default  # help`, as papermill overrides them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass, replace

from nbformat import NotebookNode

from wsops.redact import MASK
from wsops.report.cells import numbered, tags

PEOPLE = frozenset(
    {"operator", "user", "users", "user_name", "username", "user_list", "email", "emails", "mail"}
    | {"e_mail", "owner", "person", "people", "name", "approver", "requester", "address", "phone"}
)
"""Names of parameters that name people."""

_SECRET = re.compile(
    r"(?i)((^|_)(ak|sk|pass|pwd)($|_)|token|secret|passw|credential|(api|access)_?key|(^|_)key($|_))"
)


@dataclass(frozen=True)
class Parameter:
    """A parameter; `given` says that its value is not the default."""

    name: str
    type: str
    value: str
    help: str
    given: bool = False


def parameters_of(notebook: NotebookNode) -> tuple[Parameter, ...]:
    """Give the parameters in the order of their cell, with the values that the run was given."""
    found: dict[str, Parameter] = {}
    for _, cell in numbered(notebook):
        if "parameters" in tags(cell):
            found |= {one.name: one for one in _assigned(cell.source)}
        elif "injected-parameters" in tags(cell):
            for one in _assigned(cell.source):
                known = found.get(one.name, one)
                found[one.name] = replace(known, value=one.value, given=True)
    return tuple(found.values())


def names_people(parameter: Parameter) -> bool:
    """Tell whether a parameter names people."""
    return parameter.name.lower() in PEOPLE


def _assigned(source: str) -> list[Parameter]:
    """Read the assignments of a cell; none where it is not Python."""
    try:
        tree, comments = ast.parse(source), _comments(source)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return []
    found = []
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            kind, target, value = ast.unparse(node.annotation), node.target, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            kind, target, value = "", node.targets[0], node.value
        else:
            continue
        shown = MASK if _SECRET.search(target.id) else _shown(value)
        help_text = comments.get(node.end_lineno or node.lineno, "")
        found.append(Parameter(target.id, kind, shown, help_text))
    return found


def _comments(source: str) -> dict[int, str]:
    words = tokenize.generate_tokens(io.StringIO(source).readline)
    return {w.start[0]: w.string.lstrip("# ") for w in words if w.type == tokenize.COMMENT}


def _shown(value: ast.expr) -> str:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return ast.unparse(value)
