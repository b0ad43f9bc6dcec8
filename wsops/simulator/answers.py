"""What the service answers, and the ways in which it says no."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from wsops.simulator.records import Row

EMPTY_REQUEST = "WKS.0001"  # documented as "empty request"; any bad request and a missing pool
NOT_FOUND = "WKS.0202"  # comes as a 500
JOB_NOT_FOUND = "WKS.0404"
CONFLICT = "WKS.00010032"
NO_SUCH_API = "APIGW.0101"
UNAUTHENTICATED = "APIGW.0301"
NOT_ALLOWED = "APIGW.0302"
THROTTLED = "APIGW.0308"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, and what stands behind it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    executed: bool = False  # whether the request changed anything
    job_id: str | None = None
    content_type: str = "application/json"


class Refusal(Exception):
    """The service says no; carries the answer's status and the fields of ErrorResponse."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep status, code and message (at most 1000 characters, as the contract says)."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message[:1000]
        self.detail = detail
        self.headers = dict(headers or {})

    def answer(self, *, executed: bool = False) -> Answer:
        """Return the refusal as an answer; a 403 brings the encrypted reason for STS to decode."""
        row: Row = {
            "error_code": self.code,
            "error_msg": self.message,
            "error_detail": self.detail,
            "encoded_authorization_message": sealed() if self.status == 403 else None,
        }
        return Answer(self.status, dump(row), self.headers, executed=executed)


def dump(payload: object) -> bytes:
    """Return the payload as compact JSON."""
    return json.dumps(payload, separators=(",", ":")).encode()


def sealed() -> str:
    """Return an opaque text such as STS would decode."""
    return base64.b64encode(secrets.token_bytes(96)).decode()


def bad_request(message: str) -> Refusal:
    """Return the 400 for a request outside the contract."""
    return Refusal(400, EMPTY_REQUEST, message)


def no_pool(pool_id: str) -> Refusal:
    """Return the answer for a missing pool: a 400, in spite of what one would expect."""
    return Refusal(400, EMPTY_REQUEST, f"The desktop pool {pool_id} does not exist.")


def no_desktop(desktop_id: str) -> Refusal:
    """Return the answer for a missing desktop: a 500, in spite of what one would expect."""
    return Refusal(500, NOT_FOUND, f"The desktop {desktop_id} is not found.")


def no_job(job_id: str) -> Refusal:
    """Return the answer for a job that the service does not know."""
    return Refusal(404, JOB_NOT_FOUND, f"The job {job_id} is not found.")


def no_api() -> Refusal:
    """Return the gateway's answer to a path or method that it has not published."""
    return Refusal(
        404, NO_SUCH_API, "The API does not exist or has not been published in the environment"
    )


def conflict(message: str) -> Refusal:
    """Return the 409 for something whose present state forbids the operation."""
    return Refusal(409, CONFLICT, message)


def throttled(retry_after: str | None) -> Refusal:
    """Return the gateway's 429, with Retry-After only when one is given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Refusal(
        429,
        THROTTLED,
        "The throttling threshold has been reached: policy user over ratelimit,"
        "limit:200,time:1 second",
        headers=headers,
    )


def unauthenticated(reason: str) -> Refusal:
    """Return the gateway's 401 of IAM authentication."""
    return Refusal(401, UNAUTHENTICATED, f"Incorrect IAM authentication information: {reason}")


def not_allowed(action: str) -> Refusal:
    """Return the 403 for a user without the right to this action."""
    return Refusal(403, NOT_ALLOWED, f"User is not authorized to perform the action {action}.")
