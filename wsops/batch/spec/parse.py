"""Text from outside, read as JSON, as a Python expression or as a literal: nothing of it is run."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

from wsops.batch.spec.plain import Unfit, shown

# What Python says of text that is no program, or too deep a one.
_NO_PYTHON = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, Warning)


def json_of(text: str) -> Any:  # noqa: ANN401  (JSON)
    """Read JSON that means the same to every reader: each key once, no NaN, no Infinity.

    Raises:
        Unfit: it is not JSON, says something twice, or is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse_constant)
    except Unfit:
        raise
    except RecursionError:
        msg = "is nested too deeply"
    except json.JSONDecodeError as error:
        msg = f"is not JSON: {error.msg} (line {error.lineno})"
    except ValueError:  # Python reads no number of more than 4300 digits
        msg = "has a number that is too large"
    raise Unfit(msg)


def expression(text: str) -> ast.expr:
    """Read a Python expression.

    Raises:
        Unfit: it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only frowns at was not meant so
            return ast.parse(text.strip(), mode="eval").body
    except _NO_PYTHON:
        msg = f"{shown(text)} is not an expression"
        raise Unfit(msg) from None


def literal(node: ast.expr) -> Any:  # noqa: ANN401  (whatever a literal says)
    """Give the value of a Python literal; what would have to be called or looked up is none.

    Raises:
        Unfit: it is no literal.
    """
    try:
        return ast.literal_eval(node)
    except _NO_PYTHON:
        msg = "is not a Python literal"
        raise Unfit(msg) from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            msg = f"has the key {shown(name)} twice in one object"
            raise Unfit(msg)
        found[name] = value
    return found


def _refuse_constant(word: str) -> None:
    msg = f"has {word}, which is no number of JSON"
    raise Unfit(msg)
