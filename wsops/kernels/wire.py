"""What a coordinator and its zygote say to each other: JSON, each message behind its length."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("!I")
_CHUNK = 65536


def said(message: dict[str, Any]) -> bytes:
    """Give a message as it goes over the wire."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


class Ear:
    """Puts the messages of one end of a socket together again, whatever pieces they come in."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pending = bytearray()

    def listen(self) -> Iterator[dict[str, Any]]:
        """Wait for the next piece, and give the messages that are whole by then.

        Raises:
            EOFError: the other end is gone.
        """
        try:
            piece = self._channel.recv(_CHUNK)
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError
        self._pending += piece
        while (end := self._end()) <= len(self._pending):
            body = bytes(self._pending[_LENGTH.size : end])
            del self._pending[:end]
            yield json.loads(body)

    def _end(self) -> int:
        """Give where the first message ends; past all that is there where that is not known."""
        if len(self._pending) < _LENGTH.size:
            return len(self._pending) + 1
        (length,) = _LENGTH.unpack_from(self._pending)
        return _LENGTH.size + int(length)
