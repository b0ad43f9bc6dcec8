"""Reads a list of the service to its end, and says whether it stood still meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import AliasChoices, Field

from wsops.models import Record

_TRIES = 3


class Row(Protocol):
    """A record of a list: it has an ID, by which it is recognised on another page."""

    @property
    def id(self) -> str:
        """The ID."""


P = TypeVar("P")
L = TypeVar("L", bound=Row)
Keep = Callable[[L], bool]

_ROWS = AliasChoices(
    "desktop_pools", "pool_desktops", "desktops", "images", "jobs", "projects", "image_infos"
)


class Page(Record, Generic[P]):
    """One page of any list of the service: its rows, and how many rows there are in all."""

    rows: tuple[P, ...] = Field(validation_alias=_ROWS)
    total_count: int | None = None


@dataclass(frozen=True)
class Listing(Generic[L]):
    """The rows of a list that were kept, how many there were, and whether it stood still.

    `steady` is False where the list changed each time it was read, or is longer than the service
    lets one read: rows may be missing.
    """

    rows: tuple[L, ...]
    seen: int
    steady: bool


@dataclass(frozen=True)
class Range:
    """How far the contract lets one read a list: its largest page, and its last offset."""

    limit: int
    last_offset: int


def read_list(
    get: Callable[[dict[str, str]], Page[L]], within: Range, keep: Keep[L] | None = None
) -> Listing[L]:
    """Read a list to its end; once more, twice at the most, where it changed meanwhile.

    Args:
        get: gives the page of a query with limit and offset.
        within: how far the list may be read.
        keep: which rows to keep, all without it; may be asked twice for the same row.
    """
    for _ in range(_TRIES):
        listing = _sweep(get, within, keep)
        if listing.steady:
            break
    return listing


def _sweep(
    get: Callable[[dict[str, str]], Page[L]], within: Range, keep: Keep[L] | None
) -> Listing[L]:
    """Read a list once, page by page, dropping rows that come twice."""
    rows: list[L] = []
    ids: set[str] = set()
    totals: set[int | None] = set()
    offset = 0
    while offset <= within.last_offset:
        page = get({"limit": str(within.limit), "offset": str(offset)})
        totals.add(page.total_count)
        for row in page.rows:
            if (row_id := row.id) not in ids:
                ids.add(row_id)
                if keep is None or keep(row):
                    rows.append(row)
        # By what came, not by what was asked for: a service may give shorter pages.
        offset += len(page.rows)
        if _ends(offset, page, within.limit):
            break
    return Listing(tuple(rows), len(ids), steady=totals in ({None}, {len(ids)}))


def _ends(read: int, page: Page[L], limit: int) -> bool:
    """Tell whether a list ends here, after `read` rows."""
    if not page.rows:
        return True
    return len(page.rows) < limit if page.total_count is None else read >= page.total_count
