"""Secrets never come out, in whatever form they travel."""

import base64
import json
import logging
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops import redact

SECRET = "S3cr\"e't/+väl ue\\x"


@pytest.fixture(autouse=True)
def registered():
    redact.register(SECRET)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_registered_secret_is_removed_in_every_form(form):
    """Raw, URL-encoded, escaped as in JSON or Python, and base64."""
    text = f"before {form} after"

    assert redact.leaks(text)
    assert SECRET not in redact.scrub(text)
    assert not redact.leaks(redact.scrub(text))


@pytest.mark.parametrize(
    "line",
    [
        "X-Auth-Token: MIIabcdef123",
        "x-security-token=abcdef",
        "'X-Subject-Token': 'abcdef'",
        "Authorization: SDK-HMAC-SHA256 Access=AKAK, SignedHeaders=a;b, Signature=0123abc",
        "canonicalRequest:GET|/|x-auth-token:abcdef",
    ],
)
def test_credential_headers_are_removed_even_when_nobody_registered_them(line):
    """What the gateway echoes of signed headers is not shown."""
    shown = redact.scrub(line)

    assert not any(word in shown for word in ("MIIabcdef123", "abcdef", "AKAK", "0123abc"))


NAMES = ("X-Auth-Token", "x-service-token", "AUTHORIZATION", "Proxy-Authorization", "SIGNATURE")
PIECES = st.sampled_from(
    [*NAMES, "access", "MII", ":", "=", " ", "'", "a", "x-", "\n", "acce\u017fs"]
)


@given(pieces=st.lists(PIECES, max_size=12))
def test_no_text_is_left_unread_that_a_pattern_would_find_something_in(pieces):
    """Words are looked for first, in any case; what they leave out holds no name of a secret."""
    text = "".join(pieces)
    read = text
    for pattern, (_, masked) in redact._NAMED.items():
        read = pattern.sub(masked, read)

    assert redact.scrub(text) == read


def test_a_token_is_known_by_its_face():
    """Nobody registered it: a kernel fetched it. Base64 that only holds such letters stays."""
    token = "MII" + "aB3-_x" * 60
    picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA/" + token

    for before in ("token='", "OS_TOKEN=", "?token=", "/v3/auth/tokens/", "\\n", "\x1b[1m", "%20"):
        assert redact.scrub(f"{before}{token}';") == f"{before}***';"
    assert redact.scrub(quote("MII" + "aB3+/x" * 60)) == "***"
    assert redact.leaks(f"<td>{token}</td>")
    assert redact.scrub(picture) == picture
    assert not redact.leaks(picture)


def test_short_values_do_not_blank_innocent_text():
    """A password of three letters is not worth making every message unreadable."""
    redact.register("abc")

    assert redact.scrub("abcdef") == "abcdef"


def test_log_records_and_their_tracebacks_are_scrubbed(caplog):
    """The filter rewrites message, arguments and traceback."""
    filter_ = redact.RedactingFilter()
    info = (ValueError, ValueError(SECRET), None)
    record = logging.LogRecord("wsops", logging.INFO, "f", 1, "got %s", (SECRET,), info)

    assert filter_.filter(record)
    assert SECRET not in logging.Formatter().format(record)
    assert "ValueError" in logging.Formatter().format(record)
