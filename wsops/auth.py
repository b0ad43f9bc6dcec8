"""Who signs: a token, a password at IAM, or AK/SK by the official signer, adapted to httpx.

A signer only signs. Whether a refused request is sent again is decided by the caller, because
the answer differs for a read and for a rebuild.
"""

from __future__ import annotations

import configparser
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
from huaweicloudsdkcore.auth.provider import (
    EnvCredentialProvider,
    MetadataCredentialProvider,
    ProfileCredentialProvider,
)
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer as OfficialSigner

from wsops import redact
from wsops.errors import NotAllowed, SettingsError
from wsops.settings import Settings, refuse_if_open_to_others

MOST_REFUSALS = 2
"""Refused credentials in a row after which none are tried."""

SKEW_WARNING = 60.0
"""Seconds by which the clocks may differ before it is worth a word."""

_SKEW_LIMIT = 600.0  # the service accepts 15 minutes; beyond 10 the next drift would lock the key
_SKEW_CORRECTED = 86400.0


class Signer(Protocol):
    """Signs requests, and may get fresh credentials after a 401."""

    kind: str

    def sign(self, request: httpx.Request) -> str:
        """Add credentials to a request; give their generation, for `renew`."""

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
    """How far the local clock is behind the service's, measured from Date headers, in seconds."""

    def __init__(self) -> None:
        self.skew = 0.0

    def saw_date(self, header: str | None) -> None:
        """Learn the difference; an unreadable header teaches nothing."""
        try:
            then = parsedate_to_datetime(header or "")
        except (ValueError, TypeError, IndexError):
            return
        if then.tzinfo is not None:
            self.skew = (then - datetime.now(UTC)).total_seconds()


class FixedToken(Clock):
    """A token that was given; nobody can renew it."""

    kind = "token"

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def sign(self, request: httpx.Request) -> str:
        """Put the token into X-Auth-Token."""
        request.headers["X-Auth-Token"] = self._token
        return "fixed"

    def renew(self, seen: str) -> bool:  # noqa: ARG002
        """Nothing to renew it with."""
        return False


class PasswordToken(Clock):
    """Tokens from IAM for a user and password: cached, renewed once per generation.

    `fetch` makes one POST /v3/auth/tokens. Twenty threads that meet an expired token make one
    such request: the first one renews, the others find a newer generation.
    """

    kind = "password"
    _early = timedelta(minutes=5)

    def __init__(self, fetch: Callable[[], Token]) -> None:
        super().__init__()
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._generation = 0

    def sign(self, request: httpx.Request) -> str:
        """Put a valid token into X-Auth-Token, getting the first one where needed."""
        with self._lock:
            if self._token is None or self._expires_soon(self._token):
                self._replace()
            token, generation = self._token, self._generation
        assert token is not None  # noqa: S101  (set by _replace, which raises otherwise)
        request.headers["X-Auth-Token"] = token.value
        return str(generation)

    def renew(self, seen: str) -> bool:
        """Get a new token unless the generation has moved on since `seen`."""
        with self._lock:
            if str(self._generation) == seen:
                self._replace()
        return True

    def _expires_soon(self, token: Token) -> bool:
        return token.expires_at - datetime.now(UTC) - timedelta(seconds=self.skew) < self._early

    def _replace(self) -> None:
        self._token = self._fetch()
        redact.register(self._token.value)
        self._generation += 1


