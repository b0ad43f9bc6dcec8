"""A simulation for tests and demos: a cloud served by a background thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from wsops.simulator.access import Identity
from wsops.simulator.cloud import Cloud
from wsops.simulator.ledger import Ledger
from wsops.simulator.options import Options
from wsops.simulator.server import Server, connection, listen, make_server


class Simulation:
    """A cloud served on loopback for as long as the `with` block lasts."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Build the cloud; nothing is served yet."""
        self._clock = clock
        self._port = port
        self.options = options or Options()
        self.cloud = Cloud(self.options, clock=clock)
        self.token = self.cloud.access.issue()[0]
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start serving; returns once requests are answered."""
        sock = listen(self._port)
        self._port = sock.getsockname()[1]
        ready = threading.Event()
        self._server = make_server(lambda: self.cloud, ready.set)
        self._thread = threading.Thread(
            target=self._server.run, args=([sock],), daemon=True, name="wsops-simulator"
        )
        self._thread.start()
        if not ready.wait(10):
            msg = "The simulator did not start within 10 s."
            raise RuntimeError(msg)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving and close every connection."""
        if self._server and self._thread:
            self._server.stop()
            self._thread.join(10)

    def reset(self, options: Options | None = None) -> Cloud:
        """Put a new cloud behind the same address and the same credentials, and return it."""
        self.options = options or self.options
        identity: Identity = self.cloud.identity
        self.cloud = Cloud(self.options, clock=self._clock, identity=identity)
        self.cloud.access.adopt(self.token)
        return self.cloud

    @property
    def connection(self) -> dict[str, str]:
        """Return what a client needs to know, secrets included."""
        return connection(self.cloud, self._port, self.token)

    @property
    def endpoint(self) -> str:
        """Return the origin of the Workspace service."""
        return self.connection["endpoint"]

    @property
    def iam_endpoint(self) -> str:
        """Return the origin of the identity service."""
        return self.connection["iam_endpoint"]

    @property
    def project_id(self) -> str:
        """Return the identifier of the one project."""
        return self.cloud.project_id

    @property
    def identity(self) -> Identity:
        """Return the account with its secrets."""
        return self.cloud.identity

    @property
    def user(self) -> str:
        """Return the account's name at IAM."""
        return self.identity.user

    @property
    def password(self) -> str:
        """Return the account's password."""
        return self.identity.password

    @property
    def domain(self) -> str:
        """Return the name of the account's domain."""
        return self.identity.domain

    @property
    def ak(self) -> str:
        """Return the access key."""
        return self.identity.ak

    @property
    def sk(self) -> str:
        """Return the secret key."""
        return self.identity.sk

    @property
    def ledger(self) -> Ledger:
        """Return every request received since the cloud was made."""
        return self.cloud.ledger
