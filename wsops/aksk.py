"""AK and SK: the official chain of credentials, and the official signer."""

from __future__ import annotations

import configparser
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from huaweicloudsdkcore.auth.provider import (
    EnvCredentialProvider,
    MetadataCredentialProvider,
    ProfileCredentialProvider,
)
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer as OfficialSigner

from wsops import redact
from wsops.auth import Call, Clock
from wsops.profiles import refuse_if_open_to_others
from wsops.settings import Settings

_SKEW_LIMIT = 600.0  # the service accepts 15 minutes; beyond 10 the next drift would lock the key
_SKEW_CORRECTED = 86400.0


def signer_from_chain(settings: Settings) -> AkSk | None:
    """Give the signer of the first AK and SK of the official chain; None without any.

    Raises:
        SettingsError: the file that holds them is open to others.
    """
    credentials = _official_chain(settings)
    if credentials is None:
        return None
    redact.register(credentials.ak, credentials.sk, credentials.security_token)
    return AkSk(credentials, settings.project_id or credentials.project_id or "")


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

    def sign(self, call: Call) -> tuple[dict[str, str], str]:
        """Sign method, path, query, headers and body; the signing time follows the correction."""
        at = datetime.now(UTC) + timedelta(seconds=self._correction)
        scheme, _, host = call.base.partition("://")
        headers = {"X-Sdk-Date": at.strftime("%Y%m%dT%H%M%SZ"), "Host": host}
        if self.project_id:
            headers["X-Project-Id"] = self.project_id
        if self._credentials.security_token:
            headers["X-Security-Token"] = self._credentials.security_token
        if call.content:
            headers["Content-Type"] = "application/json"
        signed = self._signer.sign(
            SdkRequest(
                method=call.method,
                schema=scheme,
                host=host,
                resource_path=call.path,
                query_params=[*call.query.items()],
                header_params=headers,
                body=call.content,
            )
        )
        return signed.header_params, self._generation()

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
