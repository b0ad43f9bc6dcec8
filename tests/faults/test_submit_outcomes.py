"""How a submit can end: every row of the table, judged by what arrived at the service."""

import itertools
import json
import socket
from dataclasses import replace
from email.utils import formatdate

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsops.answers import LONGEST_BODY, Answer
from wsops.errors import SettingsError
from wsops.models import ID_PATTERN
from wsops.submit import Outcome, judge
from wsops.transport import DeadlineBackend

REBUILD = "RebuildDesktopPool"
REFUSED = (400, 403, 404, 405, 413, 414, 494)
BROKEN = (500, 501, 502, 503, 504, 505, 507, 520, 599)
REDIRECTS = (300, 301, 302, 303, 304, 307, 308)
UNLISTED = (402, 406, 408, 410, 411, 412, 415, 418, 421, 422, 423, 425, 426, 428, 431, 451, 499)


def fault(driver, kind, *, times=None, **args):
    driver.sim.cloud.faults.add(kind, operation=REBUILD, times=times, args=args)


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_ends_the_item(driver, status):
    """A definite refusal is sent once, ends the item as rejected, and stops the run."""
    fault(driver, "error", status=status)
    first, second = driver.apply(driver.plan(2))
    assert (first.state, first.verdict) == ("ended", "rejected")
    assert str(status) in first.reason
    assert (second.state, second.sent_at) == ("planned", None)
    assert len(driver.posts) == 1
    assert [a["outcome"] for a in driver.journal.attempts(first.item_id)] == ["refused"]


@pytest.mark.parametrize("throttled", [1, 2, 3, 7])
def test_a_429_waits_a_whole_window(driver_of, throttled):
    """A throttled request is sent again after a whole window, three times in all at the most."""
    driver = driver_of(pace={"throttled_wait": 65})
    fault(driver, "throttle", times=throttled)
    (row,) = driver.apply()
    sends = min(throttled + 1, 3)
    assert len(driver.posts) == sends
    assert row.verdict == ("done" if throttled < 3 else "rejected")
    assert [s for s in driver.slept if s >= 60] == [65] * (sends - 1)
    times = [entry.at for entry in driver.posts]
    assert all(b - a >= 60 for a, b in itertools.pairwise(times))
    outcomes = [a["outcome"] for a in driver.journal.attempts(row.item_id)]
    assert outcomes == ["refused"] * min(throttled, 3) + ["accepted"] * (throttled < 3)


def test_a_429_may_ask_for_more_than_a_window(driver_of):
    """A Retry-After that is longer than the window is kept to."""
    driver = driver_of(pace={"throttled_wait": 65})
    fault(driver, "throttle", times=1, retry_after=200)
    (row,) = driver.apply()
    assert row.verdict == "done"
    assert 200 in driver.slept


def test_a_pool_that_changed_during_the_window_is_not_sent_again(driver_of):
    """The pool is read again before the second attempt, so a change in between stops it."""
    driver = driver_of(pace={"throttled_wait": 65})
    fault(driver, "throttle", times=1)
    plan = driver.plan()
    rollout = driver.start(plan)
    wait = driver.sleep

    def wait_and_lose_one(seconds):
        if seconds >= 60:
            driver.sim.cloud.remove_desktop(desktop_id=plan.items[0].targets[0].desktop_id)
        wait(seconds)

    rollout.timing = replace(rollout.timing, sleep=wait_and_lose_one)
    list(rollout.apply())
    (row,) = driver.journal.items(rollout.run.run_id)
    assert (row.state, row.verdict) == ("ended", "refused")
    assert "1 less" in row.reason
    assert len(driver.posts) == 1
    assert driver.executed == []


@pytest.fixture
def with_password(fleet, open_ws, journal, driver_of):
    """Give an operator whose token can be renewed."""
    sim = fleet(pools=2, desktops=3, mismatch=0.9)
    driver = driver_of()
    driver.ws = open_ws(
        sim, token=None, user=sim.user, password=sim.password, domain=sim.domain, auth="password"
    )
    return driver


