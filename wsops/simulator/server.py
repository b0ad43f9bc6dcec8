"""A cloud behind a real socket on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from wsops.simulator.app import build
from wsops.simulator.cloud import Cloud
from wsops.simulator.exchange import TRANSPORT
from wsops.simulator.options import Options

HOST = "127.0.0.1"


class _Protocol(H11Protocol):
    """The HTTP protocol of uvicorn, which also shows the application its connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's arguments
        super().__init__(*args, **kwargs)
        app = self.app

        async def shown(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = self.transport
            await app(scope, receive, send)

        self.app = shown


class Server(uvicorn.Server):
    """A uvicorn server that starts and stops without waiting for anybody."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """Tell that requests are answered, then wait for the word to stop."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._on_start()
        while not self.should_exit:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=0.5)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every connection at once."""
        for server in self.servers:
            server.close()
        # Nobody waits for a simulation's answers; hanging requests end with their connections.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if tasks := set(self.server_state.tasks):
            _, left = await asyncio.wait(tasks, timeout=0.5)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        for one in sockets or []:
            one.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Stop on SIGINT and SIGTERM, without raising them again."""
        self.stop()

    def stop(self) -> None:
        """Stop soon; may be called from any thread and from a signal handler."""
        self.should_exit = True
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._stopping.set)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; raises OSError when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    return sock


def make_server(look: Callable[[], Cloud], on_start: Callable[[], None]) -> Server:
    """Return a server for whatever cloud `look` returns; `on_start` is called once it answers."""
    config = uvicorn.Config(
        build(look),
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
    )
    return Server(config, on_start)


def connection(cloud: Cloud, port: int, token: str) -> dict[str, str]:
    """Return what a client needs to know, secrets included."""
    origin, who = f"http://{HOST}:{port}", cloud.identity
    return {
        "endpoint": origin,
        "iam_endpoint": origin,
        "project_id": cloud.project_id,
        "token": token,
        "user": who.user,
        "password": who.password,
        "domain": who.domain,
        "ak": who.ak,
        "sk": who.sk,
        "region": cloud.region_name,
    }


def serve(options: Options, port: int, on_ready: Callable[[dict[str, str]], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` gets the connection once requests are answered.

    Raises OSError when the port is taken, FleetError or FaultError when the options cannot be met.
    """
    cloud = Cloud(options)
    sock = listen(port)
    gc.freeze()  # a large fleet lives as long as the process; looking through it again costs much
    ready = connection(cloud, sock.getsockname()[1], cloud.access.issue()[0])
    make_server(lambda: cloud, lambda: on_ready(ready)).run(sockets=[sock])
