"""Reads a fleet concurrently and says which desktops do not run their pool's image.

The region's filter only saves traffic; what differs is decided here, by comparing image IDs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from wsops.audited import Audit, Glance, Mismatch, differs
from wsops.client import Workspace
from wsops.errors import (
    BadAnswer,
    CloudError,
    CloudRefused,
    CloudUnreachable,
    NotAllowed,
    PlanError,
)
from wsops.listing import Listing
from wsops.models import Desktop, Image, Pool, SubJob, utc_now
from wsops.plan import Reading, Region, chosen

REBUILD_TYPES = ("rebuildDesktopPool", "rebuildDesktops")
_COLLECT_AFTER = 100_000  # by far more rows than are in memory at once
_IMAGE_FLAGS = frozenset({"IMAGE", "IMAGE_ID"})
_IMAGE_WORDS = {True: "IMAGE_ID", False: "IMAGE"}  # newer and older documents

T = TypeVar("T")
S = TypeVar("S")
Tell = Callable[[int, int], None]
Collect = Callable[[Pool, Desktop], None]


@dataclass(frozen=True)
class _PoolSeen:
    mismatches: tuple[Mismatch, ...]
    desktops: int
    disagreements: int
    note: str
    unread: bool = False


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
    notes = () if listing.steady else ("the list of pools changed while it was read",)
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
        unread=sum(s.unread for s in seen),
    )


def region_of(ws: Workspace, pools: Iterable[Pool]) -> Region:
    """Find out what the region knows, by the profile or by one read.

    inconsistent-statics came in the same release as handle_type: 200 means a new region, 404
    APIGW.0101 an old one. Anything else is no answer, and no plan is made on a guess.

    Raises:
        PlanError: the read did not tell.
    """
    features = ws.settings.features
    if features.handle_type != "auto":
        return Region(
            knows_handle_type=features.handle_type == "yes",
            honours_desktop_ids=features.desktop_ids,
        )
    first = next(iter(pools), None)
    if first is None:
        msg = "the project has no pool"
        raise PlanError(msg)
    return Region(
        knows_handle_type=_answers_statics(ws, first.id),
        honours_desktop_ids=features.desktop_ids,
    )


def read_pool(ws: Workspace, pool_id: str, *, ask_images: bool = False) -> Reading:
    """Read a pool, all its desktops and its rebuild jobs, as they are now.

    `ask_images` also asks which of the desktops' images still exist.
    """
    pool = ws.pool(pool_id)
    desktops = ws.pool_desktops(pool_id)
    subs = rebuild_sub_jobs(ws, pool_id)
    return Reading(
        pool=pool,
        desktops=desktops.rows,
        steady=desktops.steady,
        known_jobs=tuple(sorted({sub.job_id for sub in subs})),
        busy_jobs=tuple(sorted({sub.job_id for sub in subs if not sub.final})),
        living_images=_living_images(ws, desktops.rows) if ask_images else None,
    )


def rebuild_sub_jobs(ws: Workspace, pool_id: str) -> tuple[SubJob, ...]:
    """Give the sub-jobs of all rebuilds of a pool.

    Raises:
        BadAnswer: the list did not stand still; a job could be missing from it.
    """
    found: list[SubJob] = []
    for job_type in REBUILD_TYPES:
        listing = ws.sub_jobs(pool_id=pool_id, job_type=job_type)
        if not listing.steady:
            msg = f"the list of the rebuild jobs of pool {pool_id} changed while it was read"
            raise BadAnswer(msg, remedy="run it again in a moment")
        found.extend(sub for sub in listing.rows if sub.job_type in {job_type, ""} and sub.job_id)
    return tuple(found)


def survey(
    ws: Workspace, pools: Sequence[Pool], tell: Tell = lambda _done, _all: None
) -> tuple[Reading, ...]:
    """Read several pools for a plan, in the order given."""
    return spread(ws, lambda pool: read_pool(ws, pool.id, ask_images=True), pools, tell)


def images_by_id(ws: Workspace) -> dict[str, Image]:
    """Give the images of the project by ID."""
    return {image.id: image for image in ws.images().rows}


def spread(
    ws: Workspace, work: Callable[[S], T], over: Sequence[S], tell: Tell = lambda _d, _a: None
) -> tuple[T, ...]:
    """Do the work for each of them in a bounded pool of threads; results in the order given.

    The first error ends it: what has not begun is not begun.
    """
    if not over:
        return ()
    executor = ThreadPoolExecutor(min(ws.settings.pace.workers, len(over)), "wsops-read")
    wait = True
    try:
        futures = [executor.submit(work, one) for one in over]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            tell(done, len(over))
        return tuple(future.result() for future in futures)
    except (KeyboardInterrupt, SystemExit):
        wait = False  # a service that does not answer must not hold back Ctrl-C
        raise
    finally:
        executor.shutdown(wait=wait, cancel_futures=True)


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
        word = _IMAGE_WORDS[_answers_statics(ws, pools[0].id)]
        ws.glance_at_desktops(pools[0].id, _only_counted, differing=word)
    except (PlanError, CloudRefused):
        return ""
    return word


def _only_counted(_desktop: Glance) -> None:
    """Keep nothing."""


def _answers_statics(ws: Workspace, pool_id: str) -> bool:
    try:
        ws.inconsistent_statics(pool_id)
    except CloudRefused as error:
        if error.status == 404 and error.code == "APIGW.0101":
            return False
        msg = f"cannot tell whether this region knows handle_type: {error}"
        raise PlanError(
            msg, remedy='set features.handle_type = "yes" or "no" in the profile'
        ) from error
    return True


def _living_images(ws: Workspace, desktops: Iterable[Desktop]) -> tuple[str, ...] | None:
    """Ask for one desktop of each image whether the image still exists; None where unknown."""
    sample = {desktop.image_id: desktop.desktop_id for desktop in desktops if desktop.image_id}
    if not sample:
        return ()
    try:
        rows = ws.check_images(tuple(sample.values()))
    except CloudRefused:
        return None
    return tuple(sorted({row.image_id for row in rows if row.image_id}))
