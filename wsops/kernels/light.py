"""Imports papermill without the grammar that its imports bring along and nobody here asks for.

jsonschema, which checks notebooks, imports `rfc3987_syntax` wherever JupyterLab is installed, to
check international addresses. That builds a grammar, which takes a second; jsonschema does without
where it is not there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HEAVY = "rfc3987_syntax"
_lock = threading.Lock()


@contextmanager
def light_imports() -> Iterator[None]:
    """Have imports in the block, of papermill, nbformat or nbconvert, do without the grammar.

    One thread at a time; what is imported already stays as it is.
    """
    with _lock:
        absent = _HEAVY not in sys.modules
        if absent:
            sys.modules[_HEAVY] = None  # type: ignore[assignment]
        try:
            yield
        finally:
            if absent:
                sys.modules.pop(_HEAVY, None)
