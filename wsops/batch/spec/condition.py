"""Working out a condition over the values of a row, by its parsed form.

Unlike Python it compares only like with like: text is never quietly unequal to a number.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

from wsops.batch.spec.plain import Unfit

KINDS: Final[Mapping[type, str]] = {
    bool: "yes or no",
    int: "a number",
    float: "a number",
    str: "text",
    NoneType: "nothing",
    list: "a list",
    dict: "an object",
}
"""What a value is called, by its type."""

_ALIKE = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_ORDERED = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
_SIGNS = _ALIKE | _ORDERED
_SUMS: Mapping[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_GROUPS = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.BinOp, ast.Compare)
_LEAVES = (ast.Constant, ast.Name, ast.Load, ast.List, ast.Tuple, ast.In, ast.NotIn)

NODES: Final = (*_GROUPS, *_LEAVES, *_SIGNS, *_SUMS)
"""All that a condition may be made of."""


def truth(node: ast.expr, row: Mapping[str, object]) -> bool:
    """Work out a condition that is made of `NODES` and of the row's columns only.

    Raises:
        Unfit: it compares unlike things, or gives neither yes nor no.
        ArithmeticError: it divides by 0, or a number grows too large.
    """
    found = _value(node, row)
    if isinstance(found, bool):
        return found
    raise _unfit(node, found, "not yes or no; compare it with something")


def _value(node: ast.expr, row: Mapping[str, object]) -> Any:  # noqa: ANN401  (plain JSON)
    found: Any
    match node:
        case ast.Constant(value=value):
            found = value
        case ast.Name(id=name):
            found = _column(name, row)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            found = [_value(part, row) for part in parts]
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            found = not truth(inner, row)
        case ast.UnaryOp(op=sign, operand=inner):
            found = _SUMS[type(sign)](_number(inner, row))
        case ast.BinOp(left=left, op=sign, right=right):
            found = _SUMS[type(sign)](_number(left, row), _number(right, row))
        case ast.BoolOp(op=word, values=parts):
            truths = (truth(part, row) for part in parts)
            found = all(truths) if isinstance(word, ast.And) else any(truths)
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = itertools.pairwise([left, *others])
            found = all(_holds(a, sign, b, row) for (a, b), sign in zip(pairs, signs, strict=True))
        case _:
            raise AssertionError(node)
    return found


def _column(name: str, row: Mapping[str, object]) -> object:
    if name in row:
        return row[name]
    msg = f"asks for {name}, whose default only the notebook can work out"
    raise Unfit(msg)


def _number(node: ast.expr, row: Mapping[str, object]) -> Any:  # noqa: ANN401  (int or float)
    found = _value(node, row)
    if KINDS[type(found)] == "a number":
        return found
    raise _unfit(node, found, "not a number")


def _holds(left: ast.expr, sign: ast.cmpop, right: ast.expr, row: Mapping[str, object]) -> bool:
    one, other = _value(left, row), _value(right, row)
    if isinstance(sign, ast.In | ast.NotIn):
        return _among(left, one, right, other) is isinstance(sign, ast.In)
    ordered = type(sign) in _ORDERED
    if not ordered and (one is None or other is None):
        return (one is other) is isinstance(sign, ast.Eq)
    kind = KINDS[type(one)]
    if kind != KINDS[type(other)] or (ordered and kind not in {"a number", "text"}):
        raise _unlike(left, one, right, other)
    return bool(_SIGNS[type(sign)](one, other))


def _among(left: ast.expr, one: object, right: ast.expr, other: object) -> bool:
    if isinstance(other, str) and isinstance(one, str):
        return one in other
    if not isinstance(other, list):
        raise _unlike(left, one, right, other)
    for member in other:
        if KINDS[type(member)] != KINDS[type(one)]:
            raise _unlike(left, one, right, member)
    return one in other


def _unlike(left: ast.expr, one: object, right: ast.expr, other: object) -> Unfit:
    other_is = f"{ast.unparse(right)} is or has {KINDS[type(other)]}"
    return _unfit(left, one, f"and {other_is}: these cannot be compared so")


def _unfit(node: ast.expr, found: object, why: str) -> Unfit:
    return Unfit(f"cannot be asked: {ast.unparse(node)} is {KINDS[type(found)]}, {why}")
