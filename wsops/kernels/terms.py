"""What a run is given, and the handle by which others may end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbformat import NotebookNode

Wish = Literal["", "interrupt", "kill"]


@dataclass(frozen=True)
class Terms:
    """How a notebook is to be run.

    `warm` pays from the second kernel of a process on, so papermill's own command does without.
    `source` is what its record calls it, `record` where it is recorded while it runs: by default
    what papermill was given. `cwd` and `env` are the kernel's, by default this process's own; `log`
    takes what the kernel writes past the notebook, and nothing keeps that where there is none.
    `memory` is in MiB of address space, `deadline` in seconds from the start of the kernel, 0 for
    no limit. `grace` is how many seconds a run has to end from the moment that it is interrupted,
    before its kernel is killed.
    """

    source: str | None = None
    record: Path | None = None
    warm: bool = False
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    log: Path | None = None
    memory: int = 0
    deadline: float = 0
    grace: float = 10


class Handle:
    """Ends one run from any thread; before its start and after its end as well."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a handler of signals may ask as well
        self._wish: Wish = ""
        self._tell: Callable[[], object] | None = None

    @property
    def wish(self) -> Wish:
        """What was asked for so far."""
        return self._wish

    def interrupt(self) -> None:
        """Interrupt the running cell; no other is started. Returns at once."""
        self._ask("interrupt")

    def kill(self) -> None:
        """End the kernel by force. Returns at once."""
        self._ask("kill")

    @contextmanager
    def heard_by(self, tell: Callable[[], object]) -> Iterator[None]:
        """Have `tell` called, for the block, whenever something is asked for."""
        with self._lock:
            self._tell = tell
        try:
            yield
        finally:
            with self._lock:
                self._tell = None

    def _ask(self, wish: Wish) -> None:
        with self._lock:
            self._wish = wish if self._wish != "kill" else self._wish
            if self._tell is not None:
                self._tell()


@dataclass
class Outcome:
    """What has become of a run so far; `stopped` says why it was ended from outside."""

    notebook: NotebookNode | None = None
    warm: bool = False
    began: bool = False
    whole: bool = False
    stopped: Literal["", "overdue", "interrupted"] = ""
    failure: str = ""
    exit_code: int | None = None
