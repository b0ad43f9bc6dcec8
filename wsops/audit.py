"""Reads a fleet concurrently and says which desktops do not run their pool's image.

The region's filter only saves traffic; what differs is decided here, by comparing image IDs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from wsops.audited import Audit, Glance, Mismatch, differs
from wsops.client import Workspace
from wsops.errors import (
    CloudError,
    CloudRefused,
    CloudUnreachable,
    NotAllowed,
    PlanError,
)
from wsops.listing import Listing
from wsops.models import Desktop, Pool, utc_now
from wsops.plan import chosen
from wsops.readings import answers_statics
from wsops.spread import Tell, spread

UNSTEADY_POOLS = "the list of pools changed while it was read"
_COLLECT_AFTER = 100_000  # by far more rows than are in memory at once
_IMAGE_FLAGS = frozenset({"IMAGE", "IMAGE_ID"})
_IMAGE_WORDS = {True: "IMAGE_ID", False: "IMAGE"}  # newer and older documents

Collect = Callable[[Pool, Desktop], None]


@dataclass(frozen=True)
class _PoolSeen:
    mismatches: tuple[Mismatch, ...]
    desktops: int
    disagreements: int
    note: str
    unread: bool = False
    unsteady: bool = False


def audit(
    ws: Workspace,
    pools: Sequence[str] = (),
    *,
    full: bool = False,
    collect: Collect | None = None,
    tell: Tell = lambda _done, _all: None,
) -> Audit:
    """Read the pools whose names match, all without any, and give their mismatches.

    Args:
        ws: the connection.
        pools: shell patterns of names, or IDs.
        full: read all desktops, not only those that the region's filter gives.
        collect: called with each pool and each of its desktops that was read, from many threads.
            Without it, desktops are only glanced at.
        tell: called with (pools read, pools in all) after each pool.

    Raises:
        PlanError: a pattern matches no pool.
        CloudError: the list of pools could not be read, or the credentials are not good.
    """
    listing = ws.pools()
    wanted = chosen(listing.rows, pools)
    word = "" if full else _filter_word(ws, wanted)
    # The largest first: pages of a pool come one after the other, and must not begin last.
    order = sorted(wanted, key=lambda pool: -pool.desktop_count)
    with _rare_collections():
        found = spread(ws, lambda pool: _look_at(ws, pool, word, collect), order, tell)
    by_id = {pool.id: one for pool, one in zip(order, found, strict=True)}
    seen = [by_id[pool.id] for pool in wanted]
    notes = () if listing.steady else (UNSTEADY_POOLS,)
    return Audit(
        taken_at=utc_now(),
        region=ws.settings.region,
        project_id=ws.project_id,
        pools=wanted,
        desktops=sum(s.desktops for s in seen),
        mismatches=tuple(m for s in seen for m in s.mismatches),
        full=not word,
        notes=notes + tuple(s.note for s in seen if s.note),
        disagreements=sum(s.disagreements for s in seen),
        unread=tuple(pool.id for pool, s in zip(wanted, seen, strict=True) if s.unread),
        unsteady=tuple(pool.id for pool, s in zip(wanted, seen, strict=True) if s.unsteady),
    )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles less often inside the block: rows die by count, millions of them."""
    usual = gc.get_threshold()
    if not 0 < usual[0] < _COLLECT_AFTER:  # switched off, or raised by another audit
        yield
        return
    gc.set_threshold(_COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _look_at(ws: Workspace, pool: Pool, word: str, collect: Collect | None) -> _PoolSeen:
    """Read one pool's desktops and judge them."""
    try:
        listing = _read(ws, pool, word, collect)
    except (NotAllowed, CloudUnreachable):
        raise
    except CloudError as error:
        return _PoolSeen((), 0, 0, f"pool {pool.name} could not be read: {error}", unread=True)
    note = "" if listing.steady else f"pool {pool.name} changed while it was read"
    return _PoolSeen(
        mismatches=tuple(one.mismatch for one in listing.rows if one.mismatch),
        desktops=pool.desktop_count if word else listing.seen,
        disagreements=sum(one.disagrees for one in listing.rows),
        note=note,
        unsteady=not listing.steady,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A desktop that differs from its pool, or of which the service's flag says otherwise."""

    id: str
    mismatch: Mismatch | None
    disagrees: bool


def _judged(pool: Pool, desktop: Glance) -> _Judged | None:
    differing = differs(pool, desktop)
    disagrees = differing == _IMAGE_FLAGS.isdisjoint(desktop.inconsistent_types or ())
    if not differing and not disagrees:
        return None
    return _Judged(desktop.id, Mismatch.of(pool, desktop) if differing else None, disagrees)


def _read(ws: Workspace, pool: Pool, word: str, collect: Collect | None) -> Listing[_Judged]:
    """Read and judge a pool's desktops, at a glance unless whole ones are to be collected."""
    judged = partial(_judged, pool)
    if collect is None:
        return ws.glance_at_desktops(pool.id, judged, differing=word)
    listing = ws.pool_desktops(pool.id, differing=word)
    for desktop in listing.rows:
        collect(pool, desktop)
    found = tuple(filter(None, map(judged, listing.rows)))
    return Listing(found, listing.seen, steady=listing.steady)


def _filter_word(ws: Workspace, pools: Sequence[Pool]) -> str:
    """Give the region's word for "image" in its filter; "" where the filter does not work."""
    if ws.settings.features.image_filter == "no" or not pools:
        return ""
    try:
        word = _IMAGE_WORDS[answers_statics(ws, pools[0].id)]
        ws.glance_at_desktops(pools[0].id, _only_counted, differing=word)
    except (PlanError, CloudRefused):
        return ""
    return word


def _only_counted(_desktop: Glance) -> None:
    """Keep nothing."""
