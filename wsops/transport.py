"""One connection a thread, with a deadline on the whole call.

httpx bounds each read and each write, so an answer that drips a byte a second passes for ever.
`DeadlineStream` shrinks every timeout to what is left of the call (name look-up excepted).
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpcore
import httpx

from wsops.endpoints import is_loopback
from wsops.errors import SettingsError
from wsops.settings import Settings

_READING = {
    "User-Agent": "wsops",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
_SENDING = {**_READING, "Content-Type": "application/json"}


class Deadline(threading.local):
    """The instant at which this thread's present call must be over (monotonic seconds)."""

    at: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound all network work of this thread inside the block."""
        before, self.at = self.at, time.monotonic() + seconds
        try:
            yield
        finally:
            self.at = before

    def cut(self, timeout: float | None, late: type[Exception]) -> float | None:
        """Shrink a timeout to what is left; raise `late` when nothing is."""
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            msg = "the call took longer than its deadline"
            raise late(msg)
        return left if timeout is None else min(timeout, left)


class DeadlineStream(httpcore.NetworkStream):
    """A network stream whose reads and writes end at the deadline of the call."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within what is left of the call."""
        return self._stream.read(max_bytes, self._deadline.cut(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within what is left of the call."""
        self._stream.write(buffer, self._deadline.cut(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands within what is left of the call."""
        timeout = self._deadline.cut(timeout, httpcore.ConnectTimeout)
        inner = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401
        """Pass on what the stream knows of itself."""
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens TCP connections whose streams know the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within what is left of the call."""
        timeout = self._deadline.cut(timeout, httpcore.ConnectTimeout)
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return DeadlineStream(stream, self._deadline)


class Network:
    """The connections to the service and to IAM: one per concurrent call, one shared TLS context.

    httpcore scans all connections of a pool for each request, so that one transport with many
    connections slows quadratically; a stack of transports with one connection each does not. A
    transport is what a client of httpx sends by: alone it follows no redirect, keeps no cookie and
    reads no environment.
    """

    def __init__(self, settings: Settings) -> None:
        self.deadline = Deadline()
        self._context = tls_context(settings)
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[httpx.HTTPTransport]] = defaultdict(list)
        pace = settings.pace
        self._timeout = httpx.Timeout(pace.call_deadline, connect=pace.connect_timeout).as_dict()
        # At DEBUG httpcore logs headers as they are, X-Subject-Token among them.
        logging.getLogger("httpcore").setLevel(logging.INFO)

    @contextmanager
    def fresh(self, base: str) -> Iterator[httpx.BaseTransport]:
        """Lend a transport with a new connection.

        An idle connection may have been closed by the other side, and a request lost in it looks
        like one whose answer was lost: not to be had where that matters.
        """
        with self._open(base) as transport:
            yield transport

    @contextmanager
    def transport(self, base: str) -> Iterator[httpx.BaseTransport]:
        """Lend a transport to the base of a URL."""
        with self._lock:
            idle = self._idle[base]
            transport = idle.pop() if idle else self._open(base)
        try:
            yield transport
        except BaseException:
            # httpcore keeps a tunnel whose handshake failed: two of them fill the pool for ever.
            transport.close()
            raise
        with self._lock:
            self._idle[base].append(transport)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            for transport in chain.from_iterable(self._idle.values()):
                transport.close()
            self._idle.clear()

    def request(
        self, method: str, url: str, content: bytes, headers: dict[str, str]
    ) -> httpx.Request:
        """Make a request with the timeouts, and the headers besides, that all of them have."""
        return httpx.Request(
            method,
            url,
            headers=(_SENDING if content else _READING) | headers,
            content=content or None,
            extensions={"timeout": self._timeout},
        )

    def _open(self, base: str) -> httpx.HTTPTransport:
        transport = httpx.HTTPTransport(
            verify=self._context,
            trust_env=False,
            proxy=proxy_for(base),
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=2),
        )
        # The one private name of httpx that we touch: it offers no way to give httpcore a
        # network backend, and without one there is no deadline on a whole call.
        transport._pool._network_backend = DeadlineBackend(self.deadline)  # noqa: SLF001
        return transport


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Make the context that verifies certificates, always; a CA bundle may be added.

    Where no certificate will come, from a service on loopback, it trusts nobody: to read whom the
    system trusts takes longer than a request.

    Raises:
        SettingsError: the CA bundle cannot be read.
    """
    bundle = ca_bundle(settings)
    plain = not any(url.startswith("https") for url in (settings.endpoint, settings.iam_endpoint))
    if plain and not bundle:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        msg = f"CA bundle {bundle} cannot be used: {error}"
        raise SettingsError(msg) from None


def ca_bundle(settings: Settings) -> str | None:
    """Give the CA bundle in force: the setting, else SSL_CERT_FILE, else the system's own."""
    given = str(settings.ca_bundle) if settings.ca_bundle else os.environ.get("SSL_CERT_FILE")
    return given or None


def proxy_for(endpoint: str) -> str | None:
    """Give the proxy that HTTPS_PROXY and NO_PROXY ask for; loopback is never proxied.

    Raises:
        SettingsError: the variable does not hold the URL of a proxy.
    """
    if is_loopback(httpx.URL(endpoint).host):
        return None
    proxy = getproxies_environment().get("https")
    if not proxy or proxy_bypass_environment(httpx.URL(endpoint).host):
        return None
    try:
        url = httpx.URL(proxy)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        msg = "HTTPS_PROXY does not hold the URL of a proxy, such as http://proxy.example:3128"
        raise SettingsError(msg)
    return proxy
