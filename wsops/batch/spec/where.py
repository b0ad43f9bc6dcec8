"""Choosing rows by a condition such as `mismatches > 10`: a small part of Python, never run.

It has columns, numbers, texts, True, False, None, lists of these, comparisons, `in`, and, or, not,
and + - * / of numbers. There is nothing in it to call, to look up or to repeat.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from wsops.batch.spec.condition import KINDS, NODES, truth
from wsops.batch.spec.given import not_among
from wsops.batch.spec.parse import expression
from wsops.batch.spec.plain import Unfit, shown

LONGEST: Final = 500
"""Characters of a condition."""

_DEEPEST: Final = 40


class Where:
    """A condition that was read, and may be asked of any number of rows.

    Args:
        text: the condition.
        names: of the columns that there are.

    Raises:
        Unfit: it is no condition of this kind, or names another column.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        if len(text) > LONGEST:
            msg = f"has {len(text):,} characters; a condition has at most {LONGEST}"
            raise Unfit(msg)
        self._tree = expression(text)
        for node in _walk(self._tree, _DEEPEST):
            _check(node, names)

    def keeps(self, row: Mapping[str, object]) -> bool:
        """Tell whether a row, its values by column, is chosen.

        Raises:
            Unfit: its values cannot be compared so, or the condition gives neither yes nor no.
        """
        try:
            return truth(self._tree, row)
        except ArithmeticError:
            msg = "cannot be worked out: it divides by 0, or a number grows too large"
            raise Unfit(msg) from None


def _walk(node: ast.AST, deeper: int) -> Iterator[ast.AST]:
    if not deeper:
        msg = f"is nested more than {_DEEPEST} deep"
        raise Unfit(msg)
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, deeper - 1)


def _check(node: ast.AST, names: Collection[str]) -> None:
    known = isinstance(node, NODES)
    if not known or (isinstance(node, ast.Constant) and type(node.value) not in KINDS):
        what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        msg = f"takes columns, literals, comparisons, and/or/not, in and + - * /; not {shown(what)}"
        raise Unfit(msg)
    if isinstance(node, ast.Name) and node.id not in names:
        msg = f"names {shown(node.id)}, which is no column; {not_among(node.id, names)}"
        raise Unfit(msg)
