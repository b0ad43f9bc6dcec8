"""Days when the service, the network or the credentials are not well."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from wsops.errors import NotAllowed
from wsops.redact import scrub

TOKENS = "KeystoneCreateUserTokenByPassword"


@pytest.fixture
def by_password(monkeypatch):
    """Give a function that goes in by user and password."""

    def go(simulation, password=None):
        monkeypatch.delenv("WSOPS_TOKEN", raising=False)
        monkeypatch.setenv("WSOPS_USER", simulation.user)
        monkeypatch.setenv("WSOPS_PASSWORD", password or simulation.password)
        monkeypatch.setenv("WSOPS_DOMAIN", simulation.domain)

    return go


@pytest.fixture
def by_key(monkeypatch):
    """Give a function that goes in by access key, from the environment."""

    def go(simulation, sk=None, **more):
        monkeypatch.delenv("WSOPS_TOKEN", raising=False)
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", simulation.ak)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", sk or simulation.sk)
        for key, value in more.items():
            monkeypatch.setenv(key, value)

    return go


def asked_for_tokens(simulation):
    return len(simulation.ledger.entries(TOKENS))


def test_a_log_in_page_instead_of_an_answer(place, refused):
    """A captive portal's HTML is named as such; exit code 1."""
    place.cloud.faults.add("strange_200")
    refused("audit", code=1, says="a web page came instead of JSON")
    refused("plan", "repair", code=1, says="a web page came instead of JSON")


def test_a_log_in_page_instead_of_a_job(place, planned, wsops, sent):
    """A portal that answers the rebuild itself leaves an unknown, never a second request."""
    path, plan = planned("fin-office-01")
    place.cloud.faults.add("strange_200", operation="RebuildDesktopPool")
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    assert done.document["verdict"] == "unknown"
    assert sent(place) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_service_that_is_down(place, refused, status):
    """Reads are tried again for a while, then the status and the request ID are said."""
    fault = {"status": status, "retry_after": 0}
    place.cloud.faults.add("error", operation="ListDesktopPools", args=fault)
    error = refused("audit", code=1, says=f"HTTP {status}")
    assert error["status"] == status
    assert error["request_id"]
    assert len(place.ledger) == 10


def test_a_service_that_throttles(place, refused, wsops):
    """A 429 is waited out; one that does not end is said with what to do."""
    fault = {"retry_after": 0}
    place.cloud.faults.add("throttle", operation="ListDesktopPools", args=fault, times=3)
    assert wsops("audit", "--json").document["pools"] == 4
    place.cloud.faults.add("throttle", operation="ListDesktopPools", args=fault)
    error = refused("audit", code=1, says="APIGW.0308")
    assert error["type"] == "Throttled"
    assert "wait a minute" in error["remedy"]