@pytest.mark.parametrize("code", ["APIGW.0301", "APIGW.0303", "APIGW.0307", "APIG.0301"])
def test_a_gateways_401_is_renewed_and_sent_once_more(with_password, code):
    """A 401 of the gateway makes one new token and one more attempt."""
    driver = with_password
    fault(driver, "error", status=401, code=code, times=1)
    (row,) = driver.apply()
    assert row.verdict == "done"
    assert len(driver.posts) == 2
    assert len(driver.sim.ledger.entries("KeystoneCreateUserTokenByPassword")) == 2


def test_a_second_401_is_final(with_password):
    """New credentials that are refused as well are not tried a third time."""
    fault(with_password, "error", status=401, code="APIGW.0301")
    (row,) = with_password.apply()
    assert row.verdict == "rejected"
    assert len(with_password.posts) == 2


def test_a_401_on_the_third_attempt_makes_no_fourth(with_password):
    """Three attempts are all there are, whatever each of them was refused for."""
    fault(with_password, "throttle", times=2)
    fault(with_password, "error", status=401, code="APIGW.0301")
    (row,) = with_password.apply()
    assert row.verdict == "rejected"
    assert len(with_password.posts) == 3


def test_a_401_of_a_token_that_nobody_can_renew_is_final(driver):
    """A fixed token is not tried twice."""
    fault(driver, "error", status=401, code="APIGW.0301")
    (row,) = driver.apply()
    assert row.verdict == "rejected"
    assert len(driver.posts) == 1


@pytest.mark.parametrize("code", ["", "WKS.0001", "APIGW.0401", "XAPIGW.0301", "apigw.0301"])
@pytest.mark.parametrize("executed", [False, True])
def test_a_401_of_anyone_else_is_ambiguous(with_password, code, executed):
    """A 401 without a gateway's code may come from behind it: it is never sent again."""
    fault(with_password, "error", status=401, code=code, executed=executed)
    (row,) = with_password.apply()
    assert len(with_password.posts) == 1
    assert (row.state, row.verdict) == (("ended", "done") if executed else ("unknown", ""))


def test_a_409_without_a_job_of_ours_is_a_refusal(driver):
    """A conflict ends the item when no job that could be ours is found."""
    fault(driver, "error", status=409)
    (row,) = driver.apply()
    assert (row.state, row.verdict) == ("ended", "rejected")
    assert len(driver.posts) == 1


