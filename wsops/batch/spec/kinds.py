"""The types of a notebook's parameters, by their annotations.

Known are str, int, float, bool, None, Literal, list and dict of these, and unions; a parameter
without an annotation has the type of its default.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Sequence
from types import NoneType
from typing import Any, Literal

from wsops.batch.spec.parse import expression, literal
from wsops.batch.spec.plain import Unfit

Kind = Any
"""A type as `kind_of` gives it; mypy has no word for these."""


class Foreign:
    """Stands for every annotation that is not one of ours."""


_NAMES: dict[str, Kind] = {one.__name__: one for one in (str, int, float, bool, list, dict)} | {
    "List": list,
    "Dict": dict,
}


def kind_of(annotation: ast.expr | None, default: ast.expr | None) -> Kind:
    """Give the type of a parameter, `Foreign` where its annotation is none that is known."""
    try:
        if annotation is not None:
            return _kind(annotation)
        return _NAMES[type(literal(default)).__name__] if default is not None else Foreign
    except (KeyError, TypeError, RecursionError, Unfit):
        return Foreign


def _kind(node: ast.expr) -> Kind:
    """Read an annotation; KeyError for one that is not known."""
    match node:
        case ast.Constant(value=None):
            return NoneType
        case ast.Constant(value=str(quoted)):
            return _kind(expression(quoted))
        case ast.Name(id=name):
            return _NAMES[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _kind(left) | _kind(right)
        case ast.Subscript(value=base, slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _generic(ast.unparse(base).removeprefix("typing."), parts)
    raise KeyError(ast.unparse(node))


def _generic(name: str, parts: Sequence[ast.expr]) -> Kind:
    match name.lower(), len(parts):
        case "literal", _:
            return Literal[tuple(literal(part) for part in parts)]
        case "union", _:
            return functools.reduce(operator.or_, map(_kind, parts))
        case "optional", 1:
            return _kind(parts[0]) | None
        case "list", 1:
            return list[_kind(parts[0])]  # type: ignore[misc]
        case "dict", 2 if _kind(parts[0]) is str:
            return dict[str, _kind(parts[1])]  # type: ignore[misc]
    raise KeyError(name)
