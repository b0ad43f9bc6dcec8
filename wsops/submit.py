"""The one-shot POST: how a submit can end, and how to find out what became of one.

Nothing that retries may wrap this module. The service has no idempotency key, no echo field and
no cancel: what may have been executed is never sent again by the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wsops import pace
from wsops.answers import NEVER_LEFT, Answer
from wsops.auth import MOST_REFUSALS
from wsops.client import Workspace
from wsops.errors import CloudError, JournalError, NotAllowed, OutcomeUnknown, WsopsError
from wsops.jobs import Timing
from wsops.journal import Journal
from wsops.models import ID_PATTERN, Job, SubJob
from wsops.plan import Item, Reading
from wsops.readings import rebuild_sub_jobs, whole_job
from wsops.redact import scrub
from wsops.rows import ItemRow

_REFUSED = frozenset({400, 403, 404, 405, 413, 414, 494})
GATEWAY_REFUSALS = frozenset({401, 429})
"""Refusals after which the same single attempt may be made again."""

FRESH = 10.0
"""Seconds after which a pool is read again before anything is sent to it."""

_MOST_TRIES = 3
_GATEWAY_AUTH = ("APIGW.03", "APIG.03")


class Outcome(StrEnum):
    """How a submit can end; anything not listed is AMBIGUOUS."""

    NOT_SENT = "not_sent"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    AMBIGUOUS = "ambiguous"


_STATES = {
    Outcome.ACCEPTED: "accepted",
    Outcome.AMBIGUOUS: "unknown",
    Outcome.REFUSED: "intent",
    Outcome.NOT_SENT: "intent",
}


class Again(StrEnum):
    """Why the same single attempt may be made again."""

    NO = "no"
    UNSENT = "unsent"
    CREDENTIALS = "credentials"
    WINDOW = "window"


@dataclass(frozen=True)
class Judgement:
    """What one answer, or its absence, means."""

    outcome: Outcome
    reason: str
    job_id: str | None = None
    again: Again = Again.NO
    conflict: bool = False
    answer: Answer | None = None


def judge(result: Answer | BaseException) -> Judgement:
    """Judge how a submit ended: the one table of safety.

    Only what proves that nothing was executed is NOT_SENT or REFUSED; only a 200 or 202 with a
    usable job_id and no error_code is ACCEPTED; everything else is AMBIGUOUS.
    """
    if isinstance(result, BaseException):
        return _judge_error(result)
    status, code = result.status, result.error_code or ""
    job_id = result.document.get("job_id")
    said = f"HTTP {status} {code} {result.error['error_msg'] or ''}".strip()
    usable = isinstance(job_id, str) and ID_PATTERN.match(job_id) is not None
    if status in {200, 202} and usable and not code:
        return Judgement(Outcome.ACCEPTED, f"job {job_id}", job_id=job_id, answer=result)
    if status in _REFUSED:
        return Judgement(Outcome.REFUSED, said or result.shown(), answer=result)
    if status == 429 and job_id is None and not result.from_service:
        return Judgement(Outcome.REFUSED, said, again=Again.WINDOW, answer=result)
    if status == 401 and code.startswith(_GATEWAY_AUTH):
        return Judgement(Outcome.REFUSED, said, again=Again.CREDENTIALS, answer=result)
    reason = f"{said}: {result.shown()}" if status < 400 else said
    return Judgement(Outcome.AMBIGUOUS, reason, conflict=status == 409, answer=result)


def _judge_error(error: BaseException) -> Judgement:
    reason = f"{type(error).__name__}: {scrub(str(error))}".strip(": ")
    if isinstance(error, NEVER_LEFT):
        return Judgement(Outcome.NOT_SENT, reason, again=Again.UNSENT)
    if isinstance(error, WsopsError):
        # Raised by our own code while signing, before anything of the request could leave.
        return Judgement(Outcome.NOT_SENT, reason)
    return Judgement(Outcome.AMBIGUOUS, reason)


@dataclass(frozen=True)
class Request:
    """The exact bytes that an item sends, and where to.

    `prepare` reads the pool again, checks it, and writes the intent: it runs before every attempt,
    and gives what tells the age of that reading, in seconds. It raises `PlanError` where the item
    is no longer as approved, `CloudError` and `JournalError` where that cannot be read or written.
    `deadline` gives the instant until which the job will be followed, should the request be
    accepted now.
    """

    item_id: str
    endpoint: str
    project_id: str
    path: str
    body: bytes
    prepare: Callable[[], Callable[[], float]]
    deadline: Callable[[], datetime]


def submit(ws: Workspace, journal: Journal, request: Request, timing: Timing) -> Judgement:
    """Send the request of an item, and keep the outcome.

    The same single attempt is made again only where the request did not leave, after a gateway's
    401 with new credentials (once), and after a 429 and a whole window: 3 attempts at the most,
    each prepared anew, and each journalled.

    Raises:
        PlanError: the item is no longer as approved, or was stopped; this attempt sent nothing.
        CloudError: the pool could not be read again, or the credentials are not good; nor did this.
        JournalError: the intent could not be written; nor did this.
        OutcomeUnknown: it was sent, and the journal could not keep what came of it.
    """
    pace_of = ws.settings.pace
    renewed = False
    attempt = 0
    while True:
        attempt += 1
        wait = journal.reserve_write(request.endpoint, request.project_id, pace_of.write_every)
        timing.sleep(wait)
        _refuse_bad_credentials(journal, request)
        judgement = _attempt(ws, journal, request, timing)
        last = attempt >= _MOST_TRIES
        match judgement.again:
            case Again.CREDENTIALS if not (last or renewed) and judgement.answer:
                renewed = True
                if not ws.renew(judgement.answer):
                    return judgement
            case Again.UNSENT if not last:
                timing.sleep(1 + pace.full_jitter(attempt, longest=7))
            case Again.WINDOW if not last:
                asked = judgement.answer.retry_after if judgement.answer else None
                timing.sleep(max(pace_of.throttled_wait, asked or 0))
            case _:
                return judgement


def _refuse_bad_credentials(journal: Journal, request: Request) -> None:
    """Stop where other sends, of any process, were refused for their credentials lately."""
    if journal.refused_credentials(request.endpoint, request.project_id) >= MOST_REFUSALS:
        msg = "the credentials of the last sends were refused; a key locks itself at the sixth"
        raise NotAllowed(msg, status=401, method="POST", path=request.path)


def _attempt(ws: Workspace, journal: Journal, request: Request, timing: Timing) -> Judgement:
    """Send at most once; the outcome is committed before anything else happens, a Ctrl-C included.

    Nothing is sent on what was read long ago: another program may have locked the journal since,
    or the machine may have slept.
    """
    ws.get_ready()  # before the pool is read: a token that is fetched in a send takes its time
    age = request.prepare()
    try:
        journal.sending(request.item_id, lambda: _refuse_stale(age()))
    except _Stale as stale:
        return Judgement(Outcome.NOT_SENT, str(stale), again=Again.UNSENT)
    try:
        timing.heed()
    except BaseException:
        journal.forget_intent(request.item_id, "not sent: it was let go of before it left")
        raise
    try:
        judgement = judge(ws.send(request.path, request.body))
    except Exception as error:  # noqa: BLE001  (whatever it is, it has a row in the table)
        judgement = judge(error)
    except BaseException as interruption:
        _keep(journal, request, judge(interruption))
        raise
    return _keep(journal, request, judgement)


class _Stale(Exception):
    """What stands in the intent was read too long ago."""


def _refuse_stale(seconds: float) -> None:
    if seconds > FRESH:
        msg = f"{seconds:.0f} s passed after the pool was read, too long to send on it"
        raise _Stale(msg)


def _keep(journal: Journal, request: Request, judgement: Judgement) -> Judgement:
    """Commit an outcome; a refused item stays ours until the loop has given up on it."""
    try:
        return _kept(journal, request, judgement)
    except JournalError as error:
        done = "not sent" if judgement.outcome is Outcome.NOT_SENT else "sent"
        msg = f"{request.item_id} was {done}, and the outcome could not be kept: {error}"
        raise OutcomeUnknown(msg, method="POST", path=request.path) from error


def _kept(journal: Journal, request: Request, judgement: Judgement) -> Judgement:
    answer = judgement.answer
    row = journal.answered(
        request.item_id,
        judgement.outcome.value,
        judgement.reason,
        state=_STATES[judgement.outcome],
        job_id=judgement.job_id,
        status=answer.status if answer else None,
        error_code=answer.error_code if answer else None,
        request_id=answer.request_id if answer else None,
        credentials_good=answer.credentials_good if answer else None,
        deadline_at=request.deadline() if judgement.job_id else None,
    )
    if judgement.outcome is Outcome.ACCEPTED and row.state != "accepted":
        return Judgement(Outcome.AMBIGUOUS, row.reason, answer=answer)
    return judgement


class Found(StrEnum):
    """What a look for the job of a lost answer can find."""

    ONE = "one"
    NOTHING = "nothing"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Finding:
    """What was found, and the evidence in words."""

    found: Found
    evidence: str
    job_id: str = ""


def reconcile(ws: Workspace, journal: Journal, row: ItemRow, item: Item) -> Finding:
    """Look once for the job that an item's request may have started, and keep what was seen.

    Candidates are rebuild jobs of the pool that the intent had not seen, which no other item owns
    and whose desktops are the intent's: all of them, or some where the job is young or where the
    service leaves desktops in use alone. Times are zone-less: secondary. A retry starts no job: its
    own one is looked at.
    """
    look = _look_at_retried if item.retries else _look
    try:
        finding = look(ws, journal, row, item)
    except CloudError as error:
        finding = Finding(Found.UNCLEAR, f"could not look: {error}")
    journal.looked(row.item_id, finding.found.value, finding.evidence)
    return finding


def _look(ws: Workspace, journal: Journal, row: ItemRow, item: Item) -> Finding:
    owned = journal.owned_jobs(row.endpoint, row.project_id, row.item_id)
    jobs: dict[str, list[SubJob]] = {}
    for sub in rebuild_sub_jobs(ws, row.pool_id):
        if sub.job_id not in row.known_jobs and sub.job_id not in owned:
            jobs.setdefault(sub.job_id, []).append(sub)
    fitting = [job for job, subs in jobs.items() if _fits(row, subs, partial_ok=item.idle_only)]
    strange = sorted(set(jobs) - set(fitting))
    if len(fitting) == 1 and not strange:
        subs = jobs[fitting[0]]
        return Finding(Found.ONE, f"{len(subs)} sub-jobs of its desktops", fitting[0])
    if jobs:
        names = ", ".join(sorted(jobs)[:5])
        return Finding(Found.UNCLEAR, f"{len(fitting)} fitting of {len(jobs)} new jobs: {names}")
    moved = _moved(ws, row)
    if moved:
        return Finding(Found.UNCLEAR, f"no new job, but {moved}")
    return Finding(Found.NOTHING, "no new job, no desktop at work, all images as before")


def _mark_of(sub: SubJob) -> str:
    """Give by what a sub-job that runs again is told from its first time: its word and times."""
    return f"{sub.status} {sub.begin_time} {sub.end_time}"


def facts_before(
    item: Item, reading: Reading, tried: Iterable[SubJob] = ()
) -> dict[str, dict[str, object]]:
    """Give what each target is just before the send, as the journal keeps it.

    One that is no longer in the pool is what it was when it was approved.
    """
    approved: dict[str, dict[str, object]] = {
        target.desktop_id: {
            "name": target.desktop_name,
            "user": target.user_name,
            "image_id": target.image_id,
            "in_use": target.in_use,
            "off": False,
        }
        for target in item.targets
    }
    tries = {sub.desktop_id: _mark_of(sub) for sub in tried}
    return approved | {
        desktop.desktop_id: {
            "name": desktop.computer_name,
            "user": ", ".join(desktop.users),
            "image_id": desktop.image_id,
            "in_use": desktop.in_use,
            "off": desktop.off,
            **({"tried": tries[desktop.desktop_id]} if desktop.desktop_id in tries else {}),
        }
        for desktop in reading.desktops
        if desktop.desktop_id in approved
    }


def is_as_before(row: ItemRow, job: Job) -> bool:
    """Tell whether a job that was retried shows nothing that has run again; of others never."""
    marks = {sub.desktop_id: _mark_of(sub) for sub in job.sub_jobs}
    tried = {desktop_id: target.get("tried") for desktop_id, target in row.targets.items()}
    return any(tried.values()) and all(
        marks.get(desktop_id, mark) == mark for desktop_id, mark in tried.items() if mark
    )


def _look_at_retried(ws: Workspace, _journal: Journal, row: ItemRow, item: Item) -> Finding:
    job = whole_job(ws, item.retries)
    if not job.finished:
        return Finding(Found.ONE, "it is at work again", item.retries)
    if not is_as_before(row, job):
        return Finding(Found.ONE, "some that had failed have run again since", item.retries)
    gone = len(row.targets.keys() - {sub.desktop_id for sub in job.failed})
    moved = _moved(ws, row) or (f"{gone} desktops are not in it any more" if gone else "")
    if moved:
        return Finding(Found.UNCLEAR, f"its job shows nothing new, but {moved}")
    return Finding(Found.NOTHING, "its job stands as before, no desktop at work, all images too")


def _fits(row: ItemRow, subs: list[SubJob], *, partial_ok: bool) -> bool:
    desktops = {sub.desktop_id for sub in subs}
    targets = set(row.targets)
    if any(sub.job_type == "rebuildDesktops" for sub in subs):
        return False  # a job of named desktops, which wsops does not send
    young = any(not sub.final for sub in subs)
    return desktops == targets or (bool(desktops) and desktops < targets and (young or partial_ok))


def _moved(ws: Workspace, row: ItemRow) -> str:
    """Say which of the targets are being worked on, or run another image than before."""
    listing = ws.glance_at_desktops(
        row.pool_id, lambda desktop: desktop if desktop.id in row.targets else None
    )
    if not listing.steady:
        return "the list of desktops changed while it was read"
    busy = sum(1 for desktop in listing.rows if desktop.task_status)
    changed = sum(
        1 for desktop in listing.rows if desktop.image_id != row.targets[desktop.id].get("image_id")
    )
    gone = len(row.targets) - len(listing.rows)
    facts = ((busy, "are at work"), (changed, "run another image"), (gone, "are gone"))
    return ", ".join(f"{count} desktops {what}" for count, what in facts if count)
