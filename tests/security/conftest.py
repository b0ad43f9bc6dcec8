"""Attackers' tools: a thief's host, bad certificates, a proxy, and the commands to try them on."""

import base64
import json
import logging
import signal
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus

import pytest
import trustme
from click.testing import CliRunner

from wsops import pace, redact
from wsops.cli import main

HOST = "workspace.test-region-1.myhuaweicloud.com"
POLLING = {
    "first": 0.02,
    "longest": 0.05,
    "verify_every": 0.02,
    "verify_within": 3,
    "reconcile_every": 0.02,
    "reconcile_within": 0.1,
    "settle_seconds": 0,
    "settle_reads": 1,
    "not_found_seconds": 0.2,
    "stall_after": 2,
}
PACE = {"reads_per_second": 100_000, "write_every": 0, "throttled_wait": 0, "call_deadline": 10}


@pytest.fixture(autouse=True)
def quiet_process(monkeypatch):
    """Put back what a command changes in its process; no secret is known from before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(pace, "full_jitter", lambda *_, **__: 0.0)
    monkeypatch.setattr(redact, "_forms", ())
    yield
    signal.signal(signal.SIGTERM, before)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("wsops").setLevel(logging.NOTSET)


@pytest.fixture
def at(monkeypatch):
    """Give a function that makes an endpoint the place where the commands work."""

    def go(endpoint, **values):
        iam = values.pop("iam_endpoint", endpoint)
        usual = {
            "WSOPS_ENDPOINT": endpoint,
            "WSOPS_IAM_ENDPOINT": iam,
            "WSOPS_PROJECT_ID": values.pop("project_id", "0123456789abcdef0123456789abcdef"),
            "WSOPS_REGION": "sim-region-1",
            "WSOPS_POLLING": json.dumps(POLLING),
            "WSOPS_PACE": json.dumps(PACE),
        }
        for key, value in (usual | values).items():
            monkeypatch.setenv(key, value)

    return go


@pytest.fixture
def place(sim, at):
    """Give the usual simulation, with the commands working there by its token."""
    at(sim.endpoint, project_id=sim.project_id, WSOPS_TOKEN=sim.token)
    return sim


@pytest.fixture
def wsops():
    """Give a function that runs a command in this process: exit code, stdout, stderr."""

    def run(*arguments, code=None):
        done = CliRunner().invoke(main, [str(one) for one in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        if code is not None:
            assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def applied(wsops, tmp_path):
    """Give a function that plans a repair and applies it, whatever comes of it."""

    def go(*patterns):
        path = tmp_path / "plan.json"
        done = [wsops("plan", "repair", *patterns, "-o", path)]
        if path.exists():
            digest = json.loads(path.read_text())["digest"]
            done.append(wsops("apply", path, "--yes", "--digest", digest))
        return done

    return go


@pytest.fixture(scope="session")
def forms():
    """Give the function that lists the forms in which a secret travels."""

    def of(secret):
        plain = secret.encode()
        encoded = {base64.b64encode(plain), base64.urlsafe_b64encode(plain)}
        texts = {quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        return {plain} | encoded | {e.rstrip(b"=") for e in encoded} | {t.encode() for t in texts}

    return of


class Listener(socketserver.ThreadingTCPServer):
    """A host on loopback that keeps every byte it is sent."""

    allow_reuse_address = True
    daemon_threads = True
    context = None
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def __init__(self):
        self.received = b""
        self.connections = 0
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """A client that leaves is what is expected here."""


class _Taking(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.connections += 1
        stream = self.request
        stream.settimeout(5)
        if self.server.context is not None:
            stream = self.server.context.wrap_socket(stream, server_side=True)
        with stream:
            while b"\r\n\r\n" not in self.server.received:
                piece = stream.recv(65536)
                if not piece:
                    return
                self.server.received += piece
            stream.sendall(self.server.answer)


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def thief():
    """Give a host that nobody should talk to."""
    with serving(Listener()) as server:
        yield server


@pytest.fixture
def tls():
    """Give a function that serves one answer behind a certificate, and keeps what it reads."""
    opened = []

    def serve(certificate, answer=Listener.answer):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server = Listener()
        server.context, server.answer = context, answer
        manager = serving(server)
        manager.__enter__()
        opened.append(manager)
        return server

    yield serve
    for manager in opened:
        manager.__exit__(None, None, None)


@pytest.fixture(scope="session")
def authority():
    """Give a certificate authority."""
    return trustme.CA()


@pytest.fixture
def trusted(authority, tmp_path):
    """Give the CA bundle that trusts the authority."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    return bundle


@pytest.fixture(scope="session")
def certificates(authority):
    """Give certificates by what is wrong with them."""
    now = datetime.now(UTC).replace(tzinfo=None)
    day = timedelta(days=1)
    return {
        "good": authority.issue_cert("127.0.0.1", HOST),
        "another host": authority.issue_cert("workspace.example", "10.0.0.1"),
        "another authority": trustme.CA().issue_cert("127.0.0.1"),
        "expired": authority.issue_cert("127.0.0.1", not_before=now - 9 * day, not_after=now - day),
        "not yet valid": authority.issue_cert(
            "127.0.0.1", not_before=now + day, not_after=now + 9 * day
        ),
        "name only": authority.issue_cert("localhost"),
    }


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that tunnels every CONNECT to one port, and keeps what it was told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port):
        self.target = port
        self.told = b""
        super().__init__(("127.0.0.1", 0), _Tunnelling)

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """A client that leaves is what is expected here."""


class _Tunnelling(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(5)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65536)
            if not piece:
                return
            head += piece
        self.server.told += head
        if not head.startswith(b"CONNECT ") or not self.server.target:
            self.request.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as there:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
            back.start()
            _pump(self.request, there)
            back.join(5)


def _pump(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def proxy():
    """Give a function that starts a proxy to a port (0: it refuses)."""
    opened = []

    def start(port):
        manager = serving(Proxy(port))
        server = manager.__enter__()
        opened.append(manager)
        return server

    yield start
    for manager in opened:
        manager.__exit__(None, None, None)
