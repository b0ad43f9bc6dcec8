"""The words of how a row stands: verdicts of an attempt, and what it is before it has one.

Verdicts are those of `verdicts.EXIT_CODES`, and four of an attempt alone: died (its kernel or its
worker), overdue, interrupted, not_started.
"""

from __future__ import annotations

FINE = frozenset({"done", "left_in_use", "planned"})
"""Nobody has to look at it."""

OPEN = ("unknown", "running")
"""Nobody knows its end yet, the worst first: it may have sent, and is not tried again."""

NOT_BEGUN = frozenset({"waiting", "not_started"})
"""Nothing of it was begun."""

AGAIN = frozenset(
    {"failed", "error", "died", "overdue", "interrupted", "refused", "rejected"}
    | {"partial", "not_started"}
)
"""What `batch retry --failed` tries again."""

BROKE_OFF = frozenset({"error", "died", "overdue", "interrupted"})
"""The notebook did not come to an end of its own."""
