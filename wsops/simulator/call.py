"""One request as the cloud sees it: an operation with its words, no HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from wsops.simulator.answers import EMPTY_REQUEST, Refusal, bad_request
from wsops.simulator.records import Row


@dataclass(frozen=True)
class Call:
    """A request to one operation; `query` keeps order and repetitions."""

    operation: str
    method: str = "GET"
    pool_id: str = ""
    job_id: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @cached_property
    def words(self) -> dict[str, str]:
        """Return the query with the first value of each name."""
        return dict(reversed(self.query))

    @cached_property
    def parsed(self) -> object:
        """Return the body as JSON, as text when it is none, or None when it is empty."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return self.body.decode(errors="replace")

    @cached_property
    def facts(self) -> dict[str, object]:
        """Return what a scripted fault may be matched against."""
        body = self.parsed if isinstance(self.parsed, dict) else {}
        return {
            **body,
            **self.words,
            "operation": self.operation,
            "method": self.method,
            **{key: value for key in ("pool_id", "job_id") if (value := getattr(self, key))},
        }

    def fields(self) -> Row:
        """Return the body as an object; raises Refusal (400) when it is none."""
        if not self.body:
            raise Refusal(400, EMPTY_REQUEST, "empty request")
        if not isinstance(self.parsed, dict):
            msg = "The request body is not a JSON object."
            raise bad_request(msg)
        return self.parsed

    def number(self, name: str, default: int, maximum: int) -> int:
        """Return a query parameter between 0 and `maximum`; raises Refusal (400) otherwise."""
        text = self.words.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= maximum):
            msg = f"The parameter {name} must be an integer from 0 to {maximum}."
            raise bad_request(msg)
        return int(text)

    def flag(self, name: str) -> bool | None:
        """Return a query parameter as a truth value; raises Refusal (400) for another word."""
        text = self.words.get(name)
        if text is None:
            return None
        if text.lower() not in ("true", "false"):
            msg = f"The parameter {name} must be true or false."
            raise bad_request(msg)
        return text.lower() == "true"
