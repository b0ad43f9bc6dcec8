"""Which credentials are used: the first of token, password, AK and SK that is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from wsops.auth import FixedToken, PasswordToken, Signer, Token
from wsops.errors import SettingsError
from wsops.settings import Settings


def know_secrets(settings: Settings) -> None:
    """Register the AK and SK of the chain, so that no file can hold them; asks nobody for them."""
    named = any(name.startswith("HUAWEICLOUD_SDK_") for name in os.environ)
    if named or (Path.home() / ".huaweicloud" / "credentials").is_file():
        from wsops.aksk import signer_from_chain  # noqa: PLC0415  (the SDK writes its own files)

        signer_from_chain(settings.model_copy(update={"instance_metadata": False}))


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
    if wanted in {"auto", "aksk"}:
        # Imported when it is needed: the SDK takes its time, and writes its application_id.
        from wsops.aksk import signer_from_chain  # noqa: PLC0415

        signer = signer_from_chain(settings)
        if signer is not None:
            return signer
    looked = {"auto": "token, user and password, AK and SK"}.get(wanted, wanted)
    msg = f"no credentials: looked for {looked}"
    raise SettingsError(
        msg,
        remedy="set WSOPS_TOKEN, or WSOPS_USER, WSOPS_PASSWORD and WSOPS_DOMAIN, or "
        "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    )
