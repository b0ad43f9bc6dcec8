"""What comes after a send, for a notebook: jobs, unknown outcomes, and a plan for what failed."""

from __future__ import annotations

from collections.abc import Sequence

from wsops.choice import Choice
from wsops.errors import CloudError, NotAllowed, PlanError
from wsops.failures import Failure
from wsops.jobs import with_all_sub_jobs
from wsops.models import Job
from wsops.parameters import read_flag
from wsops.planning import plan_for_retry
from wsops.preview import Proposal
from wsops.rows import ItemRow
from wsops.settle import settle
from wsops.workbench import Workbench


def jobs_of(bench: Workbench, rows: Sequence[ItemRow]) -> tuple[Job, ...]:
    """Read the jobs of items, with all their sub-jobs; those that the service forgot are left out.

    Raises:
        NotAllowed: the credentials are not good.
    """
    jobs = []
    for row in rows:
        if not row.job_id:
            continue
        try:
            jobs.append(with_all_sub_jobs(bench.ws, bench.ws.job(row.job_id))[0])
        except NotAllowed:
            raise
        except CloudError:
            continue
    return tuple(jobs)


def unsettled(rows: Sequence[ItemRow]) -> tuple[str, ...]:
    """Give, for each item whose outcome nobody knows, what is known and what to type."""
    return tuple(
        f"{row.pool_name}: {row.reason}. `wsops resume {row.run_id}` looks again; by hand: "
        f"`wsops settle {row.item_id} --adopt JOB --evidence TEXT`"
        for row in rows
        if row.lost
    )


def settle_where_asked(  # noqa: PLR0913  (the parameters of the notebook)
    bench: Workbench,
    item_id: str,
    *,
    adopt: str = "",
    not_sent: bool = False,
    evidence: str = "",
    apply: bool,
) -> str:
    """Settle an unknown item by hand where one is named and `apply` says so; says what was done.

    Raises:
        PlanError: not exactly one of `adopt` and `not_sent` is given, or no evidence; or a flag is
            neither True nor False.
        JournalError: the item is not unknown, or the evidence does not allow it.
    """
    wanted, unsent = read_flag(apply, "apply"), read_flag(not_sent, "not_sent")
    if not item_id:
        return "no item is named, so none is settled"
    if not wanted:
        return f"{item_id} is not settled: apply is False"
    with bench.journal() as journal:
        row = settle(bench.ws, journal, item_id, adopt=adopt, not_sent=unsent, evidence=evidence)
    return f"{item_id} is {row.state} now: {adopt or 'its request never left'}"


def propose_again(
    bench: Workbench, failures: Sequence[Failure], desktops: Sequence[str], retry_job: str = ""
) -> Proposal:
    """Make a plan for failures: a repair of the chosen desktops, or the retry of a job.

    Where the region takes single desktops just these are repaired, else their pools, with the
    others named in the plan.

    Args:
        bench: where.
        failures: what failed.
        desktops: IDs of those to repair.
        retry_job: the job that the service shall run again, instead.

    Raises:
        PlanError: the job has not ended, nothing of it failed, or its pool is not known; or both
            desktops and a job are given; or a desktop is not among the failures.
    """
    if retry_job and desktops:
        msg = "give either desktops to repair or retry_job, not both"
        raise PlanError(msg)
    if not retry_job:
        wanted = [one for one in failures if one.desktop_id in set(desktops)]
        strange = set(desktops) - {one.desktop_id for one in wanted}
        if strange:
            msg = f"not among the failed desktops: {', '.join(sorted(strange))}"
            raise PlanError(msg)
        if not wanted:
            return Proposal(None, "no failed desktop is chosen: there is nothing to do", fine=True)
        pools = tuple(dict.fromkeys(one.pool_id for one in wanted))
        return bench.propose(Choice(desktops=tuple(one.desktop_id for one in wanted)), pools)
    with bench.journal() as journal:
        pool_id = journal.pool_of_job(bench.settings.endpoint, bench.settings.project_id, retry_job)
    return bench.proposed(plan_for_retry(bench.ws, retry_job, pool_id, bench.change))
