"""SDK-HMAC-SHA256 from the side of the service: recompute a request's signature and compare."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
WINDOW = 15 * 60  # seconds between X-Sdk-Date and the service's clock
_FIELDS = re.compile(
    r"Access=(?P<ak>[^,\s]+),\s*SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<sig>[0-9a-f]+)"
)


@dataclass(frozen=True, slots=True)
class Received:
    """The parts of a request that a signature covers; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says."""

    access_key: str
    signed: tuple[str, ...]
    signature: str


def claim(authorization: str) -> Claim | None:
    """Read an Authorization header, or return None when it is not of this algorithm."""
    algorithm, _, rest = authorization.partition(" ")
    found = _FIELDS.fullmatch(rest.strip())
    if algorithm != ALGORITHM or not found:
        return None
    return Claim(found["ak"], tuple(found["names"].split(";")), found["sig"])


def signed_at(received: Received) -> float | None:
    """Return the instant in X-Sdk-Date as epoch seconds, or None when it is missing or odd."""
    try:
        text = received.headers.get("x-sdk-date", "")
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def is_genuine(received: Received, said: Claim, secret_key: str) -> bool:
    """Return whether this secret key made this signature for exactly this request."""
    if (
        not {"host", "x-sdk-date"} <= set(said.signed)
        or not set(said.signed) <= received.headers.keys()
    ):
        return False
    payload = _payload_hash(received)
    if payload is None:
        return False
    canonical = canonical_request(received, said.signed, payload)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, received.headers["x-sdk-date"], digest))
    wanted = hmac.new(secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, said.signature)


def canonical_request(received: Received, signed: tuple[str, ...], payload: str) -> str:
    """Return the six parts of a request in their canonical form."""
    path = "/".join(quote(part, safe="~") for part in unquote(received.path).split("/"))
    pairs = sorted(parse_qsl(received.query, keep_blank_values=True))
    query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)
    headers = "".join(f"{name}:{received.headers[name].strip()}\n" for name in signed)
    return "\n".join(
        (
            received.method.upper(),
            path if path.endswith("/") else path + "/",
            query,
            headers,
            ";".join(signed),
            payload,
        )
    )


def _payload_hash(received: Received) -> str | None:
    """Return the hash to sign, or None when the header promises another body than this."""
    actual = hashlib.sha256(received.body).hexdigest()
    promised = received.headers.get("x-sdk-content-sha256")
    if promised in (None, actual) or not received.body:
        return actual
    return promised if promised == "UNSIGNED-PAYLOAD" else None
