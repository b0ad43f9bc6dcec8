from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from wsops.simulator import signature
from wsops.simulator.access import Access, echo, new_identity
from wsops.simulator.answers import Refusal
from wsops.simulator.signature import Received


@pytest.fixture
def access(clock):
    return Access(new_identity(), clock)


def signed(access, clock, *, key=None, skew=0.0, **changes):
    """Sign a request by hand, word for word as the algorithm is published."""
    date = datetime.fromtimestamp(clock() + skew, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": "127.0.0.1:80", "x-sdk-date": date}
    body = b'{"a":1}'
    canonical = "\n".join(
        [
            "POST",
            "/v2/p/a%20b/",
            "limit=2&name=%C3%A9",
            f"host:127.0.0.1:80\nx-sdk-date:{date}\n",
            "host;x-sdk-date",
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = "\n".join(["SDK-HMAC-SHA256", date, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = (key or access.identity.sk).encode()
    made = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={access.identity.ak}, "
        f"SignedHeaders=host;x-sdk-date, Signature={made}"
    )
    parts = {
        "method": "POST",
        "path": "/v2/p/a%20b",
        "query": "name=%C3%A9&limit=2",
        "headers": headers,
        "body": body,
    }
    parts["headers"] |= changes.pop("headers", {})
    return Received(**parts | changes)


def reason(access, received):
    with pytest.raises(Refusal) as caught:
        access.admit(received)
    assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")
    return caught.value.message


def test_a_good_signature_is_admitted(access, clock) -> None:
    """A request signed as published comes in."""
    assert access.admit(signed(access, clock)) == "aksk"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/v2/p/other"},
        {"query": "name=x"},
        {"body": b'{"a":2}'},
        {"headers": {"host": "elsewhere"}},
        {"headers": {"x-sdk-content-sha256": "0" * 64}},
    ],
    ids=str,
)
def test_whatever_is_changed_after_signing_is_noticed(access, clock, change) -> None:
    """Method, path, query, headers and body are all covered."""
    assert "verify aksk signature fail" in reason(access, signed(access, clock, **change))


@pytest.mark.parametrize(("skew", "ok"), [(-901, False), (-899, True), (899, True), (901, False)])
def test_the_window_is_fifteen_minutes_wide_on_both_sides(access, clock, skew, ok) -> None:
    """A date further away is refused even when the signature is right."""
    received = signed(access, clock, skew=skew)
    if ok:
        assert access.admit(received) == "aksk"
    else:
        assert "expired" in reason(access, received)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Basic abc",
        "SDK-HMAC-SHA256 Access=x",
        "SDK-HMAC-SHA256 Access=nobody, SignedHeaders=host, Signature=00",
        "SDK-HMAC-SM3 Access=x, SignedHeaders=host, Signature=00",
    ],
)
def test_an_odd_authorization_is_refused(access, clock, text) -> None:
    """What is no signature of this algorithm by this key does not come in."""
    reason(access, signed(access, clock, headers={"authorization": text}))


def test_host_and_date_must_be_signed(access, clock) -> None:
    """A signature over too few headers proves nothing."""
    received = signed(access, clock)
    for names in ("x-sdk-date", "host", "host;x-sdk-date;absent"):
        said = signature.Claim(access.identity.ak, tuple(names.split(";")), "00")

        assert not signature.is_genuine(received, said, access.identity.sk)


@pytest.mark.parametrize("date", ["", "yesterday", "20260101T000000"])
def test_a_date_must_be_readable(access, clock, date) -> None:
    """Without a date in the published form nothing is compared."""
    assert "expired" in reason(access, signed(access, clock, headers={"x-sdk-date": date}))


def test_the_sixth_bad_signature_locks_the_key(access, clock) -> None:
    """Five bad ones are forgiven, after the sixth the right one is refused for five minutes."""
    for _ in range(5):
        reason(access, signed(access, clock, key="wrong"))
    assert access.admit(signed(access, clock)) == "aksk"
    for _ in range(6):
        reason(access, signed(access, clock, key="wrong"))

    assert "reach the limit" in reason(access, signed(access, clock))
    clock.skip(299)
    assert "reach the limit" in reason(access, signed(access, clock))
    clock.skip(2)
    assert access.admit(signed(access, clock)) == "aksk"


def test_a_temporary_key_needs_its_security_token(clock) -> None:
    """X-Security-Token has to come along and be the right one."""
    access = Access(new_identity("sts-token"), clock)

    assert "x-security-token" in reason(access, signed(access, clock))
    assert access.admit(signed(access, clock, headers={"x-security-token": "sts-token"})) == "aksk"


def test_a_bad_signature_is_answered_with_the_signed_headers(access, clock) -> None:
    """The gateway echoes what was signed on one line."""
    assert "host:127.0.0.1:80" in reason(access, signed(access, clock, key="wrong"))
    assert "\n" not in echo(signed(access, clock))


def test_tokens_expire_and_can_be_revoked(access, clock) -> None:
    """24 hours, unless taken back before; one, or all."""
    first, expires = access.issue()
    second, _ = access.issue()

    def admitted(token):
        return access.admit(Received("GET", "/", "", {"x-auth-token": token}, b""))

    assert (admitted(first), expires - clock()) == ("token", 86_400)
    access.revoke(first)
    with pytest.raises(Refusal, match="decrypt token fail"):
        admitted(first)
    assert admitted(second) == "token"
    clock.skip(86_400)
    with pytest.raises(Refusal, match="token expires"):
        admitted(second)
    access.adopt("mine")
    assert admitted("mine") == "token"
    access.revoke()
    with pytest.raises(Refusal):
        admitted("mine")


def test_without_credentials_nobody_comes_in(access) -> None:
    """Neither token nor signature is a 401."""
    assert "x-auth-token not found" in reason(access, Received("GET", "/", "", {}, b""))


def test_secrets_stay_out_of_the_repr(access) -> None:
    """Printing an identity shows no secret; two identities share none."""
    shown, other = repr(access.identity), new_identity()

    assert access.identity.sk not in shown
    assert access.identity.password not in shown
    assert other.sk != access.identity.sk
