"""Notebooks run by papermill in kernels of their own, against the simulator on a socket."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from wsops.choice import Choice
from wsops.journal import Journal
from wsops.kernels import Terms, execute
from wsops.planning import plan_for
from wsops.rollout import Rollout
from wsops.summary import read_summary

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
POLLING = {
    "first": 0.01,
    "longest": 0.03,
    "verify_every": 0.02,
    "verify_within": 2,
    "reconcile_every": 0.02,
    "reconcile_within": 0.1,
    "settle_seconds": 0,
    "settle_reads": 3,
    "not_found_seconds": 0.2,
    "stall_after": 0.5,
}
_WRITES = {"RebuildDesktopPool", "BatchRebuildDesktopsSystemDisk", "RunActionsOnWorkspaceJob"}
PACE = {"reads_per_second": 100_000, "write_every": 0, "throttled_wait": 0}


@dataclass
class Played:
    """An executed notebook, as someone finds it who was not there."""

    path: Path
    error: object  # has `ename`; None where every cell ran

    @property
    def book(self):
        return nbformat.read(self.path, as_version=4)

    @property
    def summary(self):
        return read_summary(self.book.cells)

    @property
    def outputs(self):
        return [out for cell in self.book.cells for out in cell.get("outputs", ())]

    @property
    def plain(self):
        """What it says, as plain text."""
        return "\n".join(
            out.get("text") or out.get("data", {}).get("text/plain", "") for out in self.outputs
        )

    @property
    def html(self):
        """What it shows."""
        return "\n".join(out.get("data", {}).get("text/html", "") for out in self.outputs)

    def rows(self, caption):
        """Give the rows of the table with a caption, each a list of its cells that hold text."""
        texts = [out.get("data", {}).get("text/plain", "") for out in self.outputs]
        [lines] = [text.splitlines()[2:] for text in texts if text.startswith(f"{caption}\n")]
        return [re.split(r" {2,}", line.strip()) for line in lines]

    @property
    def complaint(self):
        """The one error output, without colours."""
        [found] = [out for out in self.outputs if out.output_type == "error"]
        return found


class Cloud:
    """A simulated fleet, and what one asks it from the outside."""

    def __init__(self, sim):
        self.sim = sim
        self.faults = sim.cloud.faults

    @property
    def behind(self):
        """The desktops that do not run their pool's image."""
        pools = self.sim.cloud.pools.values()
        return [d for pool in pools for d in pool.desktops if d.image_id != pool.image_id]

    @property
    def posts(self):
        """Every request that could wipe something, in the order of arrival."""
        return [e for e in self.sim.ledger if e.operation in _WRITES]

    @property
    def approval(self):
        """The numbers that approve a repair of everything, as parameters."""
        images = {pool.image_id for pool in self.sim.cloud.pools.values()}
        number = max(1, len(self.behind))
        return {"apply": True, "max_desktops": number, "expect_images": ",".join(sorted(images))}

    def fail(self, desktops):
        """Let every rebuild of these desktops fail."""
        cause = {"code": "WKS.00010034", "reason": "no capacity in the zone"}
        named = {"desktop_ids": [desktop.id for desktop in desktops]}
        self.faults.add("desktop_fails", args=named | cause)

    def other_image(self, pool):
        """Give an image of the same family as a pool's, which is not the pool's."""
        images = self.sim.cloud.images
        family = images[pool.image_id].name.rpartition("-")[0]
        kin = (i for i, image in images.items() if image.name.startswith(family))
        return next(i for i in kin if i != pool.image_id)


def calmed(sim):
    for desktop in sim.cloud.desktops.values():
        sim.cloud.set_login(desktop.id, "REGISTERED")
        sim.cloud.set_status(desktop.id, "ACTIVE")
    return Cloud(sim)


@pytest.fixture
def cloud(fleet):
    """Give a function that makes a small fleet in which nobody is logged in."""
    return lambda **options: calmed(fleet(**({"desktops": 6} | options)))


@pytest.fixture
def fleet_of():
    """Give a function that takes a simulation, and sees to it that nobody is logged in."""
    return calmed


@pytest.fixture(autouse=True)
def nobody_is_here(kernels_at_home):
    """No kernel believes that a person sits before it; all share what takes long to find out."""


@pytest.fixture
def lead(monkeypatch, tmp_path):
    """Give a function that leads all kernels to a cloud, with more settings where wanted."""

    def to(cloud, **more):
        sim = cloud.sim
        place = {
            "ENDPOINT": sim.endpoint,
            "IAM_ENDPOINT": sim.iam_endpoint,
            "PROJECT_ID": sim.project_id,
            "REGION": sim.cloud.region_name,
            "TOKEN": sim.token,
            "JOURNAL": str(tmp_path / "journal.sqlite"),
            "OPERATOR": "tester",
        }
        groups = {"POLLING": POLLING, "PACE": PACE}
        for group, values in groups.items():
            place |= {f"{group}__{key.upper()}": str(value) for key, value in values.items()}
        for key, value in (place | more).items():
            monkeypatch.setenv(f"WSOPS_{key}", str(value))

    return to


@pytest.fixture
def play(tmp_path):
    """Give a function that runs a notebook to its end, or to its first error.

    In a kernel that is forked from a warm process; `plain` runs it by papermill's own engine.
    """

    def run(name, *, plain=False, **parameters):
        [source] = FOLDER.glob(f"{name}_*.ipynb")
        before = len(list(tmp_path.glob(f"{source.stem}*.ipynb")))
        path = tmp_path / f"{source.stem}{f'-{before + 1}' if before else ''}.ipynb"
        return (_by_papermill if plain else _warm)(source, path, parameters)

    return run


def _by_papermill(source, path, parameters):
    try:
        papermill.execute_notebook(
            str(source), str(path), parameters=parameters, progress_bar=False
        )
    except PapermillExecutionError as failed:
        return Played(path, failed)
    return Played(path, None)


def _warm(source, path, parameters):
    log = path.with_suffix(".log")
    terms = Terms(warm=True, cwd=path.parent, env=dict(os.environ), log=log)
    told = execute(source, path, parameters, terms)
    assert told.warm, "it was to run in a fork"
    played = Played(path, None)
    return Played(path, played.complaint) if told.error == "cell" else played


@pytest.fixture
def opened():
    """Give a function that takes an executed notebook up from the disk."""
    return lambda path: Played(path, None)


@pytest.fixture
def before(open_ws, tmp_path):
    """Give a function that repairs a fleet before the notebook runs; gives the rows of the run."""

    def repair(cloud, patterns=(), **overrides):
        ws = open_ws(cloud.sim, **overrides)
        plan, _ = plan_for(ws, Choice(), patterns)
        with Journal.open(str(tmp_path / "journal.sqlite")) as journal:
            run = journal.start_run(plan, "digest", "tester")
            for _ in Rollout(ws, journal, run).apply():
                pass
            return journal.items(run.run_id)

    return repair


@pytest.fixture
def kept(tmp_path):
    """Give a function that reads the runs of the journal, each with its items."""

    def read():
        with Journal.open(str(tmp_path / "journal.sqlite")) as journal:
            return {run.run_id: journal.items(run.run_id) for run in journal.runs()}

    return read
