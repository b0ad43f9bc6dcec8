"""The client: one method a call, pages read to the end, reads retried, writes never."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import httpcore
import httpx
import pytest

from wsops import aksk, answers
from wsops.answers import Answer
from wsops.client import Workspace
from wsops.errors import (
    BadAnswer,
    CloudError,
    CloudRefused,
    CloudUnreachable,
    NotAllowed,
    NotFound,
    SettingsError,
    Throttled,
)
from wsops.listing import Listing, Part, Range, read_list
from wsops.models import Pool, SubJob
from wsops.readings import rebuild_sub_jobs


def operations(sim, name=None):
    return list(sim.ledger.entries(name))


def no_sleep(ws):
    slept = []
    ws._sleep = slept.append
    ws._pacer._sleep = slept.append
    return slept


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 99, 100, 101, 250])
def test_a_list_is_read_to_its_end_whatever_its_length(fleet, open_ws, size):
    """No row is missing and none comes twice, although the default page holds ten."""
    sim = fleet(pools=1, desktops=1)
    pool = next(iter(sim.cloud.pools))
    for _ in range(size - 1):
        sim.cloud.add_desktop(pool)
    if not size:
        sim.cloud.remove_desktop(next(iter(sim.cloud.desktops)))
    listing = open_ws(sim).pool_desktops(pool)

    assert (len(listing.rows), listing.seen, listing.steady) == (size, size, True)
    assert len({row.id for row in listing.rows}) == size
    assert len(operations(sim, "ListPoolDesktopsDetail")) == max(1, -(-size // 100))


@pytest.mark.parametrize("glancing", [False, True], ids=["whole", "glance"])
@pytest.mark.parametrize("action", ["insert", "remove"])
def test_a_list_that_shifts_while_it_is_paged_is_read_again(fleet, open_ws, action, glancing):
    """A row that moves between pages is neither lost nor doubled."""
    sim = fleet(pools=1, desktops=230)
    pool = next(iter(sim.cloud.pools))
    sim.cloud.faults.add(
        "shift_list", operation="ListPoolDesktopsDetail", times=1, args={"action": action}
    )
    ws = open_ws(sim)
    listing = ws.glance_at_desktops(pool, lambda it: it) if glancing else ws.pool_desktops(pool)

    assert listing.steady
    assert {row.id for row in listing.rows} == set(sim.cloud.desktops)


def test_a_list_that_never_stands_still_says_so(fleet, open_ws):
    """After three readings that did not agree the listing is not called steady."""
    sim = fleet(pools=1, desktops=230)
    sim.cloud.faults.add(
        "shift_list", operation="ListPoolDesktopsDetail", args={"action": "insert"}
    )

    assert not open_ws(sim).pool_desktops(next(iter(sim.cloud.pools))).steady


def test_every_reading_call_speaks_with_the_service(sim, ws):
    """Each method of the client reaches its operation and gives records."""
    pool = ws.pools().rows[0]
    desktops = ws.pool_desktops(pool.id).rows
    counts = ws.inconsistent_statics(pool.id)
    image = ws.images(pool.image_id).rows[0]

    assert ws.pool(pool.id) == pool
    assert counts.image_id == sum(d.image_id != pool.image_id for d in desktops)
    assert image.id == pool.image_id
    assert {d.id for d in ws.desktops_detail((pool.id,)).rows} == {d.id for d in desktops}
    assert {r.desktop_id for r in ws.check_images((desktops[0].id,))} == {desktops[0].id}
    assert ws.sub_jobs(pool_id=pool.id).rows == ()
    with pytest.raises(NotFound):
        ws.job("no-such-job")


def test_the_project_is_looked_up_by_the_region(sim, open_ws):
    """Without project_id, IAM is asked for the project that bears the region's name."""
    assert open_ws(sim, project_id="").project_id == sim.project_id
    with pytest.raises(SettingsError, match="0 projects named 'nowhere'"):
        open_ws(sim, project_id="", region="nowhere").pools()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_tried_again_after_a_passing_error(sim, ws, status):
    """Two failures, then an answer: the caller sees the answer alone."""
    no_sleep(ws)
    sim.cloud.faults.add("error", operation="ListDesktopPools", times=2, args={"status": status})

    assert ws.pools().rows
    assert len(operations(sim, "ListDesktopPools")) == 3


