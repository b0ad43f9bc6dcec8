"""`wsops job show`, `watch` and `retry`."""

from __future__ import annotations

import click

from wsops import screens
from wsops.cli.apply import apply_plan
from wsops.cli.common import command, connected, err, out, print_json
from wsops.client import Workspace
from wsops.errors import JobFailed, OutcomeUnknown, PlanError
from wsops.jobs import deadline_for, refuse_badly_ended, watch, with_all_sub_jobs
from wsops.journal import Journal
from wsops.models import Job, utc_now
from wsops.planning import plan_for_retry
from wsops.text import visible


@click.group()
def job() -> None:
    """Show, watch or retry a job of the service."""


@job.command()
@click.argument("job_id", metavar="ID")
@command
def show(job_id: str, *, profile: str | None, as_json: bool) -> int:
    """Show a job with its sub-jobs, one a desktop."""
    with connected(profile) as ws:
        seen = ws.job(job_id)
        if not seen.complete:  # a long one comes with fewer than it has
            seen, _ = with_all_sub_jobs(ws, seen)
    _print(seen, as_json=as_json)
    if not seen.complete:
        err.print(f"{len(seen.sub_jobs)} of its {seen.sub_jobs_total} sub-jobs could be read")
    return 0


@job.command(name="watch")
@click.argument("job_id", metavar="ID")
@command
def watch_(job_id: str, *, profile: str | None, as_json: bool) -> int:
    """Follow a job until it has ended; exit 4 when some of it failed, 3 when it goes on."""
    with connected(profile) as ws:
        seen = ws.job(job_id)
        desktops, delay = max(1, seen.sub_jobs_total), ws.settings.limits.delay_max
        deadline = deadline_for(ws.settings.polling, desktops, delay, utc_now())
        for seen in watch(ws, job_id, deadline_at=deadline, at_once=True):
            line = f"{seen.share:.0%} {visible(seen.status)}, {len(seen.failed)} failed"
            err.print(line)
    _print(seen, as_json=as_json)
    try:
        refuse_badly_ended(seen)
    except (JobFailed, OutcomeUnknown) as error:
        if as_json:  # the job is the document
            return error.exit_code
        raise
    return 0


@job.command()
@click.argument("job_id", metavar="ID")
@click.option("--pool", "pool_id", help="The pool of the job, where the journal does not know it.")
@click.option("--change", default="", metavar="TICKET")
@click.option("--yes", is_flag=True, help="Approved: needs --max-desktops.")
@click.option("--max-desktops", type=click.IntRange(1))
@command
def retry(  # noqa: PLR0913  (one argument an option)
    job_id: str,
    *,
    pool_id: str | None,
    change: str,
    yes: bool,
    max_desktops: int | None,
    profile: str | None,
    as_json: bool,
) -> int:
    """Ask the service to run the failed part of a job again; approved like any send.

    Its documents limit retry to jobs that open or close the service: a region may refuse it for
    rebuilds. `wsops plan repair` is the other way.
    """
    with connected(profile) as ws:
        plan = plan_for_retry(ws, job_id, pool_id or _pool_of(ws, job_id), change)
        images = tuple(item.image_id for item in plan.items) if yes else ()
        if yes and max_desktops is None:
            msg = "--yes wants --max-desktops N"
            raise click.UsageError(msg)
        pool = f" --pool {pool_id}" if pool_id else ""
        command_line = f"wsops job retry {job_id}{pool} --yes --max-desktops {plan.desktops}"
        given = (None, max_desktops, images)
        return apply_plan(ws, plan, given, command_line, yes=yes, as_json=as_json)


def _pool_of(ws: Workspace, job_id: str) -> str:
    """Give the pool of a job that wsops has sent; makes no journal.

    Raises:
        PlanError: nothing is known of the job.
    """
    journal = Journal.find(ws.settings.journal_place)
    if journal is None:
        msg = f"there is no journal that knows the pool of job {job_id}"
        raise PlanError(msg, remedy="name its pool by --pool ID")
    with journal:
        return journal.pool_of_job(ws.resolved.endpoint, ws.project_id, job_id)


def _print(seen: Job, *, as_json: bool) -> None:
    if as_json:
        print_json(seen.model_dump(mode="json"))
    else:
        out.print(screens.job(seen))
