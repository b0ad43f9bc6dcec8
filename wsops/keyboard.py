"""Who runs a notebook: a person who has it open in JupyterLab, or nobody."""

from __future__ import annotations

import os

_SESSION = "JPY_SESSION_NAME"


def by_hand() -> bool:
    """Tell whether JupyterLab opened the notebook: it names the session, papermill does not."""
    return bool(os.environ.get(_SESSION))
