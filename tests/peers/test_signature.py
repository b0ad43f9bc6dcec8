"""The official signer against our verification: whatever it signs, we accept, and nothing else."""

from __future__ import annotations

import json

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given, settings
from hypothesis import strategies as st

from wsops.simulator import signature
from wsops.simulator.signature import Received

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    parts=st.lists(st.text("abcXYZ019-._~ é%", min_size=1, max_size=8), min_size=1, max_size=4),
    query=st.dictionaries(NAMES, st.one_of(TEXT, st.integers(0, 999), st.booleans()), max_size=4),
    body=st.one_of(
        st.just(b""), st.dictionaries(NAMES, TEXT, min_size=1).map(lambda d: json.dumps(d).encode())
    ),
    extra=TEXT,
)
def test_what_the_official_signer_signs_is_genuine(method, parts, query, body, extra) -> None:
    """Odd characters in path, query, headers and body included; another key is never accepted."""
    path = "/" + "/".join(part.replace("%", "%25").replace(" ", "%20") for part in parts)
    request = SdkRequest(
        method=method,
        schema="http",
        host="127.0.0.1:80",
        resource_path=path,
        uri=path,
        query_params=list(query.items()),
        body=body,
        header_params={"Content-Type": "application/json", "X-Extra": extra.strip() or "x"},
    )
    signed = Signer(BasicCredentials("AK", "SK", "p")).sign(request)
    headers = {name.lower(): _as_sent(value) for name, value in signed.header_params.items()}
    received = Received(
        method, signed.uri.partition("?")[0], signed.uri.partition("?")[2], headers, body
    )
    said = signature.claim(headers["authorization"])

    assert said.access_key == "AK"
    assert signature.is_genuine(received, said, "SK")
    assert not signature.is_genuine(received, said, "KS")


def _as_sent(value):
    """Return a header's text: the signer leaves UTF-8 bytes dressed as Latin-1."""
    return value.encode("latin-1").decode()
