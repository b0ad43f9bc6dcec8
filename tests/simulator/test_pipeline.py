from __future__ import annotations

import socket
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest


@pytest.fixture
def pool(simulation, bad_pool):
    return bad_pool(simulation.cloud)


@pytest.fixture
def rebuild(web, pool):
    return lambda **words: web(
        "POST", f"/desktop-pools/{pool.id}/rebuild", json={"image_id": pool.image_id}, **words
    )


@pytest.fixture
def script(simulation):
    return simulation.cloud.faults.add


def last(simulation):
    return list(simulation.ledger)[-1]


def test_what_is_cut_is_not_executed(simulation, script, rebuild) -> None:
    """The connection closes without an answer and nothing has happened."""
    script("cut", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        rebuild()

    assert (simulation.cloud.jobs, last(simulation).status, last(simulation).executed) == (
        {},
        None,
        False,
    )
    assert rebuild().status_code == 200


def test_what_is_lost_is_executed(simulation, script, rebuild) -> None:
    """The job runs and the client never hears of it."""
    script("lost", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        rebuild()
    entry = last(simulation)

    assert (entry.status, entry.executed, entry.fault) == (None, True, "lost")
    assert list(simulation.cloud.jobs) == [entry.job_id]


@pytest.mark.parametrize("kind", ["cut", "lost"])
def test_a_connection_can_be_reset(script, rebuild, kind) -> None:
    """With reset the client sees RST instead of an orderly end."""
    script(kind, times=1, args={"reset": True})
    with pytest.raises(httpx.ReadError):
        rebuild()


def test_an_answer_can_break_off(simulation, script, rebuild) -> None:
    """The head and half of the body arrive; the request was executed."""
    script("cut_body", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        rebuild()

    assert (last(simulation).status, last(simulation).executed) == (200, True)


def test_a_late_request_is_executed_after_its_connection_is_gone(
    simulation, script, rebuild
) -> None:
    """Nothing shows before its time; then the ledger knows that it was carried out."""
    script("late", times=1, args={"after": 60})
    with pytest.raises(httpx.RemoteProtocolError):
        rebuild()
    assert (simulation.cloud.jobs, last(simulation).executed) == ({}, False)
    simulation.cloud.advance(59)
    assert not last(simulation).executed
    simulation.cloud.advance(2)

    assert last(simulation).executed
    assert list(simulation.cloud.jobs) == [last(simulation).job_id]


def test_a_hanging_request_ends_with_the_clients_patience(simulation, script, rebuild) -> None:
    """A hang is a read timeout; it may have been executed before."""
    script("hang", times=1, args={"seconds": 30})
    script("hang", times=1, args={"seconds": 30, "executed": True}, after=1)
    for executed in (False, True):
        with pytest.raises(httpx.ReadTimeout):
            rebuild(timeout=0.1)
        assert (last(simulation).executed, last(simulation).status) == (executed, None)


def test_a_hang_ends_by_itself_without_an_answer(script, rebuild) -> None:
    """After its seconds the connection closes."""
    script("hang", times=1, args={"seconds": 0.05})
    with pytest.raises(httpx.RemoteProtocolError):
        rebuild()


def test_an_answer_can_drip(simulation, script, web) -> None:
    """Each byte takes its time, and all of them arrive."""
    script("drip", times=1, args={"seconds": 0.001})
    began = time.monotonic()
    answer = web("GET", "/images", params={"limit": 0})

    assert answer.json() == {"images": [], "total_count": len(simulation.cloud.images)}
    assert time.monotonic() - began > 0.001 * len(answer.content)


def test_a_dripping_answer_stops_when_the_client_leaves(simulation, script) -> None:
    """The server does not go on dripping to nobody."""
    script("drip", times=1, args={"seconds": 30})
    host, port = simulation.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sock:
        head = f"GET /v2/{simulation.project_id}/images HTTP/1.1\r\nHost: x\r\n"
        sock.sendall(f"{head}X-Auth-Token: {simulation.token}\r\n\r\n".encode())
        assert sock.recv(10) == b"HTTP/1.1 2"
    deadline = time.monotonic() + 3
    server = simulation._server.server_state
    while any(c.client[1] for c in server.connections if c.cycle and not c.cycle.response_complete):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_latency_delays_and_lets_pass(simulation, script, web) -> None:
    """A slow answer is a right one; another fault may come on top."""
    script("latency", times=1, args={"seconds": 0.05})
    script("error", times=1, args={"status": 503})
    began = time.monotonic()

    assert web("GET", "/images").status_code == 503
    assert time.monotonic() - began >= 0.05
    assert web("GET", "/images").status_code == 200


@pytest.mark.parametrize(
    ("given", "wanted"), [({}, None), ({"retry_after": 7}, "7"), ({"retry_after": "soon"}, "soon")]
)
def test_a_throttled_answer_may_say_when_to_come_back(
    simulation, script, rebuild, given, wanted
) -> None:
    """429 APIGW.0308 with or without Retry-After; nothing was executed."""
    script("throttle", times=1, args=given)
    answer = rebuild()

    assert (answer.status_code, answer.json()["error_code"]) == (429, "APIGW.0308")
    assert answer.headers.get("Retry-After") == wanted
    assert simulation.cloud.jobs == {}


def test_retry_after_may_be_a_date(simulation, script, web) -> None:
    """The date lies so many seconds ahead on the simulated clock."""
    script("throttle", times=1, args={"retry_after": {"date": 90}})
    answer = web("GET", "/images")
    ahead = (
        parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - simulation.cloud.now()
    )

    assert 88 <= ahead <= 91


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 409, 413, 429, 494, 500, 502, 503, 504]
)
@pytest.mark.parametrize("executed", [False, True])
def test_any_error_can_be_answered_before_or_after_the_deed(
    simulation, script, rebuild, status, executed
) -> None:
    """The status is the one asked for, and the deed is done only when asked for."""
    script(
        "error",
        times=1,
        args={
            "status": status,
            "executed": executed,
            "code": "X.1",
            "message": "m",
            "detail": "d",
            "retry_after": 3,
        },
    )
    answer = rebuild()
    row = answer.json()

    assert (answer.status_code, row["error_code"], row["error_msg"], row["error_detail"]) == (
        status,
        "X.1",
        "m",
        "d",
    )
    assert answer.headers["Retry-After"] == "3"
    assert bool(row["encoded_authorization_message"]) is (status == 403)
    assert (len(simulation.cloud.jobs), last(simulation).executed) == (int(executed), executed)


def test_an_error_without_words_gets_those_of_its_status(script, web) -> None:
    """A gateway's own codes are the default."""
    script("error", times=1, args={"status": 502})
    script("error", times=1)

    assert web("GET", "/images").json()["error_code"] == "APIGW.0201"
    assert web("GET", "/images").status_code in (500, 502, 503, 504)


def test_a_200_can_carry_an_error(script, rebuild) -> None:
    """No job ID, but an error code, under 200."""
    script("error_in_200", times=1)
    answer = rebuild()

    assert (answer.status_code, "job_id" in answer.json()) == (200, False)
    assert answer.json()["error_code"] == "WKS.00010032"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", b""),
        ("<html>", b"<html>"),
        ({"job_id": None}, b'{"job_id":null}'),
        ({"job_id": 7}, b'{"job_id":7}'),
        ({"job_id": "x" * 300}, b'{"job_id":"' + b"x" * 300 + b'"}'),
    ],
    ids=str,
)
def test_a_200_can_be_anything(script, rebuild, body, expected) -> None:
    """A portal's page, nothing, or a strange identifier."""
    script("strange_200", times=1, args={"body": body, "content_type": "text/odd"})
    answer = rebuild()

    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (
        200,
        expected,
        "text/odd",
    )


