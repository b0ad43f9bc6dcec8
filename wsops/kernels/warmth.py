"""What a zygote imports ahead, and what a kernel forked from it has to make up for.

A library that was imported before there was a kernel has seen another environment than it would
have in the kernel. Where that shows it is put right here; where it cannot be, `fits` says that the
kernel has to start by its own command.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import importlib.util
import io
import os
import random
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

AHEAD = (
    *("ipykernel.debugger", "ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger"),
    *("IPython.core.oinspect", "IPython.core.pylabtools", "IPython.extensions.storemagic"),
    *("tornado.platform.asyncio", "pandas", "httpx", "ipywidgets", "pydantic", "sqlalchemy"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg"),
    "pandas.plotting._matplotlib",
    *("wsops.action", "wsops.charts", "wsops.doctor", "wsops.following", "wsops.forms"),
    *("wsops.history", "wsops.tables", "wsops.workbench"),
)
"""Modules that notebooks use, and that take long to import.

Not matplotlib_inline: it looks for the shell that it serves when it is imported.
"""

_INLINE = "module://matplotlib_inline.backend_inline"
_BACKENDS = frozenset({"", "agg", "Agg", _INLINE})
_BY_THEMSELVES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_READ_AT_IMPORT = frozenset(
    {
        "DISPLAY",
        "HOME",
        "JUPYTER_ALLOW_INSECURE_WRITES",
        "LANG",
        "LANGUAGE",
        "QT_API",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
    }
)
_FAMILIES_READ_AT_IMPORT = (
    *("COVERAGE_", "DYLD_", "GLIBC_", "GOTO_", "IPYTHON_", "LC_", "LD_", "MALLOC_", "MATPLOTLIB"),
    *("MKL_", "MPLCONFIG", "NPY_", "NUMPY_", "OMP_", "OPENBLAS_", "PANDAS_", "PSUTIL_"),
    *("PYDANTIC_", "PYTHON", "PYZMQ_", "SQLALCHEMY_", "TORNADO_", "TRAITLETS_"),
)
_THREADS_END_WITHIN = 10.0  # seconds
_set_by_imports: dict[str, str] = {}


def read_at_import(env: Mapping[str, str]) -> dict[str, str]:
    """Give what of an environment an interpreter or a library reads only once."""
    return {
        name: value
        for name, value in env.items()
        if name in _READ_AT_IMPORT or name.startswith(_FAMILIES_READ_AT_IMPORT)
    }


def zygote_env(env: Mapping[str, str]) -> dict[str, str]:
    """Give the environment to import in, so that kernels in `env` find what they would import."""
    kept = {name: value for name, value in env.items() if name != "MPLBACKEND"}
    paths = (
        str(Path(one).absolute()) for one in env.get("PYTHONPATH", "").split(os.pathsep) if one
    )
    found = {"PYTHONPATH": os.pathsep.join(paths)} if "PYTHONPATH" in env else {}  # it moves away
    return kept | found | dict.fromkeys(_BY_THEMSELVES, "1")  # no thread of BLAS survives a fork


def fits(argv: Sequence[str], env: Mapping[str, str], cwd: Path, ahead: Mapping[str, str]) -> bool:
    """Tell whether a fork is as good as the command: this Python's own kernel, and no surprise.

    Args:
        argv: the command of the kernel.
        env: its environment.
        cwd: its working directory.
        ahead: the environment that the zygote has imported in.
    """
    own = [sys.executable, "-m", "ipykernel_launcher", "-f"]
    same = read_at_import(env) == read_at_import(ahead)
    usual = env.get("MPLBACKEND", "") in _BACKENDS and not (cwd / "matplotlibrc").exists()
    return list(argv[: len(own)]) == own and same and usual


def warm_up() -> None:
    """Import what notebooks use, as if in a kernel; leaves one thread and nothing to collect."""
    # A default of the kernel's that it reads at import; a fork sees the same parent.
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    before = dict(os.environ)
    with _as_in_a_kernel():
        for name in AHEAD:
            importlib.import_module(name)
        importlib.import_module("wsops.kernels.rehearsal").rehearse()
        _choose_backend()  # the first choice looks through all that is installed
    _set_by_imports.update((k, v) for k, v in os.environ.items() if before.get(k) != v)
    _alone()
    _side_by_side()
    gc.collect()
    gc.freeze()  # a collection in a kernel would else write to every page that it shares


def _side_by_side() -> None:
    """Move the names of all modules' files next to each other.

    A kernel looks at each of them when it starts, and to look at one is to count a reference to it:
    from where they are, scattered, that would copy some megabytes of shared pages.
    """
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        path = names.get("__file__")
        if isinstance(path, str):
            names["__file__"] = "".join((path[:1], path[1:]))


def _alone() -> None:
    """Wait for what threads libraries have started on the way, such as to find fonts.

    Raises:
        RuntimeError: one stays, and what it holds would be held for ever in a fork.
    """
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(_THREADS_END_WITHIN)
    if threading.active_count() > 1:
        msg = f"a library has started threads that stay: {threading.enumerate()}"
        raise RuntimeError(msg)


@contextlib.contextmanager
def _as_in_a_kernel() -> Iterator[None]:
    """Have libraries believe that a kernel runs, as they would when a notebook imports them."""
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    screen = io.TextIOWrapper(io.BytesIO(), encoding="UTF-8")  # the name that a kernel gives it
    try:
        with contextlib.redirect_stdout(screen):
            yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def catch_up() -> None:
    """Put right what was imported before this process was what it is now."""
    for name, value in _set_by_imports.items():
        os.environ.setdefault(name, value)
    _choose_backend()
    tempfile.tempdir = None  # remembered from TMPDIR
    random.seed()
    sys.modules["numpy"].random.seed()


def _choose_backend() -> None:
    sys.modules["matplotlib"].rcParams["backend"] = os.environ.get("MPLBACKEND") or _INLINE
