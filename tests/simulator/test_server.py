from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from wsops.simulator import Cloud, FleetError, Options, Simulation, serve

KEYS = {
    "endpoint",
    "iam_endpoint",
    "project_id",
    "token",
    "user",
    "password",
    "domain",
    "ak",
    "sk",
    "region",
}
PROGRAM = """
import json
from wsops.simulator import Options, serve
serve(Options(pools=2, desktops=3), 0, lambda ready: print(json.dumps(ready), flush=True))
"""


def test_a_simulation_starts_and_stops_at_once() -> None:
    """Well under a second for both, and nothing listens afterwards."""
    began = time.monotonic()
    with Simulation(Options(pools=1, desktops=1)) as simulation:
        host, port = simulation.endpoint.removeprefix("http://").split(":")
        socket.create_connection((host, int(port))).close()

    assert time.monotonic() - began < 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_a_simulation_stops_while_a_request_hangs() -> None:
    """Nobody waits for an answer that will not come."""
    with Simulation(Options(pools=1, desktops=1)) as simulation:
        simulation.cloud.faults.add("latency", args={"seconds": 60})
        url, headers = f"{simulation.endpoint}/v3/projects", {"X-Auth-Token": simulation.token}
        seen = []

        def ask() -> None:
            try:
                httpx.get(url, headers=headers, trust_env=False)
            except httpx.TransportError as error:
                seen.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not len(simulation.ledger):
            time.sleep(0.01)
        began = time.monotonic()
    thread.join(5)

    assert len(seen) == 1
    assert time.monotonic() - began < 2


def test_the_connection_says_all_that_a_client_needs(simulation) -> None:
    """The keys are those of the command line's JSON line, and the region's name."""
    shown = simulation.connection

    assert shown.keys() == KEYS
    assert all(getattr(simulation, key) == shown[key] for key in KEYS - {"region"})


def test_reset_keeps_address_and_credentials(simulation, web) -> None:
    """A new cloud stands behind the same door; its ledger is empty."""
    web("GET", "/images")
    before = simulation.connection
    simulation.reset(Options(pools=1, desktops=1, seed=simulation.options.seed))

    assert simulation.connection == before
    assert len(simulation.ledger) == 0
    assert web("GET", "/desktop-pools").json()["total_count"] == 1


def test_a_taken_port_is_an_error(simulation) -> None:
    """The second simulation on a port does not start."""
    port = int(simulation.endpoint.rpartition(":")[2])
    with (
        pytest.raises(OSError, match="in use"),
        Simulation(Options(pools=1, desktops=1), port=port),
    ):
        pass
    with pytest.raises(OSError, match="in use"):
        serve(Options(pools=1, desktops=1), port, print)


def test_a_bad_fleet_file_stops_it_before_it_serves(tmp_path) -> None:
    """FleetError comes before any socket is opened."""
    with pytest.raises(FleetError):
        serve(Options(fleet=tmp_path / "none.json"), 0, print)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_cleanly_with_a_signal(number) -> None:
    """One line when ready, answers until the signal, then exit code 0 and nothing on stderr."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        ready = json.loads(process.stdout.readline())
        pools = httpx.get(
            f"{ready['endpoint']}/v2/{ready['project_id']}/desktop-pools",
            trust_env=False,
            headers={"X-Auth-Token": ready["token"]},
        ).json()
        process.send_signal(number)
        out, errors = process.communicate(timeout=10)

    assert (pools["total_count"], process.returncode, out, errors) == (2, 0, "", "")


def test_a_warm_fleet_is_rendered_before_it_is_served() -> None:
    """With `warm` the first page costs no more than the second."""
    cloud = Cloud(Options(pools=1, desktops=3, warm=True))

    assert all(one.core for one in cloud.desktops.values())


def test_a_page_is_rendered_once(simulation, web, bad_pool) -> None:
    """A desktop's row is kept until the desktop changes."""
    pool = bad_pool(simulation.cloud)
    path = f"/desktop-pools/{pool.id}/desktops"
    first = web("GET", path).content
    kept = [one.core for one in pool.desktops[:10]]

    assert web("GET", path).content == first
    assert all(one.core is before for one, before in zip(pool.desktops, kept, strict=False))
    simulation.cloud.set_login(pool.desktops[0].id, "DISCONNECTED")
    assert web("GET", path).json()["pool_desktops"][0]["login_status"] == "DISCONNECTED"
