"""One zygote as its coordinator sees it: the process, its kernels, and who waits for them."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wsops.errors import WsopsError
from wsops.kernels.birth import Birth
from wsops.kernels.warmth import zygote_env
from wsops.kernels.wire import Ear, said

_LEAVES_WITHIN = 5.0
_HEARS_WITHIN = struct.pack("ll", 10, 0)  # seconds and microseconds, as the system takes them
_TOLD = 600  # characters of a log


class Kernel:
    """A kernel's process; `exited` gets its exit code, below 0 for the signal that ended it."""

    def __init__(self, pid: int, parent: Parent, *, warm: bool) -> None:
        self.pid, self.warm = pid, warm
        self.exited: Future[int] = Future()
        self.exited.set_running_or_notify_cancel()  # whoever waits may give up, and it goes on
        self._parent = parent

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.exited.result() if self.exited.done() else None

    def signal(self, signum: int) -> None:
        """Send a signal to it and to all that it has started; nothing where it has ended."""
        self._parent.say({"do": "signal", "pid": self.pid, "signal": signum})


class Parent:
    """A zygote, and the thread that hears from it; `env` is what it has imported in."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.env, self._log = dict(env), log
        self.alive = True
        self._numbers = itertools.count()
        self._waiting = threading.Lock()
        self._speaking = threading.Lock()
        self._asked: dict[int, tuple[Future[Kernel], bool]] = {}
        self._kernels: dict[int, Kernel] = {}
        self._channel, theirs = socket.socketpair()
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _HEARS_WITHIN)
        with theirs:
            try:
                self._process = _zygote(theirs.fileno(), zygote_env(env), log)
            except OSError:
                self._channel.close()
                raise
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._hear, name="wsops zygote", daemon=True)
        self._reader.start()

    def start(self, birth: Birth) -> Future[Kernel]:
        """Ask for a kernel; the future fails with WsopsError where there is none."""
        asked: Future[Kernel] = Future()
        asked.set_running_or_notify_cancel()
        number = next(self._numbers)
        with self._waiting:
            if self.alive:
                self._asked[number] = (asked, birth.warm)
            else:
                asked.set_exception(self._error())
        self.say({"do": "start", "id": number, "birth": asdict(birth)})
        return asked

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; one to a zygote that is gone is lost, which the reader notices."""
        try:
            with self._speaking:
                self._channel.sendall(said(dict(message)))
        except BlockingIOError:
            self._process.kill()  # it hears nothing any more, and half a message would confuse it
        except OSError:
            pass

    def end(self, within: float = _LEAVES_WITHIN) -> None:
        """End the zygote, and its kernels with it, by force after some seconds."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
        self._reader.join(within)
        self._process.kill()
        self._reader.join(_LEAVES_WITHIN)

    def forget(self) -> None:
        """Let go of what a fork of the coordinator has inherited: it would seem to live on."""
        self._channel.close()

    def _hear(self) -> None:
        ear = Ear(self._channel)
        try:
            while True:
                for message in ear.listen():
                    self._note(message)
        except (EOFError, OSError):
            pass
        finally:
            self._bury()

    def _note(self, message: Mapping[str, Any]) -> None:
        if "exit" in message:
            self._kernels.pop(message["exit"]).exited.set_result(message["code"])
            return
        with self._waiting:
            asked, warm = self._asked.pop(message["id"])
        if "error" in message:
            asked.set_exception(_refusal(message["error"]))
            return
        kernel = Kernel(message["pid"], self, warm=warm)
        self._kernels[kernel.pid] = kernel
        asked.set_result(kernel)

    def _bury(self) -> None:
        """See to it that the zygote is gone, its kernels, and what those have started."""
        self._process.kill()
        self._process.wait()
        with self._waiting:
            self.alive = False
            asked, self._asked = self._asked, {}
        for kernel in self._kernels.values():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(kernel.pid, signal.SIGKILL)
            kernel.exited.set_result(-signal.SIGKILL)
        self._kernels.clear()
        for future, _ in asked.values():
            future.set_exception(self._error())
        with self._speaking:
            self._channel.close()

    def _error(self) -> WsopsError:
        with suppress(OSError):
            last = self._log.read_text(errors="replace").strip()[-_TOLD:]
            return _refusal(f"the process that makes them has ended: {last or 'it said nothing'}")
        return _refusal("the process that makes them has ended")


def _zygote(channel: int, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    # No signal at the death of its parent: that is the death of the thread that starts it.
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  (our own module, no shell)
            [sys.executable, "-m", "wsops.kernels.zygote", str(channel)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=env,
            cwd=log.parent,  # a private folder: what lies where one works is no library
            pass_fds=(channel,),
            start_new_session=True,
        )


def _refusal(why: str) -> WsopsError:
    return WsopsError(f"no kernel: {why}", remedy="run it again, or with --kernels fresh")
