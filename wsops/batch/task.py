"""One attempt: a notebook run with its parameters, judged, and rendered, wherever a worker is.

`run_one` is what an executor gets: a function of a module with JSON in and out, that never raises
for what a notebook does. A task holds no secret: whoever runs it finds credentials by the profile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from wsops.batch.folder import LOG, REPORT, claim
from wsops.batch.reading import judged
from wsops.batch.records import Attempt
from wsops.batch.words import FINE
from wsops.errors import WsopsError
from wsops.files import write_private
from wsops.kernels import Handle, execute
from wsops.membership import ATTEMPT_VARIABLE
from wsops.models import Record
from wsops.redact import leaks, scrub
from wsops.report import Renderer

_handles: dict[str, Handle] = {}
_lock = threading.Lock()


class Task(Record):
    """What a worker needs to know: paths, parameters and limits; see `records.Spec`."""

    attempt: Attempt
    folder: str
    place: str
    notebook: str
    parameters: Mapping[str, Any]
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
            warm=task.warm,
            cwd=Path(task.working_folder),
            env=_environment(task.attempt.attempt_id),
            log=here / LOG,
            deadline=task.deadline,
            memory=task.memory,
            handle=handle,
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
    return _sealed(_noted(told.model_copy(update=files), problem), here)


def _noted(told: Attempt, problem: str) -> Attempt:
    """Give an attempt with what was wrong with its files: what nobody can read is not done."""
    if not problem:
        return told
    verdict = "error" if told.verdict in FINE else told.verdict
    reason = "; ".join(filter(None, (told.reason, problem)))
    return told.model_copy(update={"verdict": verdict, "reason": reason})


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


def _sealed(told: Attempt, here: Path) -> Attempt:
    """Look through the files before a run is called done: none may hold a secret that is in use."""
    guilty = []
    for path in sorted(path for path in here.iterdir() if path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name == LOG and not text:
            path.unlink()
        elif leaks(text):
            write_private(path, scrub(text))
            guilty += [] if path.name == LOG else [path.name]
    if not guilty:
        return told.over(told.verdict, told.reason)
    reason = f"{', '.join(guilty)} held a secret that is in use: it was masked; change it"
    return told.over("failed", reason)


def _environment(attempt_id: str) -> dict[str, str]:
    return os.environ | {ATTEMPT_VARIABLE: attempt_id}
