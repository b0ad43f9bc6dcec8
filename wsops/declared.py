"""What a notebook's parameters cell declares, `name: type = default  # help`: read, never run."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass


@dataclass(frozen=True)
class Declared:
    """A parameter as its line declares it; None for the annotation or the default it lacks."""

    name: str
    annotation: ast.expr | None
    default: ast.expr | None
    help: str = ""


def declared(source: str) -> tuple[Declared, ...] | None:
    """Give what the lines of a cell declare, in their order; None where it is not Python."""
    try:
        tree, comments = ast.parse(source), _comments(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    lines = (node for node in tree.body if isinstance(node, ast.AnnAssign | ast.Assign))
    return tuple(
        Declared(target.id, getattr(node, "annotation", None), node.value, _help(node, comments))
        for node in lines
        if isinstance(target := _target(node), ast.Name)
    )


def _target(node: ast.AnnAssign | ast.Assign) -> ast.expr:
    return node.target if isinstance(node, ast.AnnAssign) else node.targets[0]


def _help(node: ast.stmt, comments: dict[int, str]) -> str:
    return comments.get(node.end_lineno or node.lineno, "")


def _comments(source: str) -> dict[int, str]:
    words = tokenize.generate_tokens(io.StringIO(source).readline)
    return {w.start[0]: w.string.lstrip("# ") for w in words if w.type == tokenize.COMMENT}
