"""What comes after a send, for a notebook: jobs, unknown outcomes, and a plan for what failed."""

from __future__ import annotations

from collections.abc import Sequence

from wsops import locks
from wsops.approval import read_flag
from wsops.choice import Choice
from wsops.errors import CloudError, NotAllowed, NotApproved, PlanError
from wsops.failures import Failure
from wsops.jobs import with_all_sub_jobs
from wsops.models import Job
from wsops.planning import plan_for_retry
from wsops.preview import Proposal
from wsops.rows import ItemRow
from wsops.settle import settle_adopt, settle_not_sent
from wsops.workbench import Workbench, runs_here


def rows_of(bench: Workbench, run_id: str = "") -> tuple[ItemRow, ...]:
    """Give the items of a run, of the newest of this place without a name; none where none is.

    Raises:
        JournalError: there is no such run.
    """
    if run_id:
        with bench.journal() as journal:
            return journal.items(journal.run(run_id).run_id)
    with bench.journal_to_read() as journal:
        if journal is None:
            return ()
        newest = next(runs_here(journal, bench.settings), None)
        return journal.items(newest.run_id) if newest else ()


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
            jobs.append(with_all_sub_jobs(bench.ws, bench.ws.job(row.job_id)))
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
        if row.state in {"sent", "unknown"}
    )


def settle(  # noqa: PLR0913  (the parameters of the notebook)
    bench: Workbench,
    item: str,
    *,
    adopt: str = "",
    not_sent: bool = False,
    evidence: str = "",
    apply: bool,
) -> str:
    """Decide by hand what became of an unknown request, where `apply` says so; says what was done.

    Raises:
        PlanError: not exactly one of `adopt` and `not_sent` is given, or no evidence; or a flag is
            neither True nor False.
        NotApproved: `apply` is False.
        JournalError: the item is not unknown, or the evidence does not allow it.
    """
    if not item:
        return "nothing to settle was named"
    if bool(adopt) == read_flag(not_sent, "not_sent") or not evidence.strip():
        msg = "settling wants either adopt = JOB or not_sent = True, and the evidence for it"
        raise PlanError(msg)
    if not read_flag(apply, "apply"):
        msg = f"{item} is not settled: apply is False"
        raise NotApproved(msg, remedy="set apply = True in the parameters")
    with bench.journal() as journal:
        row = journal.item(item)
        key = (row.endpoint, row.project_id, row.pool_id)
        with locks.held(*key, what=f"pool {row.pool_name}"):
            if adopt:
                settle_adopt(bench.ws, journal, item, adopt, evidence)
                return f"{item} follows job {adopt} from now on"
            settle_not_sent(bench.ws, journal, item, evidence)
            return f"{item} was not sent, as {evidence!r} says"


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
            desktops and a job are given.
    """
    if retry_job and desktops:
        msg = "give either desktops to repair or retry_job, not both"
        raise PlanError(msg)
    if not retry_job:
        wanted = [one for one in failures if one.desktop_id in set(desktops)]
        if not wanted:
            return Proposal(None, "no failed desktop is chosen: there is nothing to do", fine=True)
        pools = tuple(dict.fromkeys(one.pool_id for one in wanted))
        return bench.propose(Choice(desktops=tuple(one.desktop_id for one in wanted)), pools)
    with bench.journal() as journal:
        pool_id = journal.pool_of_job(bench.settings.endpoint, bench.settings.project_id, retry_job)
    return Proposal(plan_for_retry(bench.ws, retry_job, pool_id, bench.change), kind="retry")
