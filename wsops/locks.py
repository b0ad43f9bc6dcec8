"""One sender at a time for a pool, and one driver for a run, on this host.

The lock is the kernel's (flock), held by the process that sends: it dies with its holder. The
folder is one per user and host, keyed by endpoint, project and pool, so that two journals on one
host still exclude each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from wsops.errors import JournalError


def lock_folder() -> Path:
    """Give the folder of the locks of this host."""
    return Path(platformdirs.user_state_dir("wsops")) / "locks"


@contextmanager
def held(*key: str, what: str) -> Iterator[None]:
    """Hold the lock of a key for the block.

    Args:
        key: what the lock is for, such as endpoint, project and pool.
        what: the same in words, for the refusal.

    Raises:
        JournalError: another process holds it; names the process and since when.
    """
    folder = lock_folder()
    for place in (folder.parent, folder):  # parents made on the way would follow the umask
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
            msg = f"{what} is held by {holder}"
            raise JournalError(msg, remedy="wait for it, or watch it with `wsops status`") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {_now()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
