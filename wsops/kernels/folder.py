"""The folder of this process's kernels: sockets, connection files, each for its user alone.

A socket's path may have about 107 bytes, so it is as short as a private place allows. The folder is
locked while its process lives, whichever names processes have for each other; what dead ones have
left is removed.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wsops.errors import WsopsError

_LONGEST = 60  # bytes; the rest of a socket's path has about 40
_LOCK = "lock"
_FLAGS = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
_TRIES = 3
_YOUNG = 60.0  # seconds in which a folder without a lock may be about to get it


class Folder:
    """A folder of this process, named by its number and the time; holds one for each kernel."""

    def __init__(self) -> None:
        base = _base()
        reap(base)
        self._numbers = itertools.count(1)
        for _ in range(_TRIES):
            self.path = base / f"{os.getpid()}-{time.time_ns():x}"
            self.path.mkdir(mode=0o700)
            self._lock = os.open(self.path / _LOCK, _FLAGS, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if (self.path / _LOCK).exists():  # nobody has reaped it before it was locked
                return
            os.close(self._lock)
        msg = f"no folder for kernels stays in {base}"
        raise WsopsError(msg, remedy="see who removes what is in it, and keep them from that")

    def new(self) -> Path:
        """Make the folder of one kernel."""
        path = self.path / str(next(self._numbers))
        path.mkdir(mode=0o700)
        return path

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def reap(base: Path) -> None:
    """Remove the folders of processes that have ended."""
    for path in _folders(base):
        with suppress(OSError):
            descriptor = os.open(path / _LOCK, _FLAGS, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _folders(base: Path) -> Iterator[Path]:
    for path in base.iterdir():
        with suppress(OSError):
            if (path / _LOCK).exists() or time.time() - path.stat().st_mtime > _YOUNG:
                yield path


def _base() -> Path:
    """Give the place of the folders, made where it is missing, and nobody else's."""
    name = f"wsops-{os.geteuid()}"
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", tempfile.gettempdir()):  # noqa: S108  (short, and made private)
        base = Path(place) / name
        if place and len(os.fsencode(base)) <= _LONGEST and _is_private(base):
            return base
    return Path(tempfile.mkdtemp(prefix="wsops-"))


def _is_private(base: Path) -> bool:
    """Make a folder, and tell whether nobody else can look into it or put it aside."""
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
    except OSError:
        return False
    ours = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and ours
