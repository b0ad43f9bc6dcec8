"""Faults of rows, collected: who corrects a file wants to read all of them at once."""

from __future__ import annotations

from wsops.errors import SpecError
from wsops.redact import scrub
from wsops.text import count, visible

_MOST = 10
_LONGEST = 300


class Problems:
    """The first ten faults, in the order in which they were found, and how many there are."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._told: list[str] = []
        self._number = 0

    def add(self, place: str, why: object, column: str = "") -> None:
        """Add a fault: where it is, of which column, and what it is."""
        self._number += 1
        if len(self._told) < _MOST:
            where = f"{place}, {visible(column, 40)}" if column else place
            self._told.append(visible(scrub(f"{where}: {why}"), _LONGEST))

    def __bool__(self) -> bool:
        return bool(self._number)

    def refuse(self) -> None:
        """Refuse if there are faults.

        Raises:
            SpecError: there are; its message has one a line.
        """
        if not self:
            return
        head = f"{self._what} cannot be run: {count(self._number, 'fault')}"
        rest = self._number - len(self._told)
        more = (f"and {rest:,} more",) if rest else ()
        problems = (*self._told, *more)
        raise SpecError("\n".join([head, *problems]), problems=problems)
