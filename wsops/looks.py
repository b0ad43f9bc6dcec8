"""How a state looks, in a terminal as on a page: a tone, and a sign beside it.

Colour is never the only signal. A word that nobody knows means that something has not ended.
"""

from __future__ import annotations

_TONES = {
    "good": "done left_in_use SUCCESS COMPLETE ok",
    "warn": "held partial interrupted not_ready stalled CONNECTED DISCONNECTED HIBERNATED session "
    "asleep warn",
    "bad": "failed rejected refused error mismatch missed gone beyond skipped FAIL FAILED ERROR "
    "DELETED fail died overdue",
    "open": "unknown running RUNNING WAITING",
    "quiet": "planned pending not_sent ACTIVE REGISTERED SHUTOFF STOPPED UNREGISTER info waiting "
    "not_started",
}
_TONE = {word: tone for tone, words in _TONES.items() for word in words.split()}
_SIGNS = {"good": "✓", "warn": "!", "bad": "✗", "open": "…", "quiet": "·"}
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red", "open": "cyan", "quiet": "dim"}
_UNTOLD = frozenset({"", "unknown"})


def tone_of(word: str, otherwise: str = "open") -> str:
    """Give the tone of a state: good, warn, bad, quiet, or open for what has not ended.

    `otherwise` is the tone of a word that nobody knows.
    """
    return _TONE.get(word, otherwise)


def sign_of(word: str) -> str:
    """Give the sign of a state: one character."""
    return "?" if word in _UNTOLD else _SIGNS[tone_of(word)]


def colour_of(word: str) -> str:
    """Give the colour of a state in a terminal."""
    return "magenta" if word in _UNTOLD else _COLOURS[tone_of(word)]


def worded(word: str) -> str:
    """Give a state with its sign in front, as people read it: "✓ left in use"."""
    return f"{sign_of(word)} {(word or 'unknown').replace('_', ' ')}"
