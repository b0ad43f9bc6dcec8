"""Pseudonyms: the same person, desktop or address has the same alias, and only the key knows whose.

The key is a file of the user's own state folder; without it an alias cannot be traced back by
trying names.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import platformdirs

from wsops.errors import SettingsError

Alias = Callable[[str, str], str]

_LENGTH = 32  # bytes


def aliases(key: bytes) -> Alias:
    """Give the function that maps a kind and a value to its alias, such as user-3f9a02c17b4e."""

    def alias(kind: str, value: str) -> str:
        if not value:
            return value
        tag = hmac.new(key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:12]
        return f"{kind}-{tag}"

    return alias


def own_key() -> bytes:
    """Give the key of this user, made when it is first asked for; a file of mode 0600.

    Raises:
        SettingsError: the file is cut: aliases from it could be traced back by trying names.
    """
    path = Path(platformdirs.user_state_dir("wsops")) / "alias.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    key = path.read_bytes()
    if len(key) != _LENGTH:
        msg = f"{path} does not hold a key of {_LENGTH} bytes"
        raise SettingsError(msg, remedy="delete it: a new one is made, and gives new aliases")
    return key


def _make(path: Path) -> None:
    """Make a key in one step: it is there whole, or not at all, whoever else makes one."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_LENGTH))
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()
