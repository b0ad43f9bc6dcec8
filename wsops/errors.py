"""Every way to fail, grouped by what to do next.

WsopsError
├─ SettingsError        fix the configuration or the credentials
├─ BadId                give the ID as the service lists it
├─ PlanError            fix the request; nothing was sent
│  ├─ NothingToDo       all is as wanted, or every pool is skipped
│  ├─ StalePlan         the fleet is not as approved: plan again
│  ├─ PlanUsed          a plan works once: look at its run
│  ├─ PlanExpired       plan again
│  ├─ NotApproved       the digest, the number or the image was not the approved one
│  ├─ BlastRadius       more desktops than the ceiling allows
│  ├─ Held              more of a pool's desktops are in use than approved
│  └─ Stopped           a stop was requested before the request left
├─ CloudError           has request_id, method, path
│  ├─ CloudUnreachable  never connected; safe to run again
│  ├─ CloudRefused      has status, code, message
│  │  ├─ NotAllowed     401, 403
│  │  ├─ NotFound       404
│  │  ├─ Conflict       409
│  │  └─ Throttled      429
│  ├─ BadAnswer         the service answered something that is not in the contract
│  └─ OutcomeUnknown    sent, answer lost: look before doing anything again
├─ JobError             has the job
│  ├─ JobFailed         the job ended, and not well
│  ├─ JobStalled        nothing of it moves any more
│  └─ JobOverdue        it had not ended when its time was over, and goes on
├─ JournalError         the record is missing, foreign or contradicts the request
│  └─ Locked            another process holds the pool, the run or the batch: wait for it
└─ BatchError           has the batch's folder
   └─ SpecError         fix the rows; no kernel was started
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsops.models import Job

MISSING_RIGHT = (
    "ask for the IAM action that is missing (`wsops doctor` lists them); to read why, decode "
    "encoded_authorization_message with STS: "
    "hcloud STS DecodeAuthorizationMessage --encoded_message=…"
)


class WsopsError(Exception):
    """Base of all errors of wsops; `remedy` says what to do next, in one sentence."""

    remedy: str = "read the message; nothing more is known"
    exit_code: int = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy

    def _render_traceback_(self) -> list[str]:
        """Give what a notebook shows in place of a traceback: what happened, and what to do."""
        lines = (f"{type(self).__name__}: {self}", f"to do: {self.remedy}")
        # A notebook takes them for terminal text: what a server says must not steer it.
        return ["".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in s) for s in lines]

    def as_dict(self) -> dict[str, object]:
        """Give the error as the `error` object that every command prints with `--json`."""
        return {
            "type": type(self).__name__,
            "message": str(self),
            "remedy": self.remedy,
            "status": None,
            "error_code": None,
            "error_msg": None,
            "error_detail": None,
            "encoded_authorization_message": None,
            "request_id": None,
        }


class SettingsError(WsopsError):
    """The configuration or the credentials cannot be used."""

    remedy = "fix the setting named above; `wsops doctor` shows where each one comes from"


class BadId(WsopsError, ValueError):
    """What was given for an ID may not enter a path."""

    remedy = "give the ID as the service lists it"
    exit_code = 2


class PlanError(WsopsError):
    """The request cannot be carried out as asked; nothing was sent."""

    remedy = "change the request and plan again; nothing was sent"
    exit_code = 5


class NothingToDo(PlanError):
    """There is nothing to send; `fine` says that all desktops are as wanted."""

    def __init__(self, message: str, *, fine: bool = False, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.fine = fine


class StalePlan(PlanError):
    """The fleet is no longer as it was when the plan was approved."""

    remedy = "make a new plan and read it; nothing was sent"


class PlanUsed(PlanError):
    """The plan has been applied before; a plan works once."""

    remedy = "look at its run with `wsops status`, or make a new plan; nothing was sent"


class PlanExpired(PlanError):
    """The plan is too old to start."""

    remedy = "make a new plan and read it; nothing was sent"


class NotApproved(PlanError):
    """What was approved is not what the plan would do."""

    remedy = "read the plan again and approve its digest, or its number and image"


class BlastRadius(PlanError):
    """The plan would touch more desktops than the ceiling allows."""

    remedy = "choose fewer pools, or raise limits.max_desktops in the profile; nothing was sent"


class Held(PlanError):
    """More desktops of a pool are in use than were approved; the others go on."""

    remedy = "apply again when they are free, or plan with --include-in-use"
    exit_code = 4


class Stopped(PlanError):
    """A stop was requested from another shell before the request left."""


class CloudError(WsopsError):
    """A call to the cloud did not end well; says which call, and its request ID where known."""

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        path: str = "",
        request_id: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.method = method
        self.path = path
        self.request_id = request_id

    def __str__(self) -> str:
        where = f" [{self.method} {self.path}]" if self.path else ""
        ticket = f" (request ID {self.request_id})" if self.request_id else ""
        return f"{super().__str__()}{where}{ticket}"

    def as_dict(self) -> dict[str, object]:
        """Add the request ID to the error object."""
        return super().as_dict() | {"request_id": self.request_id}


class CloudUnreachable(CloudError):
    """No connection came about; the request did not leave."""

    remedy = "check the network, the proxy and the endpoint (`wsops doctor`), then run it again"


class CloudRefused(CloudError):
    """The service answered with an error; keeps the status and its four error fields."""

    remedy = "read the service's message; give the request ID to its support"

    def __init__(  # noqa: PLR0913  (the service's own fields, by name)
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        error_msg: str | None = None,
        detail: str | None = None,
        encoded_authorization_message: str | None = None,
        method: str = "",
        path: str = "",
        request_id: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, method=method, path=path, request_id=request_id, remedy=remedy)
        self.status = status
        self.code = code
        self.error_msg = error_msg
        self.detail = detail
        self.encoded_authorization_message = encoded_authorization_message

    def as_dict(self) -> dict[str, object]:
        """Add the service's own words to the error object."""
        return super().as_dict() | {
            "status": self.status,
            "error_code": self.code,
            "error_msg": self.error_msg,
            "error_detail": self.detail,
            "encoded_authorization_message": self.encoded_authorization_message,
        }