def test_a_read_is_not_tried_for_ever(sim, ws):
    """Five tries, then the error of the service."""
    no_sleep(ws)
    sim.cloud.faults.add("error", operation="ListDesktopPools", args={"status": 503})

    with pytest.raises(CloudRefused, match="HTTP 503"):
        ws.pools()
    assert len(operations(sim, "ListDesktopPools")) == 5


def test_a_throttled_read_waits_as_long_as_it_is_told(sim, ws):
    """Retry-After: 7 holds the next request for seven seconds, and halves the rate."""
    slept = no_sleep(ws)
    sim.cloud.faults.add("throttle", operation="ListDesktopPools", times=1, args={"retry_after": 7})

    ws.pools()
    assert max(slept) == pytest.approx(7, abs=0.5)
    assert ws._pacer.rate < ws._pacer.full_rate


def test_a_read_that_stays_throttled_ends_as_such(sim, ws):
    """The error is Throttled, with what to do."""
    no_sleep(ws)
    sim.cloud.faults.add("throttle", operation="ListDesktopPools")

    with pytest.raises(Throttled):
        ws.pools()


def test_not_found_in_the_clothes_of_a_500_is_not_tried_again(sim, ws):
    """WKS.0202 with status 500 means not found."""
    sim.cloud.faults.add("not_found_as_500", operation="ShowDesktopPoolDetail")

    with pytest.raises(NotFound):
        ws.pool("some-pool")
    assert len(operations(sim, "ShowDesktopPoolDetail")) == 1


@pytest.mark.parametrize(
    "args",
    [
        {"body": "<html>please log in</html>", "content_type": "text/html"},
        {"body": "", "content_type": "application/json"},
        {"body": "[]", "content_type": "application/json"},
        {"body": '{"desktop_pools": 3}', "content_type": "application/json"},
        {"body": '{"desktop_pools": [{"name": "no id"}]}', "content_type": "application/json"},
        {"body": '{"pools": []}', "content_type": "application/json"},
    ],
)
def test_an_answer_that_is_not_in_the_contract_is_a_bad_answer(sim, ws, args):
    """A log-in page, an empty body or a wrong shape never passes for an empty list."""
    sim.cloud.faults.add("strange_200", operation="ListDesktopPools", args=args)

    with pytest.raises(BadAnswer):
        ws.pools()


def test_an_error_in_a_200_is_an_error(sim, ws):
    """A 200 that carries error_code is not a success."""
    sim.cloud.faults.add("error_in_200", operation="ListDesktopPools")

    with pytest.raises(CloudRefused):
        ws.pools()


def test_a_redirect_is_never_followed(sim, ws):
    """The other place is not asked, and gets no credential."""
    with socket_sink() as sink:
        sim.cloud.faults.add(
            "redirect", operation="ListDesktopPools", args={"status": 307, "location": sink.url}
        )
        with pytest.raises(BadAnswer):
            ws.pools()
    assert sink.received == b""


class socket_sink:  # noqa: N801
    def __enter__(self):
        import socket

        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.received = b""
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def _accept(self):
        try:
            connection, _ = self.socket.accept()
            with connection:
                self.received = connection.recv(65536)
        except OSError:
            pass

    def __exit__(self, *_):
        import socket

        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(2)