def test_a_service_that_is_gone(place, refused, monkeypatch):
    """A refused connection names the call; nothing left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WSOPS_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    error = refused("audit", code=1, says="cannot connect")
    assert error["type"] == "CloudUnreachable"
    assert len(place.ledger) == 0


def test_a_host_without_an_address(place, refused, monkeypatch):
    """A name that cannot be looked up is said, not shown as a traceback."""

    def nowhere(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    monkeypatch.setenv("WSOPS_ENDPOINT", "https://workspace.no-region-9.myhuaweicloud.com")
    refused("audit", code=1, says="Name or service not known")


def test_a_right_that_is_missing(place, refused):
    """A 403 shows all four error fields and how to decode the reason."""
    place.cloud.denied.add("ListDesktopPools")
    error = refused("audit", code=1, says="hcloud STS DecodeAuthorizationMessage")
    assert error["status"] == 403
    assert error["error_code"] == "APIGW.0302"
    assert error["error_msg"].startswith("User is not authorized")
    assert len(error["encoded_authorization_message"]) > 50
    assert error["request_id"]
    assert error.keys() >= {"error_detail"}


def test_a_token_that_expired(place, refused):
    """A fixed token cannot be renewed: one request, then the remedy."""
    place.cloud.access.revoke()
    error = refused("audit", code=1, says="APIGW.0301")
    assert error["type"] == "NotAllowed"
    assert len(place.ledger) == 2
    assert {entry.operation for entry in place.ledger} == {"ListDesktopPools"}


def test_a_token_revoked_while_a_run_is_on(fleet, at, planned, wsops, sent, monkeypatch):
    """A fixed token that dies leaves the run `running` (3); with a new one it is followed on."""
    place = at(fleet())
    path, plan = planned("fin-office-01", "callcentre-01")
    place.cloud.faults.add("error", operation="ShowJob", args={"status": 401})
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json", code=3)
    assert done.document["verdict"] == "running"
    assert "401" in done.document["items"][0]["reason"]
    assert sent(place) == 1
    place.cloud.faults.clear()
    assert wsops("resume", "--continue", "--json").document["verdict"] == "done"


def test_a_password_goes_on_after_a_revoked_token(fleet, at, by_password, planned, wsops):
    """With a password a new token is fetched, once, in the middle of polling."""
    place = at(fleet())
    by_password(place)
    path, plan = planned("fin-office-01")
    before = asked_for_tokens(place)
    fault = {"status": 401, "code": "APIGW.0307"}
    place.cloud.faults.add("error", operation="ShowJob", args=fault, times=1)
    done = wsops("apply", path, "--yes", "--digest", plan["digest"], "--json")
    assert done.document["verdict"] == "done"
    assert asked_for_tokens(place) - before == 2  # one to begin with, one after the 401


def test_twenty_threads_fetch_one_token(fleet, open_ws):
    """Twenty threads that meet a revoked token make one POST /v3/auth/tokens together."""
    place = fleet()
    way = {"token": None, "user": place.user, "password": place.password, "domain": place.domain}
    ws = open_ws(place, **way)
    ws.pools()
    before = asked_for_tokens(place)
    place.cloud.access.revoke()
    with ThreadPoolExecutor(20) as threads:
        seen = list(threads.map(lambda _: ws.pools().seen, range(20)))
    assert seen == [4] * 20
    assert asked_for_tokens(place) - before == 1


def test_twenty_threads_do_not_lock_a_user(fleet, open_ws):
    """A password that was changed meanwhile is tried twice at the most, by all threads together."""
    place = fleet()
    way = {"token": None, "user": place.user, "password": place.password, "domain": place.domain}
    ws = open_ws(place, **way)
    ws.pools()
    before = asked_for_tokens(place)
    place.cloud.access.revoke()
    fault = {"status": 401, "code": "1101", "message": "The username or password is wrong."}
    place.cloud.faults.add("error", operation=TOKENS, args=fault)

    def attempt(_):
        with pytest.raises(NotAllowed):
            ws.pools()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(attempt, range(20)))
    assert asked_for_tokens(place) - before <= 2


def test_a_wrong_password(place, by_password, refused):
    """IAM's 401 is said; one attempt a command, since bad passwords lock a user."""
    by_password(place, "wrong-password")
    error = refused("audit", code=1, says="The username or password is wrong.")
    assert error["status"] == 401
    assert [entry.operation for entry in place.ledger] == [TOKENS, TOKENS]


def test_a_password_without_a_domain(place, by_password, refused, monkeypatch):
    """What a password needs besides is named before anything is sent."""
    by_password(place)
    monkeypatch.delenv("WSOPS_DOMAIN")
    refused("audit", code=1, says="a password needs domain")
    assert len(place.ledger) == 0


def test_a_right_password(place, by_password, wsops):
    """User, password and domain are enough; the project is looked up when it is not given."""
    by_password(place)
    assert wsops("audit", "--json").document["pools"] == 4
    assert asked_for_tokens(place) == 1


def test_a_project_by_its_region(place, wsops, monkeypatch):
    """Without WSOPS_PROJECT_ID the project is the one that IAM knows by the region's name."""
    monkeypatch.delenv("WSOPS_PROJECT_ID")
    assert wsops("audit", "--json").document["pools"] == 4


