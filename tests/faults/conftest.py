"""What the tests of lost answers share: a rollout driven by the simulator's own clock."""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from wsops.choice import Choice
from wsops.jobs import Timing
from wsops.journal import Journal
from wsops.planning import plan_for
from wsops.rollout import Rollout

REBUILD = "RebuildDesktopPool"


@dataclass
class Driver:
    """One operator with a journal; its sleeps move the simulator's clock and are kept."""

    sim: object
    ws: object
    journal: Journal
    slept: list = field(default_factory=list)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.sim.cloud.advance(seconds)

    @property
    def timing(self):
        cloud = self.sim.cloud
        return Timing(cloud.now, self.sleep, lambda: datetime.fromtimestamp(cloud.now(), UTC))

    def plan(self, pools=1, kind="repair"):
        """Plan the first pools that have something to repair, or rebuild them."""
        patterns = list(self.sim.cloud.pools)
        plan, _ = plan_for(self.ws, Choice(kind=kind), patterns)
        if len(plan.items) > pools:
            patterns = [item.pool_id for item in plan.items[:pools]]
            plan, _ = plan_for(self.ws, Choice(kind=kind), patterns)
        return plan

    def start(self, plan=None):
        run = self.journal.start_run(plan or self.plan(), "a test", "tester")
        return Rollout(self.ws, self.journal, run, timing=self.timing)

    def apply(self, plan=None):
        """Apply a plan to its end; gives the items as the journal has them then."""
        rollout = self.start(plan)
        self.events = list(rollout.apply())
        return self.journal.items(rollout.run.run_id)

    def again(self, run_id):
        """Take a run up again, as a new process does."""
        return Rollout(self.ws, self.journal, self.journal.run(run_id), timing=self.timing)

    def resume(self, run_id, *, go_on=False):
        list(self.again(run_id).resume(go_on=go_on))
        return self.journal.items(run_id)

    @property
    def posts(self):
        """The rebuilds that arrived at the service."""
        return self.sim.ledger.entries(REBUILD)

    @property
    def executed(self):
        """The rebuilds that the service carried out."""
        return [entry for entry in self.posts if entry.executed]


@pytest.fixture
def driver(fleet, open_ws, journal):
    """Give an operator before two small pools that both need a repair."""
    sim = fleet(pools=2, desktops=3, mismatch=0.9)
    return Driver(sim, open_ws(sim), journal)


@pytest.fixture
def driver_of(fleet, open_ws, journal):
    """Give a function that makes an operator with settings of his own."""

    def make(*, options=None, book=None, **overrides):
        sim = fleet(**({"pools": 2, "desktops": 3, "mismatch": 0.9} | (options or {})))
        return Driver(sim, open_ws(sim, **overrides), book or journal)

    return make


class Wire:
    """A bare TCP server that says the same bytes to everybody, then closes."""

    def __init__(self, say, *, listen_first=True, stay=0.0):
        self.say, self.listen_first, self.stay = say, listen_first, stay
        self.heard = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._over.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(2)
                self.heard.append(_request(client) if self.listen_first else b"")
                client.sendall(self.say)
                self._over.wait(self.stay)

    def close(self):
        self._over.set()
        self._socket.close()
        # Closing does not wake a thread that waits in accept.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            pass
        self._thread.join(3)


def _request(client):
    heard = b""
    while b"\r\n\r\n" not in heard:
        part = client.recv(65536)
        if not part:
            return heard
        heard += part
    head, _, body = heard.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += client.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def wire():
    """Give a function that opens a server which says these bytes to everybody."""
    servers = []

    def open_server(say=b"", **how):
        servers.append(Wire(say, **how))
        return servers[-1]

    yield open_server
    for server in servers:
        server.close()


@pytest.fixture
def plan_file(tmp_path):
    """Give a function that writes a plan as a file."""

    def write(plan, name="plan.json"):
        path = tmp_path / name
        path.write_text(json.dumps(plan.as_json()), encoding="utf-8")
        return path

    return write
