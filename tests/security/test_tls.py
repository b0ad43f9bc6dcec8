"""Certificates are verified before any byte of a request leaves; a proxy is used and shown."""

import json
import time

import pytest

TOKEN = "a-token-that-must-not-travel-0123456789"
BAD = ["another host", "another authority", "expired", "not yet valid", "name only"]
EMPTY = json.dumps({"desktop_pools": [], "total_count": 0}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(EMPTY), EMPTY)
)


@pytest.mark.parametrize("what", BAD)
def test_a_bad_certificate_gets_no_request(at, tls, certificates, trusted, wsops, what):
    """The handshake fails, the sentence says why, and the server reads no byte."""
    server = tls(certificates[what])
    at(f"https://127.0.0.1:{server.port}", WSOPS_TOKEN=TOKEN, WSOPS_CA_BUNDLE=str(trusted))
    done = wsops("audit", "--json", code=1)
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "CloudUnreachable"
    assert "CERTIFICATE_VERIFY_FAILED" in error["message"]
    assert server.connections >= 1
    assert server.received == b""


@pytest.mark.parametrize("what", BAD)
def test_a_bad_certificate_gets_no_password(at, tls, certificates, trusted, wsops, what):
    """Nor does IAM's password go to a host that cannot prove itself."""
    server = tls(certificates[what])
    words = {"WSOPS_USER": "u", "WSOPS_PASSWORD": TOKEN, "WSOPS_DOMAIN": "d"}
    at(f"https://127.0.0.1:{server.port}", WSOPS_CA_BUNDLE=str(trusted), **words)
    wsops("audit", "--json", code=1)
    assert server.received == b""


def test_an_authority_that_is_not_trusted(at, tls, certificates, wsops):
    """Without the CA bundle the same certificate is self-signed to us, and refused."""
    server = tls(certificates["good"])
    at(f"https://127.0.0.1:{server.port}", WSOPS_TOKEN=TOKEN)
    assert "CERTIFICATE_VERIFY_FAILED" in wsops("audit", code=1).stderr
    assert server.received == b""


