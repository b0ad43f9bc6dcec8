"""The parameters of a notebook: `name: type = default  # help`, as papermill overrides them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from nbformat import NotebookNode

from wsops.declared import Declared, declared
from wsops.redact import MASK, looks_secret
from wsops.report.cells import numbered, tags

PEOPLE = frozenset(
    {"operator", "user", "users", "user_name", "username", "user_list", "email", "emails", "mail"}
    | {"e_mail", "owner", "person", "people", "name", "approver", "requester", "address", "phone"}
)
"""Names of parameters that name people."""


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
    return [_told(one, one.default) for one in declared(source) or () if one.default is not None]


def _told(one: Declared, value: ast.expr) -> Parameter:
    kind = "" if one.annotation is None else ast.unparse(one.annotation)
    shown = MASK if looks_secret(one.name) else _shown(value)
    return Parameter(one.name, kind, shown, one.help)


def _shown(value: ast.expr) -> str:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return ast.unparse(value)
