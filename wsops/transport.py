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
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpcore
import httpx

from wsops.endpoints import is_loopback
from wsops.errors import SettingsError
from wsops.settings import Settings

FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
"""The exceptions of httpcore, all of them."""

_ALWAYS = {
    "User-Agent": "wsops",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
_IDLE = 5.0  # seconds after which an idle connection is not used again


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


class Body(httpx.SyncByteStream):
    """The body of an answer as it comes from httpcore."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _named_by_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()


class Line:
    """One connection to the base of a URL, opened when it is needed and again when it was closed.

    It follows no redirect, keeps no cookie and reads no environment.
    """

    def __init__(self, base: str, pool: httpcore.ConnectionPool, timeout: dict[str, Any]) -> None:
        self._base = httpcore.URL(base)
        self._host = httpx.URL(base).netloc.decode()
        self._pool = pool
        self._extensions = {"timeout": timeout}

    def send(
        self, method: str, target: str, headers: dict[str, str], content: bytes
    ) -> httpx.Response:
        """Send a request with these headers and with those that all have; give the bare answer.

        Raises what httpx raises; reading the answer does so as well.
        """
        base = self._base
        sent = {"Host": self._host} | _ALWAYS | headers
        if content:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=base.scheme, host=base.host, port=base.port, target=target),
            headers=[*sent.items()],
            content=content or None,
            extensions=self._extensions,
        )
        with _named_by_httpx():
            response = self._pool.handle_request(request)
        return httpx.Response(response.status, headers=response.headers, stream=Body(response))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class Network:
    """The connections to the service and to IAM: one per concurrent call, one shared TLS context.

    httpcore, the engine of httpx, scans all connections of a pool for each request, so that one
    pool with many connections slows quadratically; a stack of pools with one connection each does
    not. httpx itself offers no way to give its engine a backend, and without one there is no
    deadline on a whole call.
    """

    def __init__(self, settings: Settings) -> None:
        self.deadline = Deadline()
        self._context = tls_context(settings)
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[Line]] = defaultdict(list)
        self._closed = False
        pace = settings.pace
        self._timeout = httpx.Timeout(pace.call_deadline, connect=pace.connect_timeout).as_dict()
        # At DEBUG httpcore logs headers as they are, X-Subject-Token among them.
        logging.getLogger("httpcore").setLevel(logging.INFO)

    @contextmanager
    def fresh(self, base: str) -> Iterator[Line]:
        """Lend a new line.

        An idle connection may have been closed by the other side, and a request lost in it looks
        like one whose answer was lost: not to be had where that matters.
        """
        with closing(self._open(base)) as line:
            yield line

    @contextmanager
    def line(self, base: str) -> Iterator[Line]:
        """Lend a line to the base of a URL."""
        with self._lock:
            idle = self._idle[base]
            line = idle.pop() if idle else self._open(base)
        try:
            yield line
        except BaseException:
            # httpcore keeps a tunnel whose handshake failed: two of them fill the pool for ever.
            line.close()
            raise
        with self._lock:
            if self._closed:
                line.close()
            else:
                self._idle[base].append(line)

    def close(self) -> None:
        """Close the connections: at once where nobody uses them, else when they come back."""
        with self._lock:
            self._closed = True
            for line in chain.from_iterable(self._idle.values()):
                line.close()
            self._idle.clear()

    def _open(self, base: str) -> Line:
        proxy = proxy_for(base)
        way = httpx.Proxy(proxy) if proxy else None
        pool = httpcore.ConnectionPool(
            self._context,
            httpcore.Proxy(str(way.url), way.raw_auth, ssl_context=self._context) if way else None,
            max_connections=2,
            keepalive_expiry=_IDLE,
            network_backend=DeadlineBackend(self.deadline),
        )
        return Line(base, pool, self._timeout)


@contextmanager
def _named_by_httpx() -> Iterator[None]:
    """Raise what httpx would raise: its exceptions have the names of its engine's."""
    try:
        yield
    except FAILURES as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Make the context that verifies certificates, always; a CA bundle may be added.

    Where no certificate will come, from a service on loopback, it trusts nobody: to read whom the
    system trusts takes longer than a request.

    Raises:
        SettingsError: the CA bundle cannot be read.
    """
    endpoints = (settings.endpoint, settings.iam_endpoint)
    if not settings.ca_bundle and not any(url.startswith("https") for url in endpoints):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bundle = ca_bundle(settings)
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
