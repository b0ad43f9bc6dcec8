"""A child process that ends when whoever started it is gone, even by SIGKILL.

`python -m wsops.tethered MODULE ARGUMENT…` runs the module as `python -m MODULE ARGUMENT…` would,
in this very process. Its standard input is the tether: a pipe that only the parent holds, and that
the system closes when the parent ends, however it ends.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_GRACE = 8.0
"""Seconds from the request to end until the process is ended by force."""


def start(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: int | IO[Any] = subprocess.DEVNULL,
    stderr: int | IO[Any] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a module as a tethered process, out of reach of the terminal's Ctrl-C.

    `arguments` are the module's name and what it is given. The parent alone decides when the child
    ends, by `end` or by ending itself.
    """
    return subprocess.Popen(  # noqa: S603  (a module of our own environment, no shell)
        [sys.executable, "-m", "wsops.tethered", *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd=cwd,
        start_new_session=True,
        umask=0o077,  # what JupyterLab saves names people
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a tethered process: asked to first, by force after 8 seconds."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _watch() -> None:
    """Wait for the end of the tether; then ask this process to end, and later make it."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    # To the main thread: a signal that another thread takes would not wake it.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the module that the command line names, tethered to standard input."""
    threading.Thread(target=_watch, name="tether", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
