"""Batches against papermill's own command: the same notebook, the same rows, the same pages."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import psutil

from tests.bench.report import Figure, bounded, compared

_BIN = Path(sys.executable).parent
_CELLS = """import pandas as pd
import httpx
import ipywidgets as widgets
import matplotlib.pyplot as plt
# %%
rows = [{"pool": pool, "desktop": f"{pool}-{n}", "minutes": n % 17} for n in range(400)]
frame = pd.DataFrame(rows)
frame.head(20)
# %%
frame.groupby("minutes").size().to_frame("desktops")
# %%
figure, axes = plt.subplots(figsize=(7, 3))
frame.minutes.value_counts().sort_index().plot.bar(ax=axes)
plt.show()
# %%
picker = widgets.Dropdown(options=["one", "two"], description="pool")
note = widgets.Text(description="change")
widgets.VBox([picker, note])
# %%
client = httpx.Client()
client.headers["user-agent"]
# %%
total = int(frame.minutes.sum())
print("total", total)
# %%
for line in range(50):
    print("line", line)
# %%
frame.describe()"""


def batches(*, quick: bool) -> list[Figure]:
    """Run rows by the two commands, one at a time and two at once, and as a batch; in turn."""
    rounds, few, rows, many = (2, 1, 4, 8) if quick else (5, 4, 50, 500)
    judged = not quick
    one, two, ours = [], [], []
    with TemporaryDirectory() as folder:
        here = Rows(Path(folder))
        for _ in range(rounds):
            one.append(here.by_commands(few, at_once=1))
            ours.append(here.as_batch(rows))
            two.append(here.by_commands(2 * few, at_once=2))
        large = [here.as_batch(many)]
    own = [took.each for took in ours]
    grown = [took.peak - ours[0].peak for took in large]
    share = [(took.each / (sum(own) / len(own)) - 1) * 100 for took in large]
    what = f"wsops batch, {rows} rows, start-up included, for each"
    return [
        Figure("papermill and jupyter nbconvert, one at a time, for each", _each(one), "s"),
        Figure("the same, two at once, for each", _each(two), "s"),
        compared(f"{what}, against one at a time", own, _each(one), 20, judged=judged),
        compared(f"{what}, against two at once", own, _each(two), 10, judged=judged),
        Figure("CPU of the commands, for each", tuple(t.cpu for t in one), "s"),
        compared(
            "CPU of it, for each (0.40 s where the commands take 5.3 s)",
            [took.cpu for took in ours],
            [took.cpu for took in one],
            13,
            judged=judged,
        ),
        Figure(f"CPU of it, {many} rows, for each", tuple(took.cpu for took in large), "s"),
        bounded(
            "memory of a kernel that no other shares",
            [took.unique for took in ours],
            "MB",
            45,
            judged=judged,
        ),
        bounded(f"{many} rows, for each, more than with {rows}", share, "%", 10, judged=judged),
        bounded(
            f"memory of the coordinator, {many} rows, more than with {rows}",
            grown,
            "MB",
            15,
            judged=judged,
        ),
    ]


@dataclass(frozen=True)
class Took:
    """What rows took: seconds and CPU seconds for each; MB of the coordinator and of a kernel."""

    each: float
    cpu: float
    peak: float = 0
    unique: float = 0


class Rows:
    """A notebook of ten cells, and running it row by row into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebook = folder / "ten.ipynb"
        nbformat.write(_notebook(), self.notebook)
        self.environment = os.environ | {"WSOPS_JOURNAL": str(folder / "journal.sqlite")}
        self._turn = 0

    def by_commands(self, rows: int, *, at_once: int) -> Took:
        """Run rows by the unmodified commands."""
        self._turn += 1

        def run(row: int) -> None:
            out = self.folder / f"out-{self._turn}-{row}.ipynb"
            self._call("papermill", self.notebook, out, "-r", "pool", f"pool-{row}")
            self._call("jupyter", "nbconvert", "--to", "html", out)

        def work() -> None:
            with ThreadPoolExecutor(at_once) as threads:
                list(threads.map(run, range(rows)))

        return _measured(work, rows)

    def as_batch(self, rows: int) -> Took:
        """Run rows as a batch, in a process of its own."""
        params = self.folder / f"rows-{rows}.csv"
        with params.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["pool"])
            writer.writerows([f"pool-{row}"] for row in range(rows))
        command = [_BIN / "wsops", "batch", "run", self.notebook, "--params", params]
        command += ["--out", self.folder / "runs", "--json"]
        seen = Seen()

        def work() -> None:
            with subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as process:
                seen.watch(process)
                out, _ = process.communicate()
            document = json.loads(out)
            assert document["verdict"] == "done", document["headline"]

        took = _measured(work, rows)
        return Took(took.each, took.cpu, seen.peak, seen.unique)

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(_BIN / program), *map(str, arguments)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, env=self.environment, check=True, **quiet)


class Seen:
    """The most memory, in MB, that a coordinator held, and that a kernel of it had for itself."""

    def __init__(self) -> None:
        self.peak = self.unique = 0.0

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Look at a process and its kernels, in a thread, until it ends."""
        threading.Thread(target=self._look, args=(process.pid,), daemon=True).start()

    def _look(self, pid: int) -> None:
        try:
            whole = psutil.Process(pid)
            while whole.is_running() and whole.status() != psutil.STATUS_ZOMBIE:
                self.peak = max(self.peak, whole.memory_info().rss / 1024**2)
                for zygote in whole.children():
                    for kernel in zygote.children():
                        self._weigh(kernel)
                time.sleep(0.5)
        except psutil.Error:
            return

    def _weigh(self, kernel: psutil.Process) -> None:
        try:
            self.unique = max(self.unique, kernel.memory_full_info().uss / 1024**2)
        except psutil.Error:
            return  # it has ended meanwhile


def _each(taken: list[Took]) -> tuple[float, ...]:
    return tuple(took.each for took in taken)


def _measured(work: Callable[[], None], rows: int) -> Took:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds / rows, used / rows)


def _notebook() -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    parameters = nbformat.v4.new_code_cell("pool: str = 'none'  # the pool")
    parameters.metadata.tags = ["parameters"]
    notebook.cells = [parameters, *map(nbformat.v4.new_code_cell, _CELLS.split("\n# %%\n"))]
    return notebook
