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
from pathlib import Path

import platformdirs

Alias = Callable[[str, str], str]


def aliases(key: bytes) -> Alias:
    """Give the function that maps a kind and a value to its alias, such as user-3f9a02c1."""

    def alias(kind: str, value: str) -> str:
        if not value:
            return value
        tag = hmac.new(key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:8]
        return f"{kind}-{tag}"

    return alias


def own_key() -> bytes:
    """Give the key of this user, made when it is first asked for; a file of mode 0600."""
    path = Path(platformdirs.user_state_dir("wsops")) / "alias.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))
    return path.read_bytes()
