"""Refuses a parameter that the notebook does not have: papermill only warns, and runs without it.

A misspelt `pool` would leave `pools` at its default, which is the whole fleet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from IPython.core.getipython import get_ipython

from wsops.errors import PlanError

_BY_PAPERMILL = "# Parameters\n"  # how the cell begins that papermill puts in


def cells_run() -> Sequence[str]:
    """Give the sources of the cells that this kernel has run, oldest first; none outside of one."""
    shell = get_ipython()
    return tuple(shell.user_ns.get("In", ())) if shell is not None else ()


def check_injected(cells: Sequence[str]) -> None:
    """Refuse names that papermill has put in and that no cell before has as a parameter.

    Raises:
        PlanError: there is one; names it.
    """
    known: set[str] = set()
    for source in cells:
        names = set(_assigned(source))
        strange = names - known if source.startswith(_BY_PAPERMILL) else set()
        if strange:
            msg = f"the notebook has no parameter {', '.join(sorted(strange))}"
            raise PlanError(msg, remedy="`papermill --help-notebook NOTEBOOK` lists them")
        known |= names


def _assigned(source: str) -> Iterator[str]:
    """Give the names that the lines of a cell assign; none where it is no plain Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))
