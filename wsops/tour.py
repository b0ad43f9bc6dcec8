"""A fleet of one's own to try everything on: a simulator inside the notebook's kernel."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

from wsops.client import connect
from wsops.plan import Plan
from wsops.simulator import Options, Simulation
from wsops.workbench import Workbench

SPEED = 60.0
"""A minute of the service takes a second."""

POLLING = {
    "first": 0.5,
    "longest": 1.5,
    "verify_every": 0.3,
    "verify_within": 20,
    "reconcile_every": 0.5,
    "reconcile_within": 3,
}
"""How often to look at a service that runs that fast, in seconds."""

PACE = {"write_every": 0.5}


class Tour:
    """A simulated fleet with a workbench on it; both end with the process."""

    def __init__(self, *, pools: int = 12, desktops: int = 20, seed: int = 7) -> None:
        options = Options(pools=pools, desktops=desktops, seed=seed, speed=SPEED)
        self._simulation = Simulation(options).__enter__()
        atexit.register(self._simulation.__exit__, None, None, None)
        self._folder = tempfile.TemporaryDirectory(prefix="wsops-tour-")
        service = self._simulation
        ws = connect(
            endpoint=service.endpoint,
            iam_endpoint=service.iam_endpoint,
            project_id=service.project_id,
            region=service.cloud.region_name,
            token=service.token,
            journal=str(Path(self._folder.name) / "journal.sqlite"),
            polling=POLLING,
            pace=PACE,
        )
        self.bench = Workbench(ws, change="TOUR-1")

    def let_one_fail(self, plan: Plan | None) -> str:
        """Script the simulator so that a desktop of the plan's last pool fails; says which."""
        if plan is None:
            return "there is no plan, so nothing can fail"
        target = next(t for t in plan.items[-1].targets if not t.in_use)
        self._simulation.cloud.faults.add(
            "desktop_fails",
            args={
                "desktop_ids": [target.desktop_id],
                "code": "WKS.00010034",
                "reason": "no capacity in the zone",
            },
        )
        return f"{target.desktop_name} of {plan.items[-1].pool_name} will fail"