def test_a_dripping_answer_ends_at_the_deadline_of_the_call(sim, open_ws):
    """A byte now and then passes every read timeout, but not the deadline of the whole call."""
    ws = open_ws(sim, pace={"call_deadline": 0.3})
    no_sleep(ws)
    ws.pools()
    sim.cloud.faults.add("drip", operation="ListDesktopPools", args={"seconds": 0.05})
    started = datetime.now(UTC)

    with pytest.raises(CloudError):
        ws.pools()
    assert datetime.now(UTC) - started < timedelta(seconds=5 * 0.3 + 1)


def test_a_service_that_is_not_there_is_unreachable(sim, open_ws):
    """Nothing left: it is safe to run it again."""
    ws = open_ws(sim, endpoint="http://127.0.0.1:1")
    no_sleep(ws)

    with pytest.raises(CloudUnreachable, match="cannot connect"):
        ws.pools()


def test_a_cut_connection_is_tried_again(sim, ws):
    """A read that broke off is asked once more."""
    no_sleep(ws)
    sim.cloud.faults.add("cut_body", operation="ListDesktopPools", times=2)

    assert ws.pools().rows


def test_every_exception_of_httpx_has_a_meaning():
    """No transport error of httpx is left without one of ours."""
    for kind in vars(httpx).values():
        if isinstance(kind, type) and issubclass(kind, httpx.RequestError):
            error = answers.unreachable(kind("boom"), "GET", "/x")
            assert isinstance(error, CloudUnreachable | BadAnswer)


def test_every_exception_of_httpcore_is_one_of_httpx():
    """No failure of the engine leaves the wire under a name that nobody looks for."""
    from wsops.transport import FAILURES

    kinds = [
        kind
        for name in httpcore.__all__
        if isinstance(kind := getattr(httpcore, name), type) and issubclass(kind, Exception)
    ]
    kinds.remove(httpcore.ConnectionNotAvailable)  # its pools' own, never seen outside
    assert len(kinds) > 10
    for kind in kinds:
        assert issubclass(kind, FAILURES)
        assert issubclass(getattr(httpx, kind.__name__), httpx.RequestError)


# -- credentials --------------------------------------------------------------------------------


def with_password(sim, open_ws, **overrides):
    return open_ws(
        sim, token=None, user=sim.user, password=sim.password, domain=sim.domain, **overrides
    )


def test_a_password_gets_one_token_and_keeps_it(sim, open_ws):
    """Many reads, one POST /v3/auth/tokens."""
    ws = with_password(sim, open_ws)
    for _ in range(3):
        ws.pools()

    assert len(operations(sim, "KeystoneCreateUserTokenByPassword")) == 1


def test_a_token_that_is_revoked_is_renewed_once_by_twenty_threads(sim, open_ws):
    """One re-authentication per generation, whatever the number of threads."""
    ws = with_password(sim, open_ws)
    ws.pools()
    sim.cloud.access.revoke()
    start = threading.Barrier(20)
    failures = []

    def read():
        start.wait()
        try:
            ws.pools()
        except CloudError as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(operations(sim, "KeystoneCreateUserTokenByPassword")) == 2


def test_a_token_that_expires_after_bad_answers_is_renewed_all_the_same(sim, open_ws):
    """Four times 503, then 401: the new token is used, however often it was asked before."""
    ws = with_password(sim, open_ws)
    ws.pools()
    sim.cloud.faults.add("error", operation="ListDesktopPools", times=4, args={"status": 503})
    expired = {"status": 401, "code": "APIGW.0301"}
    sim.cloud.faults.add("error", operation="ListDesktopPools", times=1, args=expired)

    assert ws.pools().rows
    assert len(operations(sim, "KeystoneCreateUserTokenByPassword")) == 2


def test_a_wrong_password_is_tried_once_and_not_again(sim, open_ws):
    """IAM locks users: the second call does not even leave."""
    ws = open_ws(sim, token=None, user=sim.user, password="wrong-password", domain=sim.domain)
    for _ in range(4):
        with pytest.raises(NotAllowed):
            ws.pools()

    assert len(operations(sim, "KeystoneCreateUserTokenByPassword")) <= 2


