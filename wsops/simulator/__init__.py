"""A Workspace and an IAM service on loopback, for demos, rehearsals and tests."""

from wsops.simulator.cloud import Cloud
from wsops.simulator.faults import FaultError
from wsops.simulator.fleet import FleetError
from wsops.simulator.options import Options, OptionsError
from wsops.simulator.server import serve
from wsops.simulator.simulation import Simulation

__all__ = ["Cloud", "FaultError", "FleetError", "Options", "OptionsError", "Simulation", "serve"]
