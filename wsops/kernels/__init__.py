"""Kernels for batches of notebooks: started once, forked for every run, ended with their owner.

`execute` runs one notebook in one; `nursery` gives where they come from.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsops.kernels.light import light_imports
    from wsops.kernels.nurseries import nursery
    from wsops.kernels.played import Played, execute
    from wsops.kernels.terms import Handle, Terms

_HOMES = {
    "Handle": "terms",
    "Played": "played",
    "Terms": "terms",
    "execute": "played",
    "light_imports": "light",
    "nursery": "nurseries",
}

__all__ = ["Handle", "Played", "Terms", "execute", "light_imports", "nursery"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
