"""What a source of rows gives, before anything of it is checked against a notebook."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from wsops.errors import SpecError

MOST_ROWS: Final = 10_000


class Empty(Enum):
    """Has one member: what an empty cell holds, so that the notebook's default stays."""

    EMPTY = "an empty cell"


@dataclass(frozen=True)
class Given:
    """A row as it was written; `place` is where, such as "line 4".

    `head` is where the names of its values are written, where that is elsewhere: once for all rows.
    """

    place: str
    values: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    label: str = ""
    head: str = ""


@dataclass(frozen=True)
class Source:
    """The rows of a source; `everywhere` holds for all rows, `defaults` where a row has none.

    `what` is what messages call the source; `name` what it calls the batch.
    """

    what: str
    rows: tuple[Given, ...]
    everywhere: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    name: str = ""


def check_number(rows: int, what: str) -> None:
    """Refuse a source with no rows, or with more than a batch may have.

    Raises:
        SpecError: it has none, or too many.
    """
    if not rows:
        msg = f"{what} has no rows: there is nothing to run"
        raise SpecError(msg, remedy="give at least one row")
    if rows > MOST_ROWS:
        msg = f"{what} has more than {MOST_ROWS:,} rows"
        raise SpecError(msg, remedy="make several batches of it; no kernel was started")


def not_among(name: str, names: Collection[str]) -> str:
    """Say which name was meant, or which there are: the end of a sentence about an unknown one."""
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def refusal(what: object, why: object, remedy: str | None = None) -> SpecError:
    """Give the refusal of a source or a notebook that cannot be used: one sentence."""
    return SpecError(f"{what} {why}", remedy=remedy)
