"""Where this process gets its kernels from: one zygote, made when the first kernel is wanted."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from wsops.errors import WsopsError
from wsops.kernels.birth import Birth
from wsops.kernels.folder import Folder
from wsops.kernels.parent import Kernel, Parent
from wsops.kernels.warmth import fits

_ZYGOTES = 5  # one, and four that have died
_AT_ONCE = 2


class Nursery:
    """Gives kernels to any thread; `starting` is held by whoever waits for one to be ready."""

    def __init__(self) -> None:
        self.starting = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._parent: Parent | None = None
        self._folder: Folder | None = None
        self._made = 0
        self._process = os.getpid()
        _nurseries.add(self)
        atexit.register(self.close)

    def start(self, birth: Birth) -> Future[Kernel]:
        """Ask for a kernel: a fork where that is wanted and as good, else by its own command.

        Raises:
            WsopsError: too many zygotes have died.
        """
        parent = self._living(birth.env)
        warm = birth.warm and fits(birth.argv, birth.env, Path(birth.cwd), parent.env)
        return parent.start(replace(birth, warm=warm))

    def warm(self, env: Mapping[str, str]) -> None:
        """Have the zygote import what notebooks use, while this process does something else.

        Raises:
            WsopsError: too many zygotes have died.
        """
        self._living(env).say({"do": "warm"})

    @property
    def zygote(self) -> int:
        """The process that kernels are children of; 0 where there is none."""
        parent = self._parent
        return parent.pid if parent is not None and parent.alive else 0

    def new_folder(self) -> Path:
        """Make a private folder for the sockets of one kernel, with a short path."""
        with self._lock:
            if self._folder is None:
                self._folder = Folder()
            return self._folder.new()

    def end_zygote(self) -> None:
        """End the zygote, which does not answer, with all its kernels; the next start makes one."""
        if self._parent is not None:
            self._parent.end(0)

    def close(self) -> None:
        """End the zygote and all its kernels, and leave no file; it may be used again after."""
        if os.getpid() != self._process:
            return
        with self._lock:
            parent, folder = self._parent, self._folder
            self._parent = self._folder = None
            self._made = 0
        if parent is not None:
            parent.end()
        if folder is not None:
            folder.remove()

    def forget(self) -> None:
        """Let go of a zygote that is another process's, of which this one is a fork."""
        if self._parent is not None:
            self._parent.forget()

    def _living(self, env: Mapping[str, str]) -> Parent:
        with self._lock:
            if self._parent is None or not self._parent.alive:
                if self._made == _ZYGOTES:
                    msg = f"no kernel: the process that makes them has died {_ZYGOTES} times"
                    remedy = "see whether the machine is out of memory (dmesg), then run it again"
                    raise WsopsError(msg, remedy=remedy)
                self._made += 1
                self._folder = self._folder or Folder()
                self._parent = Parent(env, self._folder.path / "zygote.log")
            return self._parent


_nurseries: weakref.WeakSet[Nursery] = weakref.WeakSet()
_ours: Nursery | None = None
_lock = threading.Lock()


def nursery() -> Nursery:
    """Give the nursery of this process."""
    global _ours  # noqa: PLW0603  (one a process)
    with _lock:
        if _ours is None:
            _ours = Nursery()
        return _ours


def _begin_anew() -> None:
    """Forget, in a fork of this process, what is the other's."""
    global _lock, _ours
    for one in list(_nurseries):
        one.forget()
    _lock, _ours = threading.Lock(), None


os.register_at_fork(after_in_child=_begin_anew)
