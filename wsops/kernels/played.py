"""Runs one notebook for a batch, and says how it ended; nothing that it does raises an error."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wsops.errors import WsopsError
from wsops.kernels.light import light_imports
from wsops.kernels.store import masked, save
from wsops.kernels.terms import Handle, Outcome, Terms
from wsops.redact import scrub

if TYPE_CHECKING:
    from nbformat import NotebookNode

Error = Literal["", "cell", "died", "overdue", "interrupted", "start"]
_LONGEST = 500
_SILENCE = logging.NullHandler()
_STOPPED = {"overdue": "its time was over: it was ended", "interrupted": "it was interrupted"}


@dataclass(frozen=True)
class Played:
    """How a run ended.

    `error` is "" where every cell ran, "cell" where one failed, "died" where the kernel did,
    "overdue" or "interrupted" where the run was ended, "start" where no cell ever ran; `message`
    says it in words. `exit_code` is that of a kernel that ended before the notebook did, below 0
    for a signal. `notebook` is what was executed, as it was written, and `unsaved` why it could not
    be, "" where it was. `warm` tells whether the kernel was a fork.
    """

    error: Error = ""
    message: str = ""
    exit_code: int | None = None
    notebook: NotebookNode | None = None
    unsaved: str = ""
    warm: bool = False


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    terms: Terms,
    handle: Handle | None = None,
) -> Played:
    """Run one notebook through papermill; any number at once, each in a thread.

    Args:
        source: the notebook.
        target: where the executed one is written, again and again while it runs.
        parameters: by name.
        terms: how it is run; `source` and `record` are those given here.
        handle: ends the run from another thread.
    """
    terms = replace(terms, source=str(source), record=target.absolute())
    outcome, error = Outcome(), None
    try:
        _papermill(source, parameters, terms, handle or Handle(), outcome)
    except Exception as raised:  # noqa: BLE001  (whatever a notebook makes nbclient do)
        error = raised
    return _played(outcome, error, target)


def _papermill(
    source: Path,
    parameters: Mapping[str, Any],
    terms: Terms,
    handle: Handle,
    outcome: Outcome,
) -> None:
    """Have papermill run it; the record is ours to keep, so papermill is given no place for it."""
    with light_imports():
        import papermill  # type: ignore[import-untyped]  # noqa: PLC0415  (see there)

        from wsops.report.read import read_notebook  # noqa: PLC0415
    logging.getLogger("papermill").addHandler(_SILENCE)  # else it writes to stderr
    notebook = read_notebook(source)
    papermill.execute_notebook(
        notebook,
        None,
        dict(parameters),
        **_kernel_for(notebook),
        engine_name="wsops",
        progress_bar=False,
        terms=terms,
        handle=handle,
        outcome=outcome,
    )


def _kernel_for(notebook: NotebookNode) -> dict[str, str]:
    """Give what papermill wants to know of a kernel and the notebook does not say."""
    said = notebook.metadata.get("kernelspec", {})
    known = said.get("language") or notebook.metadata.get("language_info", {}).get("name")
    missing = {} if said.get("name") else {"kernel_name": "python3"}
    return missing if known else missing | {"language": "python"}


def _played(outcome: Outcome, error: Exception | None, target: Path) -> Played:
    unsaved, written = "", None
    if outcome.notebook is not None:
        written = masked(outcome.notebook)
        try:
            save(written, target)
        except (WsopsError, TypeError) as failed:  # the latter: a parameter that is not JSON
            unsaved = str(failed)
    kind, message = _verdict(outcome, error)
    return Played(
        error=kind,
        message=scrub(message)[:_LONGEST],
        exit_code=outcome.exit_code,
        notebook=written,
        unsaved=unsaved,
        warm=outcome.warm,
    )


def _verdict(outcome: Outcome, error: Exception | None) -> tuple[Error, str]:
    code = outcome.exit_code
    if outcome.stopped:  # also where its last cell made nothing of the interrupt, and ended well
        by_force = "" if code is None else ", by force"
        return outcome.stopped, f"{_STOPPED[outcome.stopped]}{by_force}"
    if outcome.whole:
        return "", ""
    if not outcome.began:
        return "start", str(error) or type(error).__name__
    if outcome.failure:
        return "cell", outcome.failure
    if code is not None:
        return "died", f"its kernel died: {_how(code)}"
    return "died", f"the run broke off: {type(error).__name__}: {error}"


def _how(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