def test_a_409_of_our_own_request_finds_its_job(driver):
    """A conflict with the job that the request itself started is followed to its end."""
    fault(driver, "error", status=409, executed=True)
    (row,) = driver.apply()
    assert (row.state, row.verdict) == ("ended", "done")
    assert row.job_id == driver.executed[0].job_id
    assert len(driver.posts) == 1


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("retry_after", [None, 0, 5, {"date": 5}], ids=["none", "0", "5", "date"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_is_sent_exactly_once(driver, status, retry_after, executed):
    """A server's error, whatever it says of trying again, leaves the outcome unknown."""
    fault(driver, "error", status=status, retry_after=retry_after, executed=executed)
    first, second = driver.apply(driver.plan(2))
    posts = [entry for entry in driver.posts if entry.pool_id == first.pool_id]
    assert len(posts) == 1
    if executed:
        assert (first.verdict, first.job_id) == ("done", posts[0].job_id)
    else:
        assert first.state == "unknown"
        assert f"HTTP {status}" in first.reason
        assert second.sent_at is None


@pytest.mark.parametrize("status", [*UNLISTED, 501, 505, 599])
def test_what_is_not_in_the_table_is_ambiguous(driver, status):
    """A status that the table does not name is not taken for a refusal."""
    fault(driver, "error", status=status)
    (row,) = driver.apply()
    assert row.state == "unknown"
    assert len(driver.posts) == 1


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_is_not_followed(driver, wire, status):
    """A redirect leaves the outcome unknown; its place hears nothing."""
    elsewhere = wire(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    place = f"http://127.0.0.1:{elsewhere.port}/v2/x"
    fault(driver, "redirect", status=status, location=place)
    (row,) = driver.apply()
    assert row.state == "unknown"
    assert len(driver.posts) == 1
    assert elsewhere.heard == []


STRANGE = [
    "",
    " ",
    "\n",
    "null",
    "true",
    "0",
    "42",
    '"job"',
    "[]",
    "{}",
    "[[]]",
    '[{"job_id": "a"}]',
    "<html><body>Sign in</body></html>",
    "<!doctype html>",
    "OK",
    "{",
    '{"job_id": "abc"',
    '{"job_id": "abc"}}',
    "{'job_id': 'abc'}",
    '{"job_id": null}',
    '{"job_id": ""}',
    '{"job_id": " "}',
    '{"job_id": 7}',
    '{"job_id": 7.5}',
    '{"job_id": true}',
    '{"job_id": []}',
    '{"job_id": ["abc"]}',
    '{"job_id": {"id": "abc"}}',
    json.dumps({"job_id": "x" * 300}),
    json.dumps({"job_id": "x" * 256}),
    '{"job_id": "a b"}',
    '{"job_id": "a/b"}',
    '{"job_id": "../x"}',
    '{"job_id": "a%2fb"}',
    '{"job_id": "a\\n"}',
    '{"job_id": "a\\u0000b"}',
    '{"job_id": "\\ud800"}',
    '{"job_id": "\\u00e4"}',
    '{"job_ids": ["abc"]}',
    '{"JOB_ID": "abc"}',
    '{"jobId": "abc"}',
    '{"data": {"job_id": "abc"}}',
    '{"job": {"job_id": "abc"}}',
    '{"job_id": "abc", "error_code": "WKS.00010032"}',
    '{"job_id": "abc", "error_code": "WKS.00010032", "error": {}}',
    '{"job_id": "abc", "error": {"code": "WKS.1", "message": "no"}}',
    '{"job_id": "abc", "error": {"error_code": "WKS.1"}}',
    '{"job_id": "abc", "error_code": 7}',
    '{"error_code": "\\ud800", "error_msg": "\\udfff\\u0000"}',
    "[" * 5000,
    '{"a":' * 3000,
    '{"job_id": ' + "9" * 5000 + "}",
    '{"job_id": NaN}',
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_a_200_without_a_usable_job_is_unknown(driver, body):
    """A 200 that names no job is neither success nor refusal; it is kept, and never sent again."""
    fault(driver, "strange_200", body=body)
    (row,) = driver.apply()
    assert row.state == "unknown"
    assert row.job_id is None
    assert len(driver.posts) == 1
    (attempt,) = driver.journal.attempts(row.item_id)
    assert (attempt["outcome"], attempt["status"]) == ("ambiguous", 200)


def test_an_error_in_a_200_is_no_success(driver):
    """A 200 that carries an error code is not accepted."""
    fault(driver, "error_in_200", code="WKS.00010032")
    (row,) = driver.apply()
    assert row.state == "unknown"
    assert len(driver.posts) == 1


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("kind", ["cut", "lost", "cut_body"])
def test_a_broken_connection_is_looked_into(driver, kind, reset):
    """An answer that was lost is looked for: what was executed is adopted, the rest is unknown."""
    fault(driver, kind, reset=reset)
    (row,) = driver.apply()
    assert len(driver.posts) == 1
    if kind == "cut":
        assert (row.state, driver.executed) == ("unknown", [])
    else:
        assert (row.verdict, row.job_id) == ("done", driver.executed[0].job_id)


@pytest.mark.parametrize("executed", [False, True])
def test_a_silent_server_is_left_at_the_deadline(driver_of, executed):
    """A server that never answers is waited for as long as a call may take, and asked once."""
    driver = driver_of(pace={"call_deadline": 0.3})
    fault(driver, "hang", seconds=3, executed=executed)
    (row,) = driver.apply()
    assert (row.state, row.verdict) == (("ended", "done") if executed else ("unknown", ""))
    (attempt,) = driver.journal.attempts(row.item_id)
    assert attempt["outcome"] == "ambiguous"
    assert "ReadTimeout" in attempt["reason"]
    assert len(driver.posts) == 1


def test_a_dripping_answer_ends_at_the_deadline(driver_of):
    """An answer that drips a byte at a time passes no deadline; its job is found all the same."""
    driver = driver_of(pace={"call_deadline": 0.4})
    fault(driver, "drip", seconds=0.1)
    (row,) = driver.apply()
    assert row.verdict == "done"
    (attempt,) = driver.journal.attempts(row.item_id)
    assert attempt["outcome"] == "ambiguous"
    assert len(driver.posts) == 1


def test_a_request_that_arrives_late_stays_unknown_until_it_is_found(driver):
    """A request that a gateway held back is unknown at first, and adopted once it shows."""
    fault(driver, "late", after=60)
    (row,) = driver.apply()
    assert row.state == "unknown"
    driver.sleep(120)
    (row,) = driver.resume(row.run_id)
    assert (row.state, row.verdict) == ("ended", "done")
    assert row.job_id == driver.executed[0].job_id
    assert len(driver.posts) == 1


@pytest.fixture
def deaf(monkeypatch):
    """Give a function that makes the next sends of a connection meet a closed port."""

    def deafen(ws, times):
        with socket.create_server(("127.0.0.1", 0)) as spare:
            closed = spare.getsockname()[1]
        left, sending = [times], [False]
        send, connect = ws.send, DeadlineBackend.connect_tcp

        def sent(path, body):
            sending[0] = left[0] > 0
            left[0] -= 1
            try:
                return send(path, body)
            finally:
                sending[0] = False

        def connect_tcp(backend, host, port, *args, **kwargs):
            return connect(backend, host, closed if sending[0] else port, *args, **kwargs)

        monkeypatch.setattr(ws, "send", sent)
        monkeypatch.setattr(DeadlineBackend, "connect_tcp", connect_tcp)
        return left

    return deafen


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_what_never_left_is_tried_three_times(driver, deaf, times):
    """A refused connection may be tried again, three times in all; then the item is as before."""
    left = deaf(driver.ws, times)
    (row,) = driver.apply()
    tries = min(times + 1, 3)
    assert times - left[0] == tries
    outcomes = [a["outcome"] for a in driver.journal.attempts(row.item_id)]
    if times < 3:
        assert row.verdict == "done"
        assert len(driver.posts) == 1
        assert outcomes == ["not_sent"] * times + ["accepted"]
    else:
        assert (row.state, row.sent_at) == ("planned", None)
        assert driver.posts == []
        assert outcomes == ["not_sent"] * 3


def outcome_of(ws):
    """Send to wherever the connection leads, and judge."""
    try:
        return judge(ws.send("/v2/p/desktop-pools/x/rebuild", b'{"image_id": "i"}'))
    except Exception as error:  # noqa: BLE001  (as the submit itself does)
        return judge(error)


@pytest.fixture
def ws_to(sim, open_ws):
    """Give a function that connects to another endpoint than the simulator."""

    def to(endpoint, **pace):
        return open_ws(sim, endpoint=endpoint, pace={"call_deadline": 1} | pace)

    return to


def test_a_name_that_does_not_resolve_is_not_sent(ws_to, monkeypatch):
    """A look-up that fails proves that nothing left."""

    def unknown_name(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_name)
    judgement = outcome_of(ws_to("https://workspace.nowhere-1.myhuaweicloud.com"))
    assert (judgement.outcome, judgement.again) == (Outcome.NOT_SENT, "unsent")


def test_a_refused_connection_is_not_sent(ws_to):
    """A closed port proves that nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    assert outcome_of(ws_to(f"http://127.0.0.1:{port}")).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "say", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\x03\x03\x00\x02\x02\x28"]
)
def test_a_failed_handshake_is_not_sent(ws_to, wire, say):
    """A peer that does not speak TLS hears no request."""
    server = wire(say, listen_first=False)
    judgement = outcome_of(ws_to(f"https://127.0.0.1:{server.port}"))
    assert judgement.outcome is Outcome.NOT_SENT


def test_a_silent_handshake_is_not_sent(ws_to, wire):
    """A peer that never answers the handshake is given up at the deadline, with nothing sent."""
    server = wire(b"", listen_first=False, stay=5)
    ws = ws_to(f"https://127.0.0.1:{server.port}", connect_timeout=0.2)
    assert outcome_of(ws).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Authenticate", b"502 Bad Gateway"])
def test_a_proxy_that_refuses_the_tunnel_is_not_sent(ws_to, wire, monkeypatch, status):
    """A proxy that opens no tunnel has heard nothing of the request."""
    proxy = wire(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    judgement = outcome_of(ws_to("https://workspace.nowhere-1.myhuaweicloud.com"))
    assert judgement.outcome is Outcome.NOT_SENT
    assert all(b"image_id" not in heard for heard in proxy.heard)


def test_what_our_own_code_refuses_is_not_sent(ws, monkeypatch):
    """An error of our own while signing comes before the first byte."""

    def no_credentials(_request):
        msg = "no credentials"
        raise SettingsError(msg)

    monkeypatch.setattr(ws.signer, "sign", no_credentials)
    judgement = outcome_of(ws)
    assert (judgement.outcome, judgement.again) == (Outcome.NOT_SENT, "no")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
JOB = b'{"job_id": "abc"}'
GARBLED = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a status line": b"HTTP/1.1 2",
    "half a head": HEAD,
    "an odd status": b"HTTP/1.1 2000 OK\r\n\r\n" + JOB,
    "a short body": HEAD + b"Content-Length: 400\r\n\r\n" + JOB,
    "half a body": HEAD + b"Content-Length: 17\r\n\r\n" + JOB[:9],
    "a broken chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + JOB,
    "an open chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n11\r\n" + JOB,
    "a false gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 17\r\n\r\n" + JOB,
    "a false deflate": HEAD + b"Content-Encoding: deflate\r\nContent-Length: 17\r\n\r\n" + JOB,
    "a doubled gzip": HEAD + b"Content-Encoding: gzip, gzip\r\nContent-Length: 17\r\n\r\n" + JOB,
    "an endless body": HEAD + b"\r\n" + JOB + b" " * LONGEST_BODY,
    "two lengths": HEAD + b"Content-Length: 17\r\nContent-Length: 4\r\n\r\n" + JOB,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + JOB,
    "a huge head": HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n" + JOB,
    "only 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + JOB,
    "a 204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a 201": b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\n\r\n" + JOB,
    "a 206": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 17\r\n\r\n" + JOB,
}


@pytest.mark.parametrize("what", GARBLED)
def test_a_garbled_answer_is_ambiguous(ws_to, wire, what):
    """Bytes that are no whole answer of the contract leave the outcome unknown, asked once."""
    server = wire(GARBLED[what])
    assert outcome_of(ws_to(f"http://127.0.0.1:{server.port}")).outcome is Outcome.AMBIGUOUS
    assert sum(b"image_id" in heard for heard in server.heard) == 1


@pytest.mark.parametrize("status", [b"200 OK", b"202 Accepted"])
@pytest.mark.parametrize("header", [b"", b"Retry-After: 5\r\n", b"Date: nonsense\r\n"])
def test_a_job_in_a_200_or_202_is_accepted(ws_to, wire, status, header):
    """Only a 200 or a 202 with a usable job is an acceptance."""
    say = b"HTTP/1.1 " + status + b"\r\nContent-Length: 17\r\n" + header + b"\r\n" + JOB
    judgement = outcome_of(ws_to(f"http://127.0.0.1:{wire(say).port}"))
    assert (judgement.outcome, judgement.job_id) == (Outcome.ACCEPTED, "abc")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("late"),
        httpx.WriteTimeout("late"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("garbled"),
        httpx.LocalProtocolError("garbled"),
        httpx.DecodingError("garbled"),
        httpx.TooManyRedirects("round"),
        httpx.CloseError("closed"),
        OSError("broken"),
        MemoryError(),
        RecursionError(),
        RuntimeError("anything"),
        KeyboardInterrupt(),
        SystemExit(143),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_ambiguous(error):
    """An error that does not prove that nothing left proves nothing."""
    judgement = judge(error)
    assert (judgement.outcome, judgement.again) == (Outcome.AMBIGUOUS, "no")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v))
names = st.sampled_from(["job_id", "error_code", "error_msg", "error", "error_detail", "x"])
bodies = st.binary(max_size=200) | st.dictionaries(names, values | st.just("abc")).map(
    lambda body: json.dumps(body).encode()
)


@pytest.mark.parametrize("examples", [100, pytest.param(10_000, marks=pytest.mark.soak)])
def test_nothing_is_accepted_without_a_job(examples):
    """Whatever arrives, it is accepted only as a 200 or 202 with a usable job and no error."""

    @settings(max_examples=examples, deadline=None)
    @given(status=st.integers(100, 999) | st.sampled_from([200, 202]), content=bodies)
    @example(200, b'{"job_id": "abc", "error_code": "E", "error": {}}')
    @example(200, b'{"job_id": "abc", "error": {"error_code": "E"}}')
    @example(200, bytes.fromhex("fffe7b000000"))
    def check(status, content):
        judgement = judge(Answer(status, content))
        judgement.reason.encode()
        if judgement.outcome is Outcome.ACCEPTED:
            body = json.loads(content)
            inner = body.get("error")
            inner = inner if isinstance(inner, dict) else {}
            assert status in {200, 202}
            assert ID_PATTERN.match(body["job_id"])
            codes = [body.get("error_code"), inner.get("code"), inner.get("error_code")]
            assert not any(codes)
        if judgement.outcome is Outcome.REFUSED:
            assert status in {*REFUSED, 429, 401}
        assert judgement.outcome is not Outcome.NOT_SENT

    check()


def test_any_words_of_a_server_can_be_kept(driver):
    """Whatever a server says, the outcome can be committed and the chain of events stays whole."""
    journal = driver.journal
    (row,) = journal.items(driver.start().run.run_id)
    journal.intend(row.item_id, b"{}", {}, ())

    @settings(max_examples=40, deadline=None)
    @given(st.text(st.characters(exclude_categories=[]), max_size=50))
    @example("\ud800")
    def keep(words):
        body = json.dumps({"error_code": words, "error_msg": words}).encode()
        for content in (body, words.encode("utf-8", "surrogatepass")):
            said = judge(Answer(500, content))
            code = said.answer.error_code
            journal.sending(row.item_id)
            journal.answered(row.item_id, "x", said.reason, state="intent", error_code=code)

    keep()
    assert journal.broken_event() is None


def test_the_date_of_a_server_can_be_anything(ws_to, wire):
    """A Date header from another century does not lose the job of an answer."""
    for date in (formatdate(0), "Mon, 01 Jan 9999 00:00:00 GMT", "Mon, 99 Foo 0000 99:99:99 +9999"):
        say = HEAD + b"Content-Length: 17\r\nDate: " + date.encode() + b"\r\n\r\n" + JOB
        judgement = outcome_of(ws_to(f"http://127.0.0.1:{wire(say).port}"))
        assert judgement.outcome is Outcome.ACCEPTED
