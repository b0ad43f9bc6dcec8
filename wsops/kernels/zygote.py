"""The process that all kernels of one coordinator are children of.

`python -m wsops.kernels.zygote FD` serves the coordinator at the other end of the socket FD. A warm
kernel is a fork of it, made after it has imported what notebooks import; an ordinary one is started
by its own command. When the coordinator is gone, however, so is every kernel, at once.

It has one thread, and neither a zmq context nor an IPython shell nor an event loop: what a fork
would carry over must not be there.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from wsops.kernels.birth import Birth, adopt_orphans, be_born
from wsops.kernels.warmth import warm_up
from wsops.kernels.wire import Ear, said

_LOOK_UP = 1000  # ms between looks at who the parent is
_ENDS_WITHIN, _EVERY = 2.0, 0.005  # seconds


class Zygote:
    """Starts kernels, signals them, and tells when they have ended."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel, self._ear = channel, Ear(channel)
        self._parent = os.getppid()
        self._kernels: set[int] = set()
        self._warm = False
        self._wake, self._waker = os.pipe()

    def serve(self) -> None:
        """Serve until the coordinator is gone; then end every kernel."""
        adopt_orphans()
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        poll, channel = select.poll(), self._channel.fileno()
        for readable in (channel, self._wake):
            poll.register(readable, select.POLLIN)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # noting it wakes the wait below
        try:
            while os.getppid() == self._parent:
                ready = {descriptor for descriptor, _ in poll.poll(_LOOK_UP)}
                if self._wake in ready:
                    os.read(self._wake, 4096)
                self._reap()
                if channel in ready:
                    for message in self._ear.listen():
                        self._obey(message)
        except (EOFError, ConnectionError):
            pass  # nobody is there to be told
        finally:
            self._end_all()

    def _obey(self, message: dict[str, Any]) -> None:
        match message["do"]:
            case "warm":
                self._warm_up()
            case "start":
                self._start(message["id"], Birth.of(message["birth"]))
            case "signal" if message["pid"] in self._kernels:
                _signal(message["pid"], message["signal"])

    def _warm_up(self) -> None:
        if not self._warm:
            warm_up()
            self._warm = True

    def _start(self, number: int, birth: Birth) -> None:
        if birth.warm:
            self._warm_up()
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._say({"id": number, "error": f"no process could be made: {error.strerror}"})
            return
        if pid == 0:
            be_born(birth, zygote, (self._channel.fileno(), self._wake, self._waker))
        self._kernels.add(pid)
        self._say({"id": number, "pid": pid})

    def _reap(self) -> None:
        """Tell which kernels have ended; what they have left behind ends with them."""
        # Looked at before it is reaped: until then nobody else can have its number.
        while (pid := _next_to_reap()) is not None:
            _signal(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            self._end_strays()
            if pid in self._kernels:
                self._kernels.discard(pid)
                self._say({"exit": pid, "code": os.waitstatus_to_exitcode(status)})

    def _end_strays(self) -> None:
        """End what a kernel that has ended left behind, in whatever session: it is ours now."""
        for pid in _children():
            if pid not in self._kernels:
                _signal(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        """End all kernels, then what they leave behind, for a bounded time."""
        for kernel in self._kernels:
            _signal(kernel, signal.SIGKILL)
        self._kernels.clear()
        end = time.monotonic() + _ENDS_WITHIN
        while _children() and time.monotonic() < end:
            self._end_strays()
            while (pid := _next_to_reap()) is not None:
                os.waitpid(pid, 0)
            time.sleep(_EVERY)

    def _say(self, message: dict[str, Any]) -> None:
        self._channel.sendall(said(message))


def _next_to_reap() -> int | None:
    """Give a child that has ended, which stays to be reaped; None where there is none."""
    try:
        seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return seen.si_pid if seen is not None else None


def _children() -> list[int]:
    """Give this process's children, those that it has inherited as well; none but on Linux."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]


def _signal(pid: int, signum: int) -> None:
    """Send a signal to all of a kernel's process group, or to it alone while it has none yet.

    What has become another user's cannot be signalled, and must not end the others.
    """
    try:
        os.killpg(pid, signum)
    except ProcessLookupError:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)
    except PermissionError:
        pass


def main() -> None:
    """Serve the socket that the command line names."""
    if not sys.flags.safe_path:
        del sys.path[0]  # else a file in the working directory could pass for a library
    try:
        Zygote(socket.socket(fileno=int(sys.argv[1]))).serve()
    except BaseException:  # noqa: BLE001  (told, and the end of it)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # there is nothing to tidy up, and somebody waits


if __name__ == "__main__":
    main()