def test_a_region_without_a_project(place, refused, monkeypatch):
    """A region that IAM does not know is said."""
    monkeypatch.delenv("WSOPS_PROJECT_ID")
    monkeypatch.setenv("WSOPS_REGION", "nowhere-1")
    refused("audit", code=1, says="IAM knows 0 projects named 'nowhere-1'")


def test_a_key_from_the_environment(place, by_key, wsops):
    """AK and SK of the official variables sign every request."""
    by_key(place)
    assert wsops("audit", "--json").document["pools"] == 4
    assert {entry.who for entry in place.ledger} == {"aksk"}


def test_a_key_from_the_credentials_file(place, wsops, monkeypatch, tmp_path):
    """The official credentials file is read, at its usual place and at a given one."""
    monkeypatch.delenv("WSOPS_TOKEN")
    usual = tmp_path / "home" / ".huaweicloud" / "credentials"
    usual.parent.mkdir(parents=True)
    usual.write_text(f"[basic]\nak = {place.ak}\nsk = {place.sk}\n")
    usual.chmod(0o600)
    assert wsops("audit", "--json").document["pools"] == 4
    given = usual.rename(tmp_path / "given")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(given))
    assert wsops("audit", "--json").document["pools"] == 4
    assert {entry.who for entry in place.ledger} == {"aksk"}


def test_a_temporary_key(fleet, at, by_key, wsops):
    """A temporary key sends its security token along."""
    place = at(fleet(security_token="sts-token-of-some-length"))
    place.cloud.identity = place.cloud.access.identity
    object.__setattr__(place.cloud.identity, "security_token", "sts-token-of-some-length")
    by_key(place, HUAWEICLOUD_SDK_SECURITY_TOKEN="sts-token-of-some-length")
    assert wsops("audit", "--json").document["pools"] == 4
    object.__setattr__(place.cloud.identity, "security_token", None)


def test_a_wrong_key(place, by_key, wsops, refused):
    """At most two requests leave with a bad signature: the sixth would lock the key."""
    by_key(place, sk="wrong" * 8)
    for command in (("audit",), ("plan", "repair"), ("doctor",)):
        before = len(place.ledger)
        done = wsops(*command, "--json", code=1)
        assert "APIGW.0301" in done.out
        assert len(place.ledger) - before <= 2
        place.cloud.access._bad = 0


def test_a_wrong_key_in_many_threads(fleet, open_ws, monkeypatch):
    """Twenty threads that begin together with a bad key send two requests at the most."""
    place = fleet()
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", place.ak)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "wrong" * 8)
    ws = open_ws(place, token=None, auth="aksk")

    def attempt(_):
        with pytest.raises(NotAllowed):
            ws.pools()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(attempt, range(20)))
    assert len(place.ledger) <= 2


@pytest.mark.parametrize("minutes", [14, 16, 20, 600])
def test_a_clock_that_is_off_within_a_day(fleet, at, by_key, wsops, minutes):
    """The signing time follows the service's clock; the doctor says how far off one's own is."""
    place = at(fleet())
    by_key(place)
    place.cloud.advance(minutes * 60)
    assert wsops("audit", "--json").document["pools"] == 4
    refused_ones = [entry for entry in place.ledger if entry.status == 401]
    assert len(refused_ones) <= 1
    assert json.loads(wsops("doctor", "--json").out)


def test_a_clock_that_is_off_by_days(fleet, at, by_key, refused):
    """A clock that is days off is refused in plain words, after one request."""
    place = at(fleet())
    by_key(place)
    place.cloud.advance(3 * 86_400)
    refused("audit", code=1, says="more than 15 minutes")
    assert len(place.ledger) == 2


def test_nothing_of_this_leaks_into_the_next_test():
    """Secrets stay registered: what was loaded once is masked for the rest of the process."""
    assert scrub("no secret here") == "no secret here"
