"""Operations toolkit for Huawei Cloud Workspace desktop pools.

`connect` gives a `Workspace`; `wsops.audit.audit` reads which desktops do not run their pool's
image. The names below are imported when they are asked for: `import wsops` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsops.audited import Audit, Mismatch
    from wsops.choice import Choice
    from wsops.client import Workspace, connect
    from wsops.errors import WsopsError
    from wsops.jobs import wait, watch
    from wsops.models import Desktop, Image, Job, Pool
    from wsops.plan import Plan
    from wsops.planning import plan_for
    from wsops.rollout import Rollout

__version__ = "0.1.0"

_HOMES = {
    "Audit": "audited",
    "Choice": "choice",
    "Desktop": "models",
    "Image": "models",
    "Job": "models",
    "Mismatch": "audited",
    "Plan": "plan",
    "Pool": "models",
    "Rollout": "rollout",
    "Workspace": "client",
    "WsopsError": "errors",
    "connect": "client",
    "plan_for": "planning",
    "wait": "jobs",
    "watch": "jobs",
}

__all__ = [
    "Audit",
    "Choice",
    "Desktop",
    "Image",
    "Job",
    "Mismatch",
    "Plan",
    "Pool",
    "Rollout",
    "Workspace",
    "WsopsError",
    "connect",
    "plan_for",
    "wait",
    "watch",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name not in _HOMES:
        msg = f"module 'wsops' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"wsops.{_HOMES[name]}"), name)
