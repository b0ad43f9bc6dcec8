"""The official SDK, pointed at simulations of both generations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkworkspace.v2 import WorkspaceClient

from wsops.simulator import Options, Simulation
from wsops.simulator.records import Pool

REGIONS = ("old", "new")


@pytest.fixture(scope="session")
def _peers() -> Iterator[dict[str, Simulation]]:
    with Simulation(Options(pools=1)) as old, Simulation(Options(pools=1)) as new:
        yield {"old": old, "new": new}


@pytest.fixture
def served(_peers: dict[str, Simulation]) -> Callable[..., Simulation]:
    """Return a function that gives a fresh simulation of a generation."""

    def fresh(region: str = "new", **changes: object) -> Simulation:
        simulation = _peers[region]
        words = {"pools": 3, "desktops": 24, "mismatch": 0.3, "list_delay": 0.0, **changes}
        simulation.reset(Options(region=region, **words))
        return simulation

    return fresh


@pytest.fixture
def sdk() -> Callable[..., WorkspaceClient]:
    """Return a function that makes an SDK client with AK and SK."""

    def client(simulation: Simulation, sk: str | None = None) -> WorkspaceClient:
        config = HttpConfig.get_default_config()
        config.retry_times = 0
        config.timeout = (2, 2)
        credentials = BasicCredentials(simulation.ak, sk or simulation.sk, simulation.project_id)
        return (
            WorkspaceClient.new_builder()
            .with_http_config(config)
            .with_credentials(credentials)
            .with_endpoints([simulation.endpoint])
            .build()
        )

    return client


@pytest.fixture
def bad_pool() -> Callable[[Simulation], Pool]:
    """Return a function that finds the pool with the most desktops to repair."""
    return lambda simulation: max(
        simulation.cloud.pools.values(),
        key=lambda pool: sum(one.image_id != pool.image_id for one in pool.desktops),
    )
