"""Reads what a plan and a send stand on: a pool as it is now, its jobs, what the region knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wsops.client import Workspace
from wsops.errors import BadAnswer, CloudRefused, PlanError
from wsops.models import Desktop, Image, Job, Pool, SubJob
from wsops.plan import Reading, Region
from wsops.spread import Tell, spread

REBUILD_TYPES = ("rebuildDesktopPool", "rebuildDesktops")


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


def survey(
    ws: Workspace, pools: Sequence[Pool], tell: Tell = lambda _done, _all: None
) -> tuple[Reading, ...]:
    """Read several pools for a plan, in the order given."""
    return spread(ws, lambda pool: read_pool(ws, pool.id, ask_images=True), pools, tell)


def rebuild_sub_jobs(ws: Workspace, pool_id: str) -> tuple[SubJob, ...]:
    """Give the sub-jobs of all rebuilds of a pool.

    Of a list that is longer than the service lets one read the newest are enough: which jobs are
    under way or new is asked of it, and the newest come first.

    Raises:
        BadAnswer: the list did not stand still, or was cut with the oldest first; a job could be
            missing from it.
    """
    found: list[SubJob] = []
    for job_type in REBUILD_TYPES:
        listing = ws.sub_jobs(pool_id=pool_id, job_type=job_type)
        if not listing.steady and not (listing.cut and _newest_first(listing.rows)):
            what = "is longer than one may read" if listing.cut else "changed while it was read"
            msg = f"the list of the rebuild jobs of pool {pool_id} {what}"
            raise BadAnswer(msg, remedy="run it again in a moment; if it stays, ask the support")
        found.extend(sub for sub in listing.rows if sub.job_type in {job_type, ""} and sub.job_id)
    return tuple(found)


def whole_job(ws: Workspace, job_id: str) -> Job:
    """Read a job with all its sub-jobs, from their list where the job itself comes with fewer.

    Raises:
        BadAnswer: the list changed while it was read, or is shorter than the job says.
        CloudError: it could not be read.
    """
    job = ws.job(job_id)
    if job.complete and job.sub_jobs:
        return job
    listing = ws.sub_jobs(job_id=job_id)
    job = job.model_copy(update={"sub_jobs": listing.rows})
    if not listing.steady or not job.complete:
        msg = f"of the {job.sub_jobs_total} sub-jobs of job {job_id} {listing.seen} could be read"
        raise BadAnswer(msg, remedy="run it again in a moment")
    return job


def images_by_id(ws: Workspace) -> dict[str, Image]:
    """Give the images of the project by ID."""
    return {image.id: image for image in ws.images().rows}


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
        knows_handle_type=answers_statics(ws, first.id),
        honours_desktop_ids=features.desktop_ids,
    )


def answers_statics(ws: Workspace, pool_id: str) -> bool:
    """Tell whether a region has the call inconsistent-statics.

    Raises:
        PlanError: it gave no clear answer.
    """
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


def _newest_first(rows: Sequence[SubJob]) -> bool:
    """Tell whether a list is in that order, by its ends; an order that is not known is not."""
    return bool(rows) and rows[0].begin_time > rows[-1].begin_time > ""


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
