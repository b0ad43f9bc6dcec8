"""A cloud with a clock of its own, and one served simulation that each test finds fresh."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from wsops.simulator import Cloud, Options, Simulation
from wsops.simulator.answers import Answer
from wsops.simulator.call import Call
from wsops.simulator.operations import perform
from wsops.simulator.records import Pool

SMALL = Options(pools=3, desktops=12)


class FakeClock:
    """A clock that stands still until it is told to go."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at

    def skip(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(clock: FakeClock) -> Callable[..., Cloud]:
    """Return a function that makes a small cloud with other options."""
    return lambda **changes: Cloud(Options(**{"pools": 3, "desktops": 12, **changes}), clock=clock)


@pytest.fixture
def cloud(make: Callable[..., Cloud]) -> Cloud:
    return make()


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Return a function that performs one operation without HTTP."""

    def asked(cloud: Cloud, operation: str, body: object = None, **words: object) -> Answer:
        in_path = (
            () if operation in ("ListDesktopsDetail", "ListItaSubJobs") else ("pool_id", "job_id")
        )
        place = {key: str(words.pop(key)) for key in in_path if key in words}
        query = tuple(
            (key, str(item))
            for key, value in words.items()
            for item in (value if isinstance(value, list) else [value])
        )
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        return perform(cloud, Call(operation, "POST", query=query, body=raw, **place))

    return asked


@pytest.fixture
def told(ask: Callable[..., Answer]) -> Callable[..., dict]:
    """Return a function that performs one operation and reads the JSON of its answer."""
    return lambda *args, **words: json.loads(ask(*args, **words).body)


@pytest.fixture
def bad_pool() -> Callable[[Cloud], Pool]:
    """Return a function that finds the pool with the most desktops to repair."""
    return lambda cloud: max(
        cloud.pools.values(),
        key=lambda pool: sum(one.image_id != pool.image_id for one in pool.desktops),
    )


@pytest.fixture(scope="module")  # threads that are older than a test without coverage lose it
def _served() -> Iterator[Simulation]:
    with Simulation(SMALL) as simulation:
        yield simulation


@pytest.fixture
def simulation(_served: Simulation) -> Simulation:
    _served.reset(SMALL)
    return _served


@pytest.fixture(scope="session")
def _web() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield client


@pytest.fixture
def web(simulation: Simulation, _web: httpx.Client) -> Callable[..., httpx.Response]:
    """Return a function that sends a request with the token to the served simulation."""

    def send(method: str, path: str, **words: object) -> httpx.Response:
        headers = {"X-Auth-Token": simulation.token, **words.pop("headers", {})}
        full = (
            path
            if path.startswith(("/v3", "/_sim", "/nowhere"))
            else (f"/v2/{simulation.project_id}{path}")
        )
        return _web.request(method, simulation.endpoint + full, headers=headers, **words)

    return send