def test_a_given_token_that_has_expired_cannot_be_renewed(sim, ws):
    """The 401 comes through, and after two of them nothing more is sent."""
    sim.cloud.access.revoke()
    for _ in range(5):
        with pytest.raises(NotAllowed):
            ws.pools()

    assert len(operations(sim, "ListDesktopPools")) == 2


def with_key(sim, open_ws, monkeypatch, sk=None, **overrides):
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", sim.ak)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", sk or sim.sk)
    return open_ws(sim, token=None, **overrides)


def test_requests_are_signed_so_that_the_service_accepts_them(sim, open_ws, monkeypatch):
    """AK and SK from the official chain, signed by the official signer, verified for real."""
    ws = with_key(sim, open_ws, monkeypatch)
    pool = ws.pools().rows[0]

    assert ws.check_images((ws.pool_desktops(pool.id).rows[0].id,))
    assert {entry.who for entry in operations(sim)} == {"aksk"}


def test_a_wrong_key_leaves_at_most_twice(sim, open_ws, monkeypatch):
    """The service locks a key at the sixth bad signature: we stop at the second."""
    ws = with_key(sim, open_ws, monkeypatch, sk="wrong-secret-key")
    errors = []

    def read():
        try:
            ws.pools()
        except NotAllowed as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(errors) == 50
    assert len(operations(sim)) <= 2


@pytest.mark.parametrize(
    "between",
    [
        Answer(503, b'{"error_code": "APIGW.0503"}'),
        Answer(502, b"<h1>bad gateway</h1>"),
        Answer(429, b"{}"),
        Answer(404, b'{"error_code": "APIGW.0101"}'),
    ],
    ids=lambda answer: answer.status,
)
def test_what_stands_before_the_service_says_nothing_of_credentials(ws, monkeypatch, between):
    """It has not looked at them: bad ones are tried twice, whatever comes in between."""
    no_sleep(ws)
    refused, tried = Answer(401, b'{"error_code": "APIGW.0301"}'), []
    for turn in (refused, between, refused, refused):

        def once(*_, turn=turn, **__):
            tried.append(turn)
            return turn

        monkeypatch.setattr(ws, "_exchange_once", once)
        with pytest.raises(CloudError):
            ws.pools()

    assert tried.count(refused) == 2
    with pytest.raises(NotAllowed, match="not trying again"):
        ws.pools()


def test_a_send_does_not_wait_for_the_reads(sim, ws):
    """An audit that was throttled waits for minutes: what a send stands on would be old by then."""
    waits = no_sleep(ws)
    ws._pacer.throttled(300)
    pool = next(iter(sim.cloud.pools))
    ws.send(f"/v2/{ws.project_id}/desktop-pools/{pool}/rebuild", b"{}")
    assert waits == []
    ws.pools()
    assert waits != []


@pytest.mark.parametrize("minutes", [16, 20, 300])
def test_a_clock_that_is_off_is_corrected_by_the_service_s_own(sim, open_ws, monkeypatch, minutes):
    """Outside of the 15-minute window the first 401 teaches the difference, the second signs."""
    ws = with_key(sim, open_ws, monkeypatch)
    sim.cloud.advance(60 * minutes)

    assert ws.pools().rows


def test_a_clock_that_is_days_off_is_not_corrected(sim, open_ws, monkeypatch):
    """More than a day is a broken clock, which a person must set."""
    ws = with_key(sim, open_ws, monkeypatch)
    sim.cloud.advance(60 * 60 * 30)

    with pytest.raises(NotAllowed):
        ws.pools()


def test_the_credentials_file_of_the_sdk_is_understood(sim, open_ws, monkeypatch, tmp_path):
    """~/.huaweicloud/credentials gives AK and SK, if nobody else can read it."""
    file = tmp_path / "credentials"
    file.write_text(f"[basic]\nak = {sim.ak}\nsk = {sim.sk}\nproject_id = {sim.project_id}\n")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="readable by others"):
        open_ws(sim, token=None)
    file.chmod(0o600)

    assert open_ws(sim, token=None, project_id="").pools().rows


