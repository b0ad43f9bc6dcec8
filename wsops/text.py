"""Server text is data: what it may do to a terminal, a page or a log is decided here."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

_LONGEST = 300


def visible(text: str, longest: int = _LONGEST) -> str:
    """Give the text with control and direction characters made visible, cut to `longest`.

    An escape sequence cannot reach the terminal, and a right-to-left override cannot make a name
    read like another one.
    """
    shown = "".join(_shown(character) for character in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"


def is_plain(character: str) -> bool:
    """Tell whether a character can neither steer a terminal nor change how others read."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def instant(at: datetime) -> str:
    """Give an instant as people of several time zones read it: to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def count(number: int, thing: str) -> str:
    """Give a number of things in words: "1 pool", "2 pools"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def lasting(seconds: float) -> str:
    """Give a length of time as people say it: "45 s", "3 min 20 s", "1 h 05 min"."""
    minutes, rest = divmod(abs(round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 else ""
    if hours:
        return f"{sign}{hours:,} h {minutes:02} min"
    return f"{sign}{minutes} min {rest:02} s" if minutes else f"{sign}{rest} s"


def _shown(character: str) -> str:
    return character if is_plain(character) else f"\\u{ord(character):04x}"
