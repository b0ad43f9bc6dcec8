"""Words of pages: instants, lengths of time, states and counts as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from wsops.looks import tone_of, worded
from wsops.summary import counted
from wsops.text import lasting, visible

_LONGEST = 2000
_COUNTED = {"mismatches": "bad", "in use": "warn"}


def when(at: datetime | None) -> str:
    """Give an instant as the clock on the wall said it, with that clock's offset."""
    if at is None:
        return ""
    offset = at.strftime("%z")
    shown = f"UTC{offset[:3]}:{offset[3:5]}" if offset else "offset unknown"
    return f"{at:%Y-%m-%d %H:%M:%S} ({'UTC' if offset == '+0000' else shown})"


def took(start: datetime | None, end: datetime | None) -> str:
    """Give the time between two instants as people say it; "" where it is not known."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return ""
    return lasting(max(0.0, (end - start) / timedelta(seconds=1)))


def as_text(value: object) -> object:
    """Give what stands in braces as text: characters that steer a reader's eye become visible."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if len(value) <= _LONGEST and value.isascii() and value.isprintable():
        return value  # as most are: nothing of it could become visible
    return visible(value, _LONGEST)


def _share(per_cent: float) -> str:
    return f"{per_cent:.3f}%"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tone(name: str) -> str:
    """Give how a count looks, by what it counts: ends of desktops have a tone, things have none."""
    return _COUNTED.get(name) or tone_of(name.replace(" ", "_"), "quiet")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "when": when,
    "took": took,
    "words": _words,
    "tone": _tone,
    "state_tone": tone_of,
    "worded": worded,
    "counted": counted,
    "lasting": lasting,
    "share": _share,
}
"""What the templates of pages call them."""
