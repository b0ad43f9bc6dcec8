"""One attempt: a notebook run with its parameters, judged, and rendered, wherever a worker is.

`run_one` is what an executor gets: a function of a module with JSON in and out, that never raises
for what a notebook does. A task holds no secret: whoever runs it finds credentials by the profile.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from wsops.batch.folder import LOG, REPORT, claim
from wsops.batch.reading import judged
from wsops.batch.records import Attempt
from wsops.batch.words import BROKE_OFF, FINE
from wsops.credentials import know_secrets
from wsops.errors import WsopsError
from wsops.files import write_private, write_private_bytes
from wsops.kernels import Handle, Terms, execute
from wsops.membership import ATTEMPT_VARIABLE
from wsops.models import Record
from wsops.redact import leaks, scrub
from wsops.report import Renderer
from wsops.settings import load

_CHANGED = "the notebook in the batch's folder is not the one that the batch was made of"
_LONGEST_LOG = 1 << 20  # bytes

_handles: dict[str, Handle] = {}
_lock = threading.Lock()


class Task(Record):
    """What a worker needs to know: paths, parameters and limits; see `records.Spec`."""

    attempt: Attempt
    folder: str
    place: str
    notebook: str
    notebook_sha256: str
    parameters: Mapping[str, Any]
    profile: str = ""
    warm: bool = True
    deadline: float = 0
    memory: int = 0
    working_folder: str = "."


def run_one(document: Mapping[str, Any]) -> dict[str, Any]:
    """Run an attempt to its end: a `Task` as JSON in, an `Attempt` as JSON out.

    Its files are in its own folder, which is made here: an attempt whose folder is there was run
    before, and is not run again, whoever asks.
    """
    task = Task.model_validate(document)
    _know_secrets(task)
    if not _is_as_approved(task):
        return task.attempt.over("error", _CHANGED).model_dump(mode="json")
    try:
        here = claim(Path(task.folder), task.place)
    except FileExistsError:
        told = task.attempt.over("error", "it was run before: a run is never executed twice")
    except OSError as error:
        told = task.attempt.over("error", f"its folder cannot be made: {error.strerror}")
    else:
        told = _run(task, here)
    return told.model_dump(mode="json")


def interrupt_all(*, kill: bool = False) -> int:
    """Interrupt every notebook that this process runs, or end its kernel; gives their number."""
    with _lock:
        running = tuple(_handles.values())
    for handle in running:
        if kill:
            handle.kill()
        else:
            handle.interrupt()
    return len(running)


def _run(task: Task, here: Path) -> Attempt:
    handle = Handle()
    target = here / Path(task.notebook).name
    with _lock:
        _handles[task.attempt.attempt_id] = handle
    try:
        played = execute(
            Path(task.notebook),
            target,
            task.parameters,
            _terms(task, here / LOG),
            handle,
        )
    finally:
        with _lock:
            del _handles[task.attempt.attempt_id]
    told = judged(task.attempt, played)
    files = {}
    if target.is_file():
        files["notebook"] = f"{task.place}/{target.name}"
    problem = played.unsaved
    if played.notebook is not None:
        problem = _rendered(played.notebook, target.name, here / REPORT) or problem
        files["report"] = "" if problem else f"{task.place}/{REPORT}"
    told = told.model_copy(update=files)
    if problem:  # what nobody can read is not done
        told = told.at_fault("error" if told.told in FINE else told.told, problem)
    return sealed(told, here)


def _terms(task: Task, log: Path) -> Terms:
    return Terms(
        warm=task.warm,
        cwd=Path(task.working_folder),
        env=_environment(task),
        log=log,
        deadline=task.deadline,
        memory=task.memory,
    )


def _rendered(notebook: NotebookNode, name: str, target: Path) -> str:
    """Write the report of a notebook; says why where there is none."""
    try:
        write_private(target, _renderer().render(notebook, name))
    except WsopsError as error:
        return f"no report: {error}"
    return ""


@cache
def _renderer() -> Renderer:
    return Renderer()


def sealed(told: Attempt, here: Path) -> Attempt:
    """Mask the secrets that its files hold; gives an attempt as ended, at fault where one did."""
    guilty = _masked(here)
    if guilty:
        why = f"{', '.join(guilty)} held a secret that is in use: it was masked; change it"
        told = told.at_fault(told.told if told.told in BROKE_OFF else "failed", why)
    return told.over(told.verdict, told.reason)


def _masked(here: Path) -> list[str]:
    """Mask secrets in the files of a run, and cut its log; gives the pages that held one."""
    guilty = []
    for path in sorted(path for path in here.glob("*") if path.is_file()):
        if path.name == LOG:
            _cut(path)
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name == LOG and not text:
            path.unlink()
        elif leaks(text):
            write_private(path, scrub(text))
            guilty += [] if path.name == LOG else [path.name]
    return guilty


def _cut(log: Path) -> None:
    """Keep the end of a log that ran away: it would fill the memory of whoever looks at it."""
    if log.stat().st_size > _LONGEST_LOG:
        with log.open("rb") as file:
            file.seek(-_LONGEST_LOG, os.SEEK_END)
            write_private_bytes(log, file.read())


def _environment(task: Task) -> dict[str, str]:
    named = {"WSOPS_PROFILE": task.profile} if task.profile else {}
    return os.environ | named | {ATTEMPT_VARIABLE: task.attempt.attempt_id}


def _know_secrets(task: Task) -> None:
    """Register the secrets of the profiles that a row works with: no file of it may hold one."""
    for profile in {task.profile, str(task.parameters.get("profile") or "")}:
        with suppress(WsopsError):  # the notebook says better what is wrong with it
            know_secrets(load(profile or None))


def _is_as_approved(task: Task) -> bool:
    """Tell whether the notebook in the folder still is the one that the batch was made of."""
    try:
        content = Path(task.notebook).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == task.notebook_sha256