def test_a_portal_answers_html(script, web) -> None:
    """Without words the strange answer is a page to sign in."""
    script("strange_200", times=1)

    assert web("GET", "/images").headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_elsewhere(script, rebuild, status) -> None:
    """The location is the one asked for."""
    script("redirect", times=1, args={"status": status, "location": "http://127.0.0.1:1/x"})
    answer = rebuild()

    assert (answer.status_code, answer.headers["Location"]) == (status, "http://127.0.0.1:1/x")


def test_not_found_can_be_a_500(script, web) -> None:
    """WKS.0202 comes as a 500."""
    script("not_found_as_500", times=1)
    answer = web("GET", "/images")

    assert (answer.status_code, answer.json()["error_code"]) == (500, "WKS.0202")


def test_the_gateway_can_echo_headers(simulation, script, web) -> None:
    """A 401 repeats the request's headers, the token among them."""
    script("echo_headers", times=1)
    answer = web("GET", "/images")

    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
    assert simulation.token in answer.json()["error_msg"]


def test_latency_of_every_answer(simulation, web) -> None:
    """Options.latency slows all answers down."""
    simulation.reset(type(simulation.options)(pools=1, desktops=1, latency=0.03))
    began = time.monotonic()

    assert web("GET", "/images").status_code == 200
    assert time.monotonic() - began >= 0.03
