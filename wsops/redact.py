"""What may never appear in an output: live secrets, and headers that carry them.

Values are registered when they are loaded; `scrub` then removes each of them from any text, in
the forms in which a secret travels (raw, URL-encoded, base64, escaped as in JSON or Python).
Removing by value is the only way that also works on text the server sends back (APIGW.0301 echoes
the signed headers).
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 6  # a shorter value would blank innocent text everywhere

_HEADERS = re.compile(
    r"(?i)\b(x-auth-token|x-subject-token|x-security-token|authorization|proxy-authorization"
    r"|x-service-token)\b([\"']?\s*[:=]\s*[\"']?)(?:[^\s\"',;&}]+(?:\s+Access=[^\"'\r\n]+)?)"
)
_SIGNATURE = re.compile(r"(?i)\b(Signature|Access)=[0-9A-Za-z+/=]+")
_TOKEN = re.compile(
    r"MII(?<![0-9A-Za-z+/_-]{24}MII)(?:[0-9A-Za-z+/=_-]|%2[BFbf]|%3[Dd]|\\[nr]|\n){200,}"
)
"""A token of IAM, known by its face: a kernel may have fetched one that nobody else has seen.

Not inside of a longer run of such letters, which is a picture. What it begins with stands first,
for that is looked for quickly.
"""

_NAMED = {
    _HEADERS: (("token", "authorization"), rf"\1\2{MASK}"),
    _SIGNATURE: (("signature=", "access="), rf"\1={MASK}"),
}
"""What takes the place of each, and words of which one is in whatever it finds: to look for them
takes a tenth of the time, and hardly a text has one."""

_USERINFO = re.compile(r"//[^/@\s]*@")
_SECRET_NAMES = re.compile(
    r"(?i)((^|_)(ak|sk|pass|pwd)($|_)|token|secret|passw|credential|(api|access)_?key|(^|_)key($|_))"
)

_lock = threading.Lock()
_forms: tuple[str, ...] = ()


def register(*secrets: str | None) -> None:
    """Remember live secrets, so that `scrub` removes them from then on."""
    global _forms  # noqa: PLW0603  (one registry a process: a secret is secret everywhere)
    fresh = {form for secret in secrets if secret for form in _forms_of(secret)}
    with _lock:
        # The longest first: a secret that contains another one must go as a whole.
        _forms = tuple(sorted(fresh | set(_forms), key=len, reverse=True))


def scrub(text: str) -> str:
    """Give the text without any registered secret, credential header or token of IAM."""
    for form in _forms:
        if form in text:
            text = text.replace(form, MASK)
    text = _TOKEN.sub(MASK, text)
    folded = text.casefold()
    for pattern, (words, masked) in _NAMED.items():
        if any(word in folded for word in words):
            text = pattern.sub(masked, text)
    return text


def scrubbed(node: Any, leave: Collection[str] = ()) -> Any:  # noqa: ANN401  (JSON)
    """Give a copy of a JSON document with each of its texts and keys scrubbed, and fit for a file.

    Args:
        node: the document: mappings, lists, texts, whatever else JSON has.
        leave: keys whose values stay as they are.
    """
    known = cache(lambda text: scrub(_encodable(text)))  # most texts come many times

    def copied(part: Any) -> Any:  # noqa: ANN401
        if isinstance(part, str):
            return known(part)
        if isinstance(part, dict):
            return type(part)(
                (copied(key), value if key in leave else copied(value))
                for key, value in part.items()
            )
        return [copied(one) for one in part] if isinstance(part, list | tuple) else part

    return copied(node)


def without_password(text: str) -> str:
    """Give the text with the user and password of each URL in it masked."""
    return _USERINFO.sub(f"//{MASK}@", text)


def leaks(text: str) -> bool:
    """Tell whether the text holds a registered secret in any of its forms, or a token of IAM."""
    return any(form in text for form in _forms) or _TOKEN.search(text) is not None


def looks_secret(name: str) -> bool:
    """Tell whether a name is one that people give to secrets."""
    return _SECRET_NAMES.search(name) is not None


def _encodable(text: str) -> str:
    """Give a text that can be written to a file: JSON may hold halves of characters."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _forms_of(secret: str) -> Iterable[str]:
    if len(secret) < _SHORTEST:
        return ()
    encoded = base64.b64encode(secret.encode()).decode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    }


class RedactingFilter(logging.Filter):
    """A logging filter that scrubs the finished message and its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; never drops it."""
        record.msg, record.args = scrub(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = scrub(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
