"""What becomes of a forked process until it is a kernel, and then until its end."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from wsops.kernels.life import live
from wsops.kernels.warmth import catch_up

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CANNOT_BE_RUN = 127  # as a shell says it
_MEBIBYTE = 1024**2


@dataclass(frozen=True)
class Birth:
    """How a kernel is to start: the command of an ordinary one, which a warm one only looks like.

    `log` takes what it writes past the notebook; `memory` is in MiB of address space, 0 for no
    limit.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    log: str
    memory: int = 0
    warm: bool = True

    @classmethod
    def of(cls, message: dict[str, Any]) -> Birth:
        """Read what came over the wire."""
        return cls(**message | {"argv": tuple(message["argv"])})


def be_born(birth: Birth, zygote: int, inherited: Iterable[int]) -> NoReturn:
    """Become the kernel, in the process that was forked for it; ends with its exit code.

    Args:
        birth: what to become.
        zygote: the process that forked; without it there is nothing to live for.
        inherited: file descriptors of the zygote.
    """
    code = 1
    try:
        _part(zygote, inherited)
        _move_in(birth)
        code = live(birth.argv) if birth.warm else _exec(birth)
    except BaseException:  # noqa: BLE001  (nothing may go back into the zygote)
        traceback.print_exc()
    finally:
        _leave(code)


def adopt_orphans() -> None:
    """Become the parent of whatever below this process loses its own; on Linux alone.

    A kernel keeps what it has started, in whatever session, and leaves it to the zygote.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _part(zygote: int, inherited: Iterable[int]) -> None:
    """Stop being a part of the zygote, but for dying with it."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != zygote:  # it went before that was said
            os.kill(os.getpid(), signal.SIGKILL)
    adopt_orphans()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in inherited:
        os.close(descriptor)


def _move_in(birth: Birth) -> None:
    """Take the streams, the limits, the environment and the place of the kernel."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    for target, path, how in ((0, os.devnull, os.O_RDONLY), (1, birth.log, flags)):
        source = os.open(path, how, 0o600)
        os.dup2(source, target)
        os.close(source)
    os.dup2(1, 2)
    os.chdir(birth.cwd)
    os.environ.clear()
    os.environ.update(birth.env | {"JPY_PARENT_PID": str(os.getppid())})
    time.tzset()
    if birth.memory:
        limit = birth.memory * _MEBIBYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if birth.warm:
        catch_up()


def _exec(birth: Birth) -> int:
    """Start the kernel's own command in this process; gives the exit code where that fails."""
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, which others do not expect
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(birth.argv[0], birth.argv, os.environ)  # noqa: S606  (a kernelspec, no shell)
    except OSError:
        traceback.print_exc()
    return _CANNOT_BE_RUN


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue
    os._exit(code)