@pytest.mark.parametrize("variable", ["WSOPS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_bundle_is_honoured(at, tls, certificates, trusted, wsops, variable):
    """With the bundle the good certificate is good, and the doctor shows which bundle it is."""
    server = tls(certificates["good"], ANSWER)
    at(f"https://127.0.0.1:{server.port}", WSOPS_TOKEN=TOKEN, **{variable: str(trusted)})
    assert json.loads(wsops("audit", "--json", code=0).stdout)["pools"] == 0
    assert f"X-Auth-Token: {TOKEN}".encode().lower() in server.received.lower()
    assert str(trusted) in wsops("doctor", "--json").stdout


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_ca_bundle_that_cannot_be_used(at, wsops, tmp_path, content):
    """A missing or broken bundle is one sentence; nothing is sent without verification."""
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    at("https://127.0.0.1:9", WSOPS_TOKEN=TOKEN, WSOPS_CA_BUNDLE=str(bundle))
    done = wsops("audit", "--json", code=1)
    assert f"CA bundle {bundle} cannot be used" in json.loads(done.stdout)["error"]["message"]


def test_the_proxy_is_used(at, tls, proxy, certificates, trusted, wsops, monkeypatch):
    """HTTPS_PROXY gets CONNECT and its own credentials; the token goes through the tunnel only."""
    server = tls(certificates["good"], ANSWER)
    between = proxy(server.port)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ops:proxy-word@127.0.0.1:{between.port}")
    host = "workspace.test-region-1.myhuaweicloud.com"
    at(f"https://{host}", WSOPS_TOKEN=TOKEN, WSOPS_CA_BUNDLE=str(trusted))
    assert json.loads(wsops("audit", "--json", code=0).stdout)["pools"] == 0
    assert between.told.startswith(f"CONNECT {host}:443 ".encode())
    assert b"Proxy-Authorization: Basic" in between.told
    assert TOKEN.encode() not in between.told
    assert TOKEN.encode() in server.received
    assert b"proxy-authorization" not in server.received.lower()


def test_the_certificate_is_verified_through_the_proxy(
    at, tls, proxy, certificates, trusted, wsops, monkeypatch
):
    """A proxy that leads to another host gets no request through."""
    server = tls(certificates["another host"], ANSWER)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy(server.port).port}")
    host = "https://workspace.test-region-1.myhuaweicloud.com"
    at(host, WSOPS_TOKEN=TOKEN, WSOPS_CA_BUNDLE=str(trusted))
    wsops("audit", code=1)
    assert server.received == b""


def test_a_failed_tunnel_is_left(at, tls, proxy, certificates, trusted, wsops, monkeypatch):
    """Each try gets a tunnel of its own: failed ones neither block the next nor are used again."""
    between = proxy(tls(certificates["another host"], ANSWER).port)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{between.port}")
    host = "https://workspace.test-region-1.myhuaweicloud.com"
    at(host, WSOPS_TOKEN=TOKEN, WSOPS_CA_BUNDLE=str(trusted))
    began = time.monotonic()
    wsops("audit", code=1)
    assert between.told.count(b"CONNECT ") == 3
    assert time.monotonic() - began < 5


def test_a_proxy_that_refuses_is_said_without_its_password(at, proxy, wsops, monkeypatch):
    """407 is one sentence, and the proxy's password is not in it."""
    between = proxy(0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ops:proxy-word@127.0.0.1:{between.port}")
    at("https://workspace.test-region-1.myhuaweicloud.com", WSOPS_TOKEN=TOKEN)
    for command in (("audit",), ("audit", "--json"), ("doctor",), ("doctor", "--json")):
        done = wsops(*command, code=1)
        assert "proxy-word" not in done.stdout + done.stderr
    assert f"127.0.0.1:{between.port}" in done.stdout
    assert "HTTPS_PROXY" in done.stdout


@pytest.mark.parametrize("url", ["nonsense", "socks5://127.0.0.1:1", "http://", "ftp://a:b@c"])
def test_a_proxy_that_is_no_url(at, wsops, monkeypatch, url):
    """A variable that is no proxy's URL is one sentence, without its content."""
    monkeypatch.setenv("HTTPS_PROXY", url)
    at("https://workspace.test-region-1.myhuaweicloud.com", WSOPS_TOKEN=TOKEN)
    assert "HTTPS_PROXY does not hold the URL of a proxy" in wsops("audit", code=1).stderr


def test_loopback_is_never_proxied(place, proxy, wsops, monkeypatch):
    """The simulator is spoken to directly, whatever the proxy says."""
    between = proxy(0)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{between.port}")
    wsops("audit", code=0)
    assert between.told == b""


def test_no_proxy_is_honoured(at, proxy, wsops, monkeypatch):
    """A host in NO_PROXY is not asked for at the proxy."""
    between = proxy(0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{between.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    at("https://127.0.0.1:9", WSOPS_TOKEN=TOKEN)
    wsops("audit", code=1)
    assert between.told == b""


def test_a_password_goes_to_iam_alone(sim, at, proxy, wsops, monkeypatch):
    """IAM on loopback is not proxied because the service is: no password in plain to a proxy."""
    between = proxy(0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{between.port}")
    at(
        "https://workspace.test-region-1.myhuaweicloud.com",
        iam_endpoint=sim.iam_endpoint,
        WSOPS_USER=sim.user,
        WSOPS_PASSWORD=sim.password,
        WSOPS_DOMAIN=sim.domain,
        WSOPS_PROJECT_ID=sim.project_id,
    )
    wsops("audit", code=1)
    assert sim.password.encode() not in between.told
    assert all(line.startswith(b"CONNECT") for line in between.told.split(b"\r\n\r\n") if line)
