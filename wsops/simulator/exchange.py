"""One HTTP exchange: reading a request, and all the ways in which an answer can go out."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from email.utils import formatdate
from typing import Any

from starlette.types import Receive, Scope, Send

from wsops.simulator.answers import Answer
from wsops.simulator.signature import Received

TRANSPORT = "wsops.transport"  # where the server's protocol puts the connection


class Exchange:
    """A request that has arrived, and its connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the three channels of ASGI and choose a request ID."""
        self.scope = scope
        self._receive = receive
        self._send = send
        self.request_id = uuid.uuid4().hex
        self.body = b""
        self.headers = {name.decode("latin-1"): _text(value) for name, value in scope["headers"]}

    @property
    def query(self) -> str:
        """Return the query as it came."""
        return str(self.scope["query_string"].decode("latin-1"))

    @property
    def received(self) -> Received:
        """Return what a signature covers."""
        return Received(
            self.scope["method"],
            self.scope["raw_path"].decode("latin-1"),
            self.query,
            self.headers,
            self.body,
        )

    async def read(self) -> None:
        """Read the whole body."""
        parts, more = [], True
        while more:
            message = await self._receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self.body = b"".join(parts)

    async def answer(self, answer: Answer, now: float) -> None:
        """Send a whole answer."""
        await self._begin(answer, now)
        await self._send({"type": "http.response.body", "body": answer.body})

    async def answer_half(self, answer: Answer, now: float) -> None:
        """Send the head and half of the body, then close the connection."""
        await self._begin(answer, now)
        half = answer.body[: len(answer.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        self._transport.close()
        await self.wait_until_gone()

    async def answer_slowly(self, answer: Answer, now: float, seconds: float) -> None:
        """Send the body one byte at a time, `seconds` apart, until it is out or the client left."""
        await self._begin(answer, now)
        gone = asyncio.ensure_future(self.wait_until_gone())
        try:
            for place in range(len(answer.body)):
                await asyncio.wait({gone}, timeout=seconds)
                if gone.done():
                    return
                piece = answer.body[place : place + 1]
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def hang(self, seconds: float) -> None:
        """Stay silent for some seconds, or until the client has left."""
        gone = asyncio.ensure_future(self.wait_until_gone())
        await asyncio.wait({gone}, timeout=seconds)
        gone.cancel()

    async def cut(self, *, reset: bool = False) -> None:
        """Close the connection without an answer; with `reset` by RST instead of FIN."""
        if reset:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        await self.wait_until_gone()

    async def wait_until_gone(self) -> None:
        """Return once the connection is no more."""
        while (await self._receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - ASGI has no event
            await asyncio.sleep(0)

    @property
    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self.scope[TRANSPORT]
        return transport

    async def _begin(self, answer: Answer, now: float) -> None:
        fixed = {
            "Date": formatdate(now, usegmt=True),
            "X-Request-Id": self.request_id,
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
        }
        headers: list[tuple[bytes, Any]] = [
            (name.lower().encode(), value.encode())
            for name, value in {**fixed, **answer.headers}.items()
        ]
        await self._send(
            {"type": "http.response.start", "status": answer.status, "headers": headers}
        )


def _text(value: bytes) -> str:
    """Return a header's value; the official signer sends UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