class AkSk(Clock):
    """Requests signed with an access key (SDK-HMAC-SHA256) by the SDK's own signer.

    Temporary keys add X-Security-Token; `project_id` is sent along as X-Project-Id.
    """

    kind = "aksk"

    def __init__(self, credentials: Any, project_id: str = "") -> None:  # noqa: ANN401
        super().__init__()
        self._credentials = credentials
        self._signer = OfficialSigner(credentials)  # type: ignore[no-untyped-call]
        self.project_id = project_id
        self._correction = 0.0

    def sign(self, request: httpx.Request) -> str:
        """Sign method, path, query, headers and body; the signing time follows the correction."""
        at = datetime.now(UTC) + timedelta(seconds=self._correction)
        headers = {"X-Sdk-Date": at.strftime("%Y%m%dT%H%M%SZ"), "Host": _host(request)}
        if self.project_id:
            headers["X-Project-Id"] = self.project_id
        if self._credentials.security_token:
            headers["X-Security-Token"] = self._credentials.security_token
        if "Content-Type" in request.headers:
            headers["Content-Type"] = request.headers["Content-Type"]
        signed = self._signer.sign(
            SdkRequest(
                method=request.method,
                schema=request.url.scheme,
                host=_host(request),
                resource_path=request.url.path,
                query_params=list(request.url.params.multi_items()),
                header_params=headers,
                body=request.content,
            )
        )
        request.headers.update(signed.header_params)
        return self._generation()

    def renew(self, seen: str) -> bool:
        """Correct the signing time by the measured skew, once, where that may be the reason.

        A key cannot be renewed, and a bad signature counts towards its lock: only a clock that is
        more than 10 minutes and less than a day off is worth another try.
        """
        if seen != self._generation():
            return True
        if self._correction or not _SKEW_LIMIT < abs(self.skew) < _SKEW_CORRECTED:
            return False
        self._correction = self.skew
        return True

    def _generation(self) -> str:
        return f"{self._correction:.0f}"


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


def signer_from(settings: Settings, fetch: Callable[[], Token]) -> Signer:
    """Choose the signer that the settings ask for; "auto" takes the first that is there.

    Raises:
        SettingsError: no credentials are there, or a file that holds them is open to others.
    """
    wanted = settings.auth
    if settings.token and wanted in {"auto", "token"}:
        return FixedToken(settings.token.get_secret_value())
    if settings.user and settings.password and wanted in {"auto", "password"}:
        return PasswordToken(fetch)
    credentials = _official_chain(settings) if wanted in {"auto", "aksk"} else None
    if credentials is not None:
        redact.register(credentials.ak, credentials.sk, credentials.security_token)
        return AkSk(credentials, settings.project_id or credentials.project_id or "")
    looked = {"auto": "token, user and password, AK and SK"}.get(wanted, wanted)
    msg = f"no credentials: looked for {looked}"
    raise SettingsError(
        msg,
        remedy="set WSOPS_TOKEN, or WSOPS_USER, WSOPS_PASSWORD and WSOPS_DOMAIN, or "
        "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    )


def credentials_file() -> Path:
    """Give the place of the official credentials file."""
    given = os.environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE")
    return Path(given) if given else Path.home() / ".huaweicloud" / "credentials"


def _official_chain(settings: Settings) -> Any:  # noqa: ANN401
    """Walk the chain of huaweicloudsdkcore: environment, file, and metadata only when asked to."""
    file = credentials_file()
    providers: list[Any] = [EnvCredentialProvider.get_basic()]  # type: ignore[no-untyped-call]
    if file.is_file():
        refuse_if_open_to_others(file)
        providers.append(ProfileCredentialProvider.get_basic())  # type: ignore[no-untyped-call]
    if settings.instance_metadata:
        providers.append(MetadataCredentialProvider.get_basic())  # type: ignore[no-untyped-call]
    for provider in providers:
        try:
            credentials = _in_time(provider.get_credentials)
        except (SdkException, ValueError, TypeError, KeyError, configparser.Error):
            continue
        if credentials.ak and credentials.sk:
            return credentials
    return None


def _in_time(get: Callable[[], Any], seconds: float = 5.0) -> Any:  # noqa: ANN401
    """Run a provider in a daemon thread, so that a silent metadata address cannot hold us up."""
    answer: list[Any] = []
    failure: list[Exception] = []

    def work() -> None:
        try:
            answer.append(get())
        except Exception as error:  # noqa: BLE001  (handed on below)
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True)
    started = time.monotonic()
    thread.start()
    thread.join(seconds)
    if answer:
        return answer[0]
    if failure:
        raise failure[0]
    waited = time.monotonic() - started
    msg = f"no credentials from {get.__qualname__} after {waited:.0f} s"
    raise SdkException(msg)  # type: ignore[no-untyped-call]


def _host(request: httpx.Request) -> str:
    return request.headers.get("Host") or request.url.netloc.decode("ascii")
