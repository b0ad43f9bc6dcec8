"""Who may come in: tokens, passwords at IAM, and signed requests."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wsops.simulator import signature
from wsops.simulator.answers import unauthenticated
from wsops.simulator.signature import Received

TOKEN_SECONDS = 24 * 3600
LOCK_SECONDS = 5 * 60
MAX_BAD = 5  # the sixth bad signature in a row locks the key


@dataclass(frozen=True)
class Identity:
    """The one account of a simulation; secrets stay out of its repr."""

    user: str
    domain: str
    ak: str
    password: str = field(repr=False)
    sk: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


def new_identity(security_token: str | None = None) -> Identity:
    """Make an account with fresh secrets; they are not drawn from the seed, so nobody can guess."""
    letters = string.ascii_uppercase + string.digits
    return Identity(
        user="sim-operator",
        domain="sim-domain",
        password=secrets.token_urlsafe(12) + "!a1",
        ak="".join(secrets.choice(letters) for _ in range(20)),
        sk=secrets.token_urlsafe(30),
        security_token=security_token,
    )


class Access:
    """Checks every way in against the simulated clock; safe to use from several threads."""

    def __init__(self, identity: Identity, now: Callable[[], float]) -> None:
        """Start with no token out and an unlocked key."""
        self.identity = identity
        self._now = now
        self._tokens: dict[str, float] = {}  # token -> when it expires
        self._bad = 0
        self._locked_until = 0.0
        self._lock = threading.Lock()

    def issue(self, seconds: float = TOKEN_SECONDS) -> tuple[str, float]:
        """Hand out a token; returns it with the epoch seconds of its end."""
        token, expires = "MII" + secrets.token_urlsafe(180), self._now() + seconds
        with self._lock:
            self._tokens[token] = expires
        return token, expires

    def adopt(self, token: str, seconds: float = TOKEN_SECONDS) -> None:
        """Accept a token that was made elsewhere."""
        with self._lock:
            self._tokens[token] = self._now() + seconds

    def revoke(self, token: str | None = None) -> None:
        """Take back one token, or all of them (as a change of password does)."""
        with self._lock:
            if token is None:
                self._tokens.clear()
            else:
                self._tokens.pop(token, None)

    def knows_password(self, user: str, domain: str, password: str) -> bool:
        """Return whether these are the account's name and password."""
        wanted = (self.identity.user, self.identity.domain, self.identity.password)
        return all(
            secrets.compare_digest(a.encode(), b.encode())
            for a, b in zip((user, domain, password), wanted, strict=True)
        )

    def admit(self, received: Received) -> str:
        """Return token or aksk for a request that proves itself; raises Refusal (401)."""
        if received.headers.get("authorization"):
            return self._admit_signature(received)
        return self._admit_token(received.headers)

    def _admit_token(self, headers: Mapping[str, str]) -> str:
        token = headers.get("x-auth-token")
        if not token:
            reason = "x-auth-token not found"
            raise unauthenticated(reason)
        expires = self._tokens.get(token)
        if expires is None:
            reason = "decrypt token fail"
            raise unauthenticated(reason)
        if self._now() >= expires:
            reason = "token expires"
            raise unauthenticated(reason)
        return "token"

    def _admit_signature(self, received: Received) -> str:
        said = signature.claim(received.headers["authorization"])
        if said is None or said.access_key != self.identity.ak:
            reason = "verify aksk signature fail, the access key does not exist"
            raise unauthenticated(reason)
        self._check_date(received)
        self._check_security_token(received.headers)
        with self._lock:
            if self._now() < self._locked_until:
                reason = "AK access failed to reach the limit,forbidden"
                raise unauthenticated(reason)
            if signature.is_genuine(received, said, self.identity.sk):
                self._bad = 0
                return "aksk"
            self._count_bad()
        # The real gateway shows what it signed, headers with secrets included.
        reason = "verify aksk signature fail, canonicalRequest:" + echo(received, said.signed)
        raise unauthenticated(reason)

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad > MAX_BAD:
            self._bad = 0
            self._locked_until = self._now() + LOCK_SECONDS

    def _check_date(self, received: Received) -> None:
        at = signature.signed_at(received)
        if at is None or abs(at - self._now()) > signature.WINDOW:
            reason = (
                "signature expired, x-sdk-date lies more than 15 minutes from the service's time"
            )
            raise unauthenticated(reason)

    def _check_security_token(self, headers: Mapping[str, str]) -> None:
        wanted = self.identity.security_token
        if wanted is not None and headers.get("x-security-token") != wanted:
            reason = "verify aksk signature fail, x-security-token is missing or wrong"
            raise unauthenticated(reason)


def echo(received: Received, signed: tuple[str, ...] | None = None) -> str:
    """Return the request's canonical form on one line, as error messages repeat it."""
    shown = signed or tuple(sorted(received.headers))
    known = tuple(name for name in shown if name in received.headers)
    return signature.canonical_request(received, known, "").replace("\n", "|")
