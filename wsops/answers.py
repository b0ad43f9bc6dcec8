"""A bare answer of the service, and the error that it stands for.

This is the one place where httpx's exceptions and the service's error bodies become ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from wsops.errors import MISSING_RIGHT, BadAnswer, CloudRefused, CloudUnreachable, refusal_for
from wsops.pace import retry_after
from wsops.redact import scrub

_REQUEST_ID_HEADERS = ("X-Request-Id", "X-Openstack-Request-Id")
_SHOWN = 300
_READ = 1 << 20
_FIELDS = ("error_code", "error_msg", "error_detail", "encoded_authorization_message")

LONGEST_BODY = 64 << 20
"""The longest body that is read, unpacked, in bytes; a page of 1000 rows has 2 MB."""

_PACKINGS = frozenset({"", "identity", "gzip", "deflate"})

NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)
"""Exceptions that prove that no byte of the request was sent."""


class Oversized(httpx.DecodingError):
    """An answer that is too long to be one, or packed so that its length cannot be bounded.

    One of httpx's, not of ours: it comes after the request was sent.
    """


@dataclass(frozen=True)
class Answer:
    """What came back: status, body, request ID; `generation` is that of the credentials used."""

    status: int
    content: bytes = field(repr=False)
    method: str = "POST"
    path: str = ""
    request_id: str | None = None
    retry_after: float | None = None
    generation: str = ""
    content_type: str = field(default="", repr=False)

    @classmethod
    def of(cls, response: httpx.Response, method: str, path: str, generation: str) -> Answer:
        """Read a response to its end, and take what we need of it.

        Raises:
            httpx.RequestError: its body did not come as it should.
        """
        ids = (response.headers.get(name) for name in _REQUEST_ID_HEADERS)
        return cls(
            status=response.status_code,
            content=_body(response),
            method=method,
            path=path,
            request_id=next((scrub(found)[:128] for found in ids if found), None),
            retry_after=retry_after(response.headers.get("Retry-After")),
            generation=generation,
            content_type=response.headers.get("Content-Type", ""),
        )

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is anything else."""
        try:
            found = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def error(self) -> dict[str, str | None]:
        """The service's four error fields; IAM nests its own under "error", by shorter names."""
        inner = self.document.get("error")
        nested = inner if isinstance(inner, dict) else {}
        short = {"error_code": nested.get("code"), "error_msg": nested.get("message")}
        layers = (self.document, nested, short)
        return {name: _words(next(_present(layers, name), None)) for name in _FIELDS}

    @property
    def error_code(self) -> str | None:
        """The service's code, where the body has one, whatever the status says."""
        return self.error["error_code"]

    @property
    def credentials_good(self) -> bool | None:
        """Whether they were found good; None where nobody says so: a gateway refuses before that.

        What the service itself has answered has passed the gateway, which looks at them.
        """
        if self.status == 401:
            return False
        return True if self.status < 300 or self.from_service else None

    @property
    def from_service(self) -> bool:
        """Whether the service itself has answered an error, not what stands before it."""
        return (self.error_code or "").startswith("WKS.")

    @property
    def means_missing(self) -> bool:
        """Whether it says "not found" in spite of its status (WKS.0202 comes as 500)."""
        return self.error_code == "WKS.0202"

    def shown(self) -> str:
        """Give the start of the body, without secrets, for a message or the journal."""
        # The whole is scrubbed, then cut: half a secret would not be recognised.
        return scrub(self.content[:_READ].decode("utf-8", "replace"))[:_SHOWN]


def _body(response: httpx.Response) -> bytes:
    """Read and unpack the body, and give the connection back."""
    with closing(response):
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        if packing not in _PACKINGS:
            msg = f"the answer is packed as {scrub(packing)[:40]!r}"
            raise Oversized(msg)
        pieces, length = [], 0
        for piece in response.iter_bytes():
            length += len(piece)
            if length > LONGEST_BODY:
                msg = f"the answer is longer than {LONGEST_BODY >> 20} MiB"
                raise Oversized(msg)
            pieces.append(piece)
        return b"".join(pieces)


def _present(layers: Iterable[dict[str, Any]], name: str) -> Iterator[Any]:
    return (layer[name] for layer in layers if layer.get(name) is not None)


def _words(value: object) -> str | None:
    """Give what a server says as text that can be kept: JSON may hold half a character."""
    if value is None:
        return None
    return scrub(str(value).encode("utf-8", "replace").decode())


def error_for(answer: Answer) -> CloudRefused | BadAnswer:
    """Make the error that an answer stands for."""
    error = answer.error
    if not any(error.values()) and answer.status < 400:
        return bad_answer(answer, None)
    code, said = error["error_code"], error["error_msg"]
    words = [f"HTTP {answer.status}", code or "", said or answer.shown() or "without a word"]
    if error["error_detail"]:
        words.append(f"({error['error_detail'][:_SHOWN]})")
    told = error["encoded_authorization_message"]
    return refusal_for(answer.status, code)(
        " ".join(word for word in words if word),
        status=answer.status,
        code=code,
        error_msg=said,
        detail=error["error_detail"],
        encoded_authorization_message=told,
        remedy=MISSING_RIGHT if told or answer.status == 403 else None,
        method=answer.method,
        path=answer.path,
        request_id=answer.request_id,
    )


def bad_answer(answer: Answer, error: Exception | None) -> BadAnswer:
    """Make the error of an answer that is not in the contract, such as a log-in page."""
    if "html" in answer.content_type:
        what = "a web page came instead of JSON: a proxy or a log-in page answered"
    elif error is not None:
        what = f"the answer does not fit the contract: {_first_line(error)}"
    else:
        what = f"unexpected HTTP {answer.status}"
    return BadAnswer(
        f"{what}; it begins {answer.shown()[:120]!r}",
        method=answer.method,
        path=answer.path,
        request_id=answer.request_id,
    )


def unreachable(error: httpx.RequestError, method: str, path: str) -> CloudUnreachable | BadAnswer:
    """Make the error of a read that got no usable answer."""
    what = scrub(str(error)) or type(error).__name__
    if isinstance(error, NEVER_LEFT):
        return CloudUnreachable(f"cannot connect: {what}", method=method, path=path)
    if isinstance(error, Oversized):
        return BadAnswer(what, method=method, path=path)
    return BadAnswer(
        f"the connection broke: {type(error).__name__}: {what}",
        method=method,
        path=path,
        remedy="run it again; if it stays, look at the network or the proxy",
    )


def _first_line(error: Exception) -> str:
    problems = getattr(error, "errors", None)
    if callable(problems):
        first = problems(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
