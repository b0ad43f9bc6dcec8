"""What was really sent: every request received, without any credential."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from wsops.simulator.records import Row


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it arrived and how it ended; headers are never kept."""

    seq: int  # from 1, in the order of arrival
    at: float  # simulated epoch seconds
    method: str
    path: str
    query: str
    body: object  # parsed JSON, text, or None; None for requests that carry a password
    body_sha256: str
    operation: str | None  # operationId; None when no such API exists
    request_id: str
    pool_id: str | None = None
    status: int | None = None  # None while unanswered, and for ever when no answer was given
    executed: bool = False
    job_id: str | None = None  # the job that the request started
    fault: str | None = None  # the kind of fault that hit it
    who: str = "none"  # token, aksk or none

    def row(self) -> Row:
        """Return the entry as JSON values."""
        return asdict(self)


def fingerprint(body: bytes) -> str:
    """Return the SHA-256 of the exact bytes of a body."""
    return hashlib.sha256(body).hexdigest()


class Ledger:
    """The entries in order; safe to read from other threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def note(self, **fields: object) -> int:
        """Write a request that has arrived, and return its number."""
        with self._lock:
            seq = len(self._entries) + 1
            self._entries.append(Entry(seq=seq, **fields))  # type: ignore[arg-type]
            return seq

    def amend(self, seq: int, **fields: object) -> None:
        """Complete an entry with what became of the request."""
        with self._lock:
            self._entries[seq - 1] = replace(self._entries[seq - 1], **fields)  # type: ignore[arg-type]

    def entries(self, operation: str | None = None, since: int = 0) -> list[Entry]:
        """Return the entries after number `since`, all or those of one operation."""
        with self._lock:
            found = self._entries[max(0, since) :]
        return [entry for entry in found if operation in (None, entry.operation)]

    def __iter__(self) -> Iterator[Entry]:
        """Walk over a copy of the entries."""
        return iter(self.entries())

    def __len__(self) -> int:
        """Return how many requests have arrived."""
        return len(self._entries)
