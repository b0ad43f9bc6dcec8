"""One sender at a time for a pool, and one driver for a run, on this host.

The lock is the kernel's (flock), held by the process that sends: it dies with its holder. The
folder is one per user and host, keyed by endpoint, project and pool, so that two journals on one
host still exclude each other. What only one journal knows, a batch, is locked beside that journal:
whatever else two processes call home, there they meet.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from wsops.errors import JournalError, Locked

_SEPARATOR = "\0"
_TRIES, _BETWEEN = 10, 0.02  # seconds


def lock_folder() -> Path:
    """Give the folder of the locks of this host."""
    return Path(platformdirs.user_state_dir("wsops")) / "locks"


def beside(journal: str) -> Path:
    """Give the folder of the locks of what one journal alone knows, by the journal's path."""
    return Path(f"{Path(journal).resolve()}-locks")  # by whatever link it was reached


@contextmanager
def held(*key: str, what: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the lock of a key for the block.

    Args:
        key: what the lock is for, such as endpoint, project and pool.
        what: the same in words, for the refusal.
        folder: where the lock is; this user's folder without it.

    Raises:
        Locked: another process holds it; names the process and since when.
        JournalError: there can be no lock: its folder cannot be written.
    """
    descriptor = _opened(_file_of(key, folder))
    try:
        # A moment of patience: `holder` takes the lock as well, to see whether it can.
        for _ in range(_TRIES):
            by = _taken_by(descriptor)
            if not by:
                break
            time.sleep(_BETWEEN)
        if by:
            msg = f"{what} is held by {by}"
            raise Locked(msg)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {_now()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(*key: str, folder: Path | None = None) -> str:
    """Say which process holds the lock of a key; "" where nobody does."""
    try:
        descriptor = os.open(_file_of(key, folder), os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        return _taken_by(descriptor, fcntl.LOCK_SH)  # two who look do not see each other
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        for place in (path.parent.parent, path.parent):  # made on the way they'd follow the umask
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        msg = f"no lock can be made in {path.parent}: {error.strerror}"
        raise JournalError(msg, remedy="give the folder to yourself, with mode 0700") from None


def _file_of(key: tuple[str, ...], folder: Path | None) -> Path:
    name = hashlib.sha256(_SEPARATOR.join(key).encode()).hexdigest()[:32]
    return (folder or lock_folder()) / f"{name}.lock"


def _taken_by(descriptor: int, how: int = fcntl.LOCK_EX) -> str:
    """Take the lock of an open file; where another process has it, say which."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
    except OSError as error:  # a network file system that has no locks
        msg = f"no lock can be taken in {lock_folder()}: {error.strerror}"
        raise JournalError(msg, remedy="set XDG_STATE_HOME to a folder on this host") from None
    return ""


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
