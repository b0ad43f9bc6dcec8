"""The human command that ends an unknown: adopt a job, or say that the request was not sent."""

from __future__ import annotations

from wsops import locks
from wsops.client import Workspace
from wsops.errors import JournalError, PlanError
from wsops.jobs import deadline_of
from wsops.journal import Journal
from wsops.models import SubJob, utc_now
from wsops.outcome import check_here
from wsops.plan import Item
from wsops.readings import REBUILD_TYPES, whole_job
from wsops.rows import ItemRow
from wsops.submit import Found, reconcile


def settle(  # noqa: PLR0913  (the facts of one decision)
    ws: Workspace,
    journal: Journal,
    item_id: str,
    *,
    adopt: str = "",
    not_sent: bool = False,
    evidence: str,
) -> ItemRow:
    """Decide what became of an unknown request, with its pool held: nobody sends meanwhile.

    Args:
        ws: the connection.
        journal: the record that has the item.
        item_id: the item.
        adopt: the job that its request started.
        not_sent: or: it never reached the service.
        evidence: how one knows; kept in the journal.

    Raises:
        PlanError: not exactly one of `adopt` and `not_sent` is given, or no evidence.
        JournalError: the item is not unknown, or what the service shows does not allow it.
    """
    if bool(adopt) == not_sent or not evidence.strip():
        msg = "settling wants either a job to adopt or that it was not sent, and the evidence"
        raise PlanError(msg, remedy="say one of the two, and how you know")
    row = journal.item(item_id)
    with locks.held(row.endpoint, row.project_id, row.pool_id, what=f"pool {row.pool_name}"):
        if adopt:
            return settle_adopt(ws, journal, item_id, adopt, evidence)
        return settle_not_sent(ws, journal, item_id, evidence)


def settle_adopt(
    ws: Workspace, journal: Journal, item_id: str, job_id: str, evidence: str
) -> ItemRow:
    """Take a job as the one that an unknown request started; `wsops resume` then follows it.

    Raises:
        JournalError: the item is not unknown, or of another place; or the job was there before
            the request, is another item's, is no rebuild, or is of other desktops.
        CloudError: the service does not know the job.
    """
    row = _unknown(ws, journal, item_id)
    item = _item(journal, row)
    if job_id != item.retries:  # a retry goes on under the ID of its job
        _check_fits(ws, journal, row, job_id)
    deadline = deadline_of(ws.settings.polling, item, utc_now())
    return journal.adopt(item_id, job_id, f"by hand: {evidence}", deadline)


def settle_not_sent(ws: Workspace, journal: Journal, item_id: str, evidence: str) -> ItemRow:
    """Declare that an unknown request never reached the service; a new intent may follow.

    A request may still be in a gateway: it takes a settle time since the send, and as many
    agreeing empty looks in a row, before a person may say so. This call makes one look itself.
    While the evidence is mixed nobody may: a new plan reads the pool as it is.

    Raises:
        JournalError: the item is not unknown, or of another place; or a job was found, the
            evidence is mixed, or it is too early; says what to do.
    """
    row = _unknown(ws, journal, item_id)
    polling = ws.settings.polling
    finding = reconcile(ws, journal, row, _item(journal, row))
    if finding.found is Found.ONE:
        msg = f"job {finding.job_id} fits {item_id}: {finding.evidence}"
        raise JournalError(msg, remedy=f"wsops settle {item_id} --adopt {finding.job_id}")
    if finding.found is Found.UNCLEAR:
        msg = f"the evidence is mixed: {finding.evidence}"
        raise JournalError(msg, remedy=f"wsops settle {item_id} --adopt JOB, once it is known")
    # Without a send (an order may have started the work) there is nothing to wait for.
    waited = (utc_now() - row.sent_at).total_seconds() if row.sent_at else float("inf")
    if waited < polling.settle_seconds:
        left = polling.settle_seconds - waited
        msg = f"sent {waited:.0f} s ago: a request may still be on its way for {left:.0f} s more"
        raise JournalError(msg, remedy="look again then")
    looks = journal.empty_looks(item_id)
    if looks < polling.settle_reads:
        msg = f"{looks} empty looks in a row; it takes {polling.settle_reads}"
        raise JournalError(msg, remedy="run it again in a minute")
    return journal.forget_intent(item_id, f"settled by hand, not sent: {evidence}")


def _item(journal: Journal, row: ItemRow) -> Item:
    """Give the request of an item."""
    return next(i for i in journal.plan_of(row.run_id).items if i.item_id == row.item_id)


def _check_fits(ws: Workspace, journal: Journal, row: ItemRow, job_id: str) -> None:
    """Refuse a job that cannot be the one that an item's request has started."""
    if job_id in journal.owned_jobs(row.endpoint, row.project_id, row.item_id):
        msg = f"job {job_id} belongs to another item"
        raise JournalError(msg, remedy="look at `wsops history`")
    if job_id in row.known_jobs:
        msg = f"job {job_id} was there before {row.item_id} was sent"
        raise JournalError(msg, remedy="it is another job; look at the pool in the console")
    desktops = {sub.desktop_id for sub in _sub_jobs(ws, job_id)}
    foreign = desktops - set(row.targets)
    if foreign or not desktops:
        strange = f"{len(foreign)} desktops that {row.item_id} does not name"
        msg = f"job {job_id} works on {strange if foreign else 'no desktop'}"
        raise JournalError(msg, remedy="it is another job; look at the pool in the console")


def _sub_jobs(ws: Workspace, job_id: str) -> tuple[SubJob, ...]:
    """Give the sub-jobs of a rebuild; none where it is a job of another kind."""
    job = whole_job(ws, job_id)
    return job.sub_jobs if job.job_type in {*REBUILD_TYPES, ""} else ()


def _unknown(ws: Workspace, journal: Journal, item_id: str) -> ItemRow:
    row = journal.item(item_id)
    check_here(journal.run(row.run_id), ws.resolved)
    if not row.lost:
        msg = f"{item_id} is {row.verdict or row.state}; only an unknown outcome can be settled"
        raise JournalError(msg, remedy="`wsops status` shows it")
    return row
