"""Who signs: a token, a password at IAM, or AK/SK by the official signer.

A signer only signs. Whether a refused request is sent again is decided by the caller, because
the answer differs for a read and for a rebuild.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlencode

from wsops import redact
from wsops.errors import NotAllowed

MOST_REFUSALS = 2
"""Refused credentials in a row after which none are tried."""

SKEW_WARNING = 60.0
"""Seconds by which the clocks may differ before it is worth a word."""


@dataclass(frozen=True)
class Call:
    """A request as it is signed; `base` is scheme and host, nothing in `query` is quoted yet."""

    method: str
    base: str
    path: str
    query: dict[str, str]
    content: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


class Signer(Protocol):
    """Signs requests, and may get fresh credentials after a 401."""

    kind: str

    def get_ready(self) -> None:
        """Get what signatures need for the next ten minutes, so that none waits for it."""

    def sign(self, call: Call) -> tuple[dict[str, str], str]:
        """Give the headers that say who calls, and the generation of the credentials in them."""

    def renew(self, seen: str) -> bool:
        """Get fresh credentials unless another thread just did; False where there are none."""

    def saw_date(self, header: str | None) -> None:
        """Learn the service's clock from the Date header of an answer."""


@dataclass(frozen=True)
class Token:
    """A token of IAM; `expires_at` is an instant in UTC."""

    value: str = field(repr=False)
    expires_at: datetime


class Clock:
    """How far the local clock is behind the service's, measured from Date headers, in seconds.

    What signs by it needs nothing from anybody, unless it says so.
    """

    def __init__(self) -> None:
        self.skew = 0.0

    def get_ready(self) -> None:
        """Nothing has to be got."""

    def saw_date(self, header: str | None) -> None:
        """Learn the difference; an unreadable header teaches nothing."""
        try:
            then = parsedate_to_datetime(header or "")
        except (ValueError, TypeError, IndexError, OverflowError):
            return
        if then.tzinfo is not None:
            self.skew = (then - datetime.now(UTC)).total_seconds()


class FixedToken(Clock):
    """A token that was given; nobody can renew it."""

    kind = "token"

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def sign(self, call: Call) -> tuple[dict[str, str], str]:  # noqa: ARG002
        """Give the token in X-Auth-Token."""
        return {"X-Auth-Token": self._token}, "fixed"

    def renew(self, seen: str) -> bool:  # noqa: ARG002
        """Nothing to renew it with."""
        return False


class PasswordToken(Clock):
    """Tokens from IAM for a user and password: cached, renewed once per generation.

    `fetch` makes one POST /v3/auth/tokens. Twenty threads that meet an expired token make one
    such request: the first one renews, the others find a newer generation.
    """

    kind = "password"
    _early, _ahead = timedelta(minutes=5), timedelta(minutes=10)

    def __init__(self, fetch: Callable[[], Token]) -> None:
        super().__init__()
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._generation = 0

    def get_ready(self) -> None:
        """Get a token that needs no renewal for ten minutes."""
        with self._lock:
            if self._expires_within(self._early + self._ahead):
                self._replace()

    def sign(self, call: Call) -> tuple[dict[str, str], str]:  # noqa: ARG002
        """Give a valid token in X-Auth-Token, getting the first one where needed."""
        with self._lock:
            if self._expires_within(self._early):
                self._replace()
            token, generation = self._token, self._generation
        assert token is not None  # noqa: S101  (set by _replace, which raises otherwise)
        return {"X-Auth-Token": token.value}, str(generation)

    def renew(self, seen: str) -> bool:
        """Get a new token unless the generation has moved on since `seen`."""
        with self._lock:
            if str(self._generation) == seen:
                self._replace()
        return True

    def _expires_within(self, span: timedelta) -> bool:
        left = self._token.expires_at - datetime.now(UTC) if self._token else timedelta()
        return left - timedelta(seconds=self.skew) < span

    def _replace(self) -> None:
        self._token = self._fetch()
        redact.register(self._token.value)
        self._generation += 1


class Breaker:
    """Stops using credentials that were refused twice in a row: a key locks itself at the sixth.

    Until one call was accepted the calls go one by one, so that a wrong key is not tried by all
    threads at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = threading.Lock()
        self._refused = 0
        self.proven = False

    @contextmanager
    def watching(self, method: str, path: str) -> Iterator[None]:
        """Let a call pass, alone while the credentials are unproven.

        Raises:
            NotAllowed: they were refused too often.
        """
        with nullcontext() if self.proven else self._first:
            self.check(method, path)
            yield

    def check(self, method: str, path: str) -> None:
        """Refuse to go on with credentials that were refused too often.

        Raises:
            NotAllowed: they were.
        """
        if self._refused >= MOST_REFUSALS:
            msg = "the credentials were refused; not trying again, since a key locks itself"
            raise NotAllowed(msg, status=401, method=method, path=path)

    def accepted(self) -> None:
        """Note that an answer came which the credentials did not stand in the way of."""
        with self._lock:
            self._refused, self.proven = 0, True

    def refused(self) -> None:
        """Note that the credentials were refused."""
        with self._lock:
            self._refused += 1