class NotAllowed(CloudRefused):
    """The credentials are not good, or not allowed to do this (401, 403)."""

    remedy = "get a new token or check the key: the credentials are wrong or have expired"


class NotFound(CloudRefused):
    """The service does not know the thing that was asked for."""

    remedy = "check the ID, the region and the project"


class Conflict(CloudRefused):
    """The present state forbids the operation (409)."""

    remedy = "wait until what is under way has ended (`wsops job`), then plan again"


class Throttled(CloudRefused):
    """Too many requests (429)."""

    remedy = "wait a minute and run it again; lower pace.reads_per_second if it comes often"


class BadAnswer(CloudError):
    """The service answered something that is not in its contract."""

    remedy = "look whether a proxy or a log-in page answered instead of the service"


class OutcomeUnknown(CloudError):
    """A request that changes something was sent and its answer was lost."""

    remedy = "do not send it again: `wsops resume` looks for what became of it"
    exit_code = 3


class JobError(WsopsError):
    """A job did not end well; has the job as last seen."""

    remedy = "read the failed sub-jobs, then make a repair plan of what still differs"
    exit_code = 4

    def __init__(self, message: str, job: Job, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.job = job


class JobFailed(JobError):
    """The job ended, and some or all of it failed."""


class JobStalled(JobError):
    """Nothing of the job moved for a long time; what it did until then can be read back."""


class JobOverdue(JobError):
    """The job had not ended when its time was over; it goes on in the cloud."""

    remedy = "it is still running: follow it with `wsops job watch` or `wsops resume`"
    exit_code = 3


class JournalError(WsopsError):
    """The record of what was sent cannot be used, or contradicts the request."""

    remedy = "check the journal's path, permissions and free space (`wsops doctor`)"
    exit_code = 5


class Locked(JournalError):
    """Another process holds what is wanted: a pool, a run or a batch; names the process."""

    remedy = "wait for it, or watch it: `wsops status`, `wsops batch status`"


class BatchError(WsopsError):
    """A batch cannot be begun or continued; `folder` is its folder, "" where it has none."""

    remedy = "read the message: what the batch has done so far stands in its folder"
    exit_code = 5

    def __init__(self, message: str, *, folder: str = "", remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.folder = folder

    def as_dict(self) -> dict[str, object]:
        """Add the folder to the error object."""
        return super().as_dict() | {"folder": self.folder}


class SpecError(BatchError):
    """What a batch was asked to run cannot be; `problems` are its faults, one sentence each."""

    remedy = "correct what is named above, and start the batch again; no kernel was started"
    exit_code = 2

    def __init__(
        self, message: str, *, problems: tuple[str, ...] = (), remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.problems = problems

    def as_dict(self) -> dict[str, object]:
        """Add the single faults to the error object."""
        return super().as_dict() | {"problems": list(self.problems)}


def is_refusal(name: str) -> bool:
    """Tell whether an error of that name is a rule of ours that refused: it has sent nothing."""
    family = [PlanError]
    for kind in family:  # grows meanwhile: the kinds of each kind follow it
        family += kind.__subclasses__()
    return any(kind.__name__ == name and kind.exit_code == PlanError.exit_code for kind in family)


def refusal_for(status: int, code: str | None) -> type[CloudRefused]:
    """Choose the error class for a status; WKS.0202 means *not found* in spite of its 500."""
    if code == "WKS.0202":
        return NotFound
    return {401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict, 429: Throttled}.get(
        status, CloudRefused
    )