def test_without_credentials_the_ways_to_give_them_are_named(sim, open_ws):
    """The error says which variables to set."""
    with pytest.raises(SettingsError) as caught:
        open_ws(sim, token=None)
    assert "WSOPS_TOKEN" in caught.value.remedy


def test_a_silent_provider_of_credentials_does_not_hold_us_up():
    """Metadata that never answers is given up after a moment."""
    with pytest.raises(Exception, match="no credentials"):
        aksk._in_time(threading.Event().wait, seconds=0.05)


@pytest.mark.parametrize(
    ("variable", "no_proxy", "expected"),
    [
        (None, None, None),
        ("http://proxy.example:3128", None, "http://proxy.example:3128"),
        ("http://proxy.example:3128", "myhuaweicloud.com", None),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names(monkeypatch, variable, no_proxy, expected):
    """HTTPS_PROXY and NO_PROXY are honoured; loopback is never proxied."""
    from wsops.transport import proxy_for

    if variable:
        monkeypatch.setenv("HTTPS_PROXY", variable)
    if no_proxy:
        monkeypatch.setenv("NO_PROXY", no_proxy)

    assert proxy_for("https://workspace.eu-west-101.myhuaweicloud.com") == expected
    assert proxy_for("http://127.0.0.1:9") is None
    assert proxy_for("https://127.0.0.1:9") is None
    assert proxy_for("https://[::1]:9") is None


def test_a_ca_bundle_that_cannot_be_read_is_named(sim, open_ws, tmp_path):
    """Certificates are always verified: a broken bundle is an error, not a reason not to."""
    with pytest.raises(SettingsError, match="CA bundle"):
        open_ws(sim, ca_bundle=tmp_path / "missing.pem")


def test_a_closed_workspace_leaves_no_connection(sim, open_ws):
    """Closing closes the idle connections, and those in use when they come back."""
    ws = open_ws(sim)
    ws.pools()
    assert isinstance(ws, Workspace)
    with ws._network.line(sim.endpoint) as line:
        line.send("GET", "/", {}, b"").close()
        ws.close()

    assert not any(ws._network._idle.values())
    assert line._pool.connections == []


def test_a_list_that_is_longer_than_one_may_read_is_cut_and_says_so():
    """Not steady, with a total or without; and not read again, which would not help."""
    asked = []

    def get(total, place):
        asked.append(int(place["offset"]))
        rows = [Pool(id=f"p{number}") for number in range(asked[-1], asked[-1] + 10)]
        return Part([row.id for row in rows], rows, total)

    for total in (None, 1000):
        listing = read_list(partial(get, total), Range(10, 50))
        assert (len(listing.rows), listing.seen) == (60, 60)
        assert (listing.steady, listing.cut) == (False, True)
    assert asked == [0, 10, 20, 30, 40, 50] * 2


@pytest.mark.parametrize("newest", [True, False])
def test_of_a_long_list_of_jobs_the_newest_part_is_enough(ws, monkeypatch, newest):
    """Which jobs are under way or new stands there; with the oldest first it would be missing."""
    times = [f"2026-11-{day:02d} 00:00:00" for day in (27, 26, 25)]
    rows = tuple(
        SubJob(id=time, job_id=time, job_type="rebuildDesktopPool", begin_time=time)
        for time in (times if newest else reversed(times))
    )
    monkeypatch.setattr(ws, "sub_jobs", lambda **_: Listing(rows, 3, steady=False, cut=True))
    if newest:
        assert {sub.job_id for sub in rebuild_sub_jobs(ws, "p")} == {*times}
    else:
        with pytest.raises(BadAnswer, match="longer than one may read"):
            rebuild_sub_jobs(ws, "p")
