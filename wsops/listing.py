"""Reads a list of the service to its end, and says whether it stood still meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from pydantic import Field, create_model

from wsops.models import Record

_TRIES = 3


class Row(Protocol):
    """A record of a list: it has an ID, by which it is recognised on another page."""

    @property
    def id(self) -> str:
        """The ID."""


P = TypeVar("P")
L = TypeVar("L", bound=Row)
G = TypeVar("G", bound=Row)


class Page(Record, Generic[P]):
    """One page of a list of the service: its rows, and how many rows there are in all."""

    rows: tuple[P, ...]
    total_count: int | None = None


def page_of(name: str, record: type[P]) -> type[Page[P]]:
    """Make the page of the list that answers call `name`; another list in them is not its."""
    rows: Any = (tuple[record, ...], Field(validation_alias=name))  # type: ignore[valid-type]
    return create_model(f"Page of {name}", __base__=Page[record], rows=rows)  # type: ignore[valid-type]


@dataclass(frozen=True)
class Part(Generic[L]):
    """What a page adds to a list: the IDs of all its rows, and those rows that are kept."""

    ids: Sequence[str]
    rows: Sequence[L]
    total_count: int | None

    @classmethod
    def of(cls, page: Page[L]) -> Self:
        """Keep all rows of a page."""
        return cls([row.id for row in page.rows], page.rows, page.total_count)

    @classmethod
    def taken(
        cls, rows: Sequence[G], take: Callable[[G], L | None], total_count: int | None
    ) -> Self:
        """Keep of each row what `take` gives, and count those of which it gives None."""
        kept = [one for one in map(take, rows) if one is not None]
        return cls([row.id for row in rows], kept, total_count)


@dataclass(frozen=True)
class Listing(Generic[L]):
    """The rows of a list that were kept, how many there were, and whether it stood still.

    `steady` is False where the list changed each time it was read: rows may be missing. Where it
    is longer than the service lets one read the last ones are missing, and `cut` is True as well.
    """

    rows: tuple[L, ...]
    seen: int
    steady: bool
    cut: bool = False


@dataclass(frozen=True)
class Range:
    """How far the contract lets one read a list: its largest page, and its last offset."""

    limit: int
    last_offset: int


def read_list(get: Callable[[dict[str, str]], Part[L]], within: Range) -> Listing[L]:
    """Read a list to its end; once more, twice at the most, where it changed meanwhile.

    Args:
        get: gives the part of a query with limit and offset; may be asked twice for the same.
        within: how far the list may be read.
    """
    for _ in range(_TRIES):
        listing = _sweep(get, within)
        if listing.steady or listing.cut:
            break
    return listing


def _sweep(get: Callable[[dict[str, str]], Part[L]], within: Range) -> Listing[L]:
    """Read a list once, page by page, dropping rows that come twice."""
    rows: dict[str, L] = {}
    ids: set[str] = set()
    totals: set[int | None] = set()
    offset, ended = 0, False
    while not ended and offset <= within.last_offset:
        part = get({"limit": str(within.limit), "offset": str(offset)})
        totals.add(part.total_count)
        for row in part.rows:
            rows.setdefault(row.id, row)
        ids.update(part.ids)
        # By what came, not by what was asked for: a service may give shorter pages.
        offset += len(part.ids)
        ended = _ends(offset, part, within.limit)
    steady = ended and totals in ({None}, {len(ids)})
    return Listing(tuple(rows.values()), len(ids), steady=steady, cut=not ended)


def _ends(read: int, part: Part[L], limit: int) -> bool:
    """Tell whether a list ends here, after `read` rows."""
    if not part.ids:
        return True
    return len(part.ids) < limit if part.total_count is None else read >= part.total_count
