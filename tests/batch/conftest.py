"""Batches run for real: kernels, a simulated service, a journal, folders and pages."""

import json
from pathlib import Path

import nbformat
import pytest

from tests.cli.conftest import (  # noqa: F401  (fixtures)
    at,
    process,
    quiet_process,
    start,
    until,
    wsops,
)

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
REBUILD = "RebuildDesktopPool"
NOTES = "with open('notes.txt', 'a') as notes:\n    print(n, flush=True, file=notes)"
"""A cell that notes for which row it ran, and thereby how often."""


@pytest.fixture(autouse=True)
def _kernels(kernels_at_home, monkeypatch, tmp_path):
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "journal.sqlite"))
    monkeypatch.setenv("WSOPS_OPERATOR", "tester")


@pytest.fixture
def book(tmp_path):
    """Give a function that writes a notebook of cells, the first of them its parameters."""

    def write(*cells, parameters="n: int = 0  # a number", name="try.ipynb"):
        notebook = nbformat.v4.new_notebook()
        notebook.metadata.kernelspec = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        first = nbformat.v4.new_code_cell(parameters)
        first.metadata.tags = ["parameters"]
        notebook.cells = [first, *map(nbformat.v4.new_code_cell, cells)]
        nbformat.write(notebook, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def params(tmp_path):
    """Give a function that writes a CSV of rows, each a mapping."""

    def write(*rows, name="rows.csv"):
        heads = list(rows[0])
        lines = [",".join(heads), *(",".join(str(row[head]) for head in heads) for row in rows)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return write


@pytest.fixture
def numbers(params):
    """Give a function that writes so many rows, numbered from 1."""
    return lambda rows: params(*({"n": n} for n in range(1, rows + 1)))


@pytest.fixture
def ran(wsops):
    """Give a function that runs a batch to its end; gives what `--json` prints of it."""

    def run(notebook, *arguments, code=0):
        return wsops("batch", "run", notebook, *arguments, "--json", code=code).document

    return run


@pytest.fixture
def folder(tmp_path):
    """Give a function that gives the folder of the newest batch."""

    def newest():
        return max((tmp_path / "reports/runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)

    return newest


class Fleet:
    """A simulated fleet that batches repair, and what one asks it from the outside."""

    def __init__(self, sim):
        self.sim = sim

    @property
    def pools(self):
        """The pools with mismatches, small ones first."""
        found = [pool for pool in self.sim.cloud.pools.values() if self.behind(pool)]
        return sorted(found, key=lambda pool: (len(self.behind(pool)), pool.name))

    def behind(self, pool):
        return [one for one in pool.desktops if one.image_id != pool.image_id]

    @property
    def posts(self):
        return [entry for entry in self.sim.ledger if entry.operation == REBUILD]

    @property
    def total(self):
        return sum(len(self.behind(pool)) for pool in self.pools)

    def fail(self, desktops):
        cause = {"code": "WKS.00010034", "reason": "no capacity in the zone"}
        ids = {"desktop_ids": [desktop.id for desktop in desktops]}
        self.sim.cloud.faults.add("desktop_fails", args=ids | cause)


@pytest.fixture
def fleet_to_repair(calm, at):
    """Give a function that makes a fleet where nobody is logged in; commands work there."""

    def make(**options):
        return Fleet(at(calm(**({"pools": 6, "desktops": 8, "mismatch": 0.5} | options))))

    return make


@pytest.fixture
def audited(wsops, tmp_path):
    """Give a function that audits the fleet into a file."""

    def audit():
        path = tmp_path / "audit.json"
        path.write_text(json.dumps(wsops("audit", "--json").document))
        return path

    return audit


@pytest.fixture
def repair(ran, audited):
    """Give a function that repairs what an audit found, as a batch that applies."""

    def go(*arguments, max_desktops, code=0):
        notebook = NOTEBOOKS / "20_repair_mismatches.ipynb"
        given = ("--from-audit", audited(), "--apply", "--max-desktops", max_desktops)
        return ran(notebook, *given, *arguments, code=code)

    return go


def alive(pid):
    """Tell whether a process runs; one that has ended and was not collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid):
    """Give the processes that a process has started, as the kernel lists them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found


def below(pid):
    """Give all processes below a process."""
    return [one for child in children(pid) for one in (child, *below(child))]


def noted(folder):
    """Give the rows that a notebook has run for, each as often as it did."""
    notes = folder / "notes.txt"
    return sorted(map(int, notes.read_text().split())) if notes.exists() else []


def words(document):
    """Give the verdicts of the rows of a batch, in their order."""
    return [run["verdict"] for run in document["runs"]]
