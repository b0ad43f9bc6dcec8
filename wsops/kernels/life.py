"""The life of a warm kernel: as `python -m ipykernel_launcher`, in a process that is there."""

from __future__ import annotations

import atexit
import importlib.util
import sys
import threading
import traceback
from collections.abc import Sequence


def live(argv: Sequence[str]) -> int:
    """Be the kernel that a command would start, to its end; gives its exit code.

    Does what `python -m ipykernel_launcher` does, atexit and all.
    """
    try:
        _run(list(argv))
        code = 0
    except SystemExit as end:
        code = _code_of(end)
    except BaseException:  # noqa: BLE001  (as the interpreter does)
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  (what the interpreter calls)
    atexit._run_exitfuncs()  # noqa: SLF001  (the same)
    return code


def _run(argv: list[str]) -> None:
    launcher = importlib.util.find_spec(argv[2])
    sys.orig_argv = argv
    sys.argv = [str(launcher and launcher.origin), *argv[3:]]
    app = sys.modules["ipykernel.kernelapp"].IPKernelApp.instance()
    app.initialize(sys.argv[1:])
    sys.modules["ipywidgets"].register_comm_target()  # as its import would have done
    app.start()


def _code_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    sys.stderr.write(f"{end.code}\n")
    return 1
