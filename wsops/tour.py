"""A fleet of one's own to try everything on: a simulator inside the notebook's kernel."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from wsops.client import connect
from wsops.plan import Plan
from wsops.simulated import NO_CAPACITY, PACE, POLLING
from wsops.simulator import Options, Simulation
from wsops.workbench import Workbench

SPEED = 60.0
"""A minute of the service takes a second."""


class Tour:
    """A simulated fleet with a workbench on it; both end with the process, or by `close`."""

    def __init__(self, *, pools: int = 12, desktops: int = 20, seed: int = 7) -> None:
        self._open = ExitStack()
        atexit.register(self.close)
        options = Options(pools=pools, desktops=desktops, seed=seed, speed=SPEED)
        self._simulation = service = self._open.enter_context(Simulation(options))
        folder = self._open.enter_context(TemporaryDirectory(prefix="wsops-tour-"))
        ws = connect(
            endpoint=service.endpoint,
            iam_endpoint=service.iam_endpoint,
            project_id=service.project_id,
            region=service.cloud.region_name,
            token=service.token,
            journal=str(Path(folder) / "journal.sqlite"),
            polling=POLLING,
            pace=PACE,
        )
        self.bench = Workbench(self._open.enter_context(ws), change="TOUR-1")

    def close(self) -> None:
        """Stop the simulator and forget its journal."""
        self._open.close()

    def let_one_fail(self, plan: Plan | None) -> str:
        """Script the simulator so that a desktop of the plan's last pool fails; says which."""
        if plan is None:
            return "there is no plan, so nothing can fail"
        targets = plan.items[-1].targets
        target = next((one for one in targets if not one.in_use), targets[0])
        let_fail(self._simulation, target.desktop_id)
        return f"{target.desktop_name} of {plan.items[-1].pool_name} will fail"


def let_fail(simulation: Simulation, desktop_id: str) -> None:
    """Script a simulator so that the next rebuild of a desktop fails, for want of capacity."""
    args = {"desktop_ids": [desktop_id], **NO_CAPACITY}
    simulation.cloud.faults.add("desktop_fails", args=args)
