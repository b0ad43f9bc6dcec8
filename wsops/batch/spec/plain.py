"""Plain values: what JSON can say, bounded; and how a message shows one."""

from __future__ import annotations

import json
import math
from typing import Any

from wsops.redact import scrub
from wsops.text import visible

LONGEST = 10_000
"""Characters of one value."""

_DEEPEST = 16
_LARGEST = 2**63  # what a database, and most readers of JSON, still hold
_SHOWN = 60


class Unfit(ValueError):
    """Something of a spec does not do; says why, as a clause that follows its name."""


def shown(value: object) -> str:
    """Give a value as a message shows it: on one line, short, and without a secret."""
    return visible(scrub(repr(value)), _SHOWN)


def check_plain(value: object) -> None:
    """Refuse what JSON cannot say, or what is too large to be a parameter.

    Raises:
        Unfit: it is anything but str, int, float, bool, None, and lists and dicts of these.
    """
    if isinstance(value, list | dict):
        _check_nested(value, _DEEPEST)
        check_length(json.dumps(value, ensure_ascii=False))
    else:
        _check_single(value)


def check_length(text: str) -> None:
    """Refuse a text that is longer than a value may be.

    Raises:
        Unfit: it is.
    """
    if len(text) > LONGEST:
        msg = f"has {len(text):,} characters; a value has at most {LONGEST:,}"
        raise Unfit(msg)


def _check_nested(value: list[Any] | dict[Any, Any], deeper: int) -> None:
    if not deeper:
        msg = f"is nested more than {_DEEPEST} deep"
        raise Unfit(msg)
    parts = value if isinstance(value, list) else [*value, *value.values()]
    for one in parts:
        if isinstance(one, list | dict):
            _check_nested(one, deeper - 1)
        else:
            _check_single(one)
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        msg = "has a key that is no text"
        raise Unfit(msg)


def _check_single(value: object) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            msg = f"{value} is not a finite number"
            raise Unfit(msg)
    elif isinstance(value, int):
        if not -_LARGEST <= value < _LARGEST:
            msg = "is a number of more than 64 bits"
            raise Unfit(msg)
    elif value is not None:
        msg = f"{shown(value)} is nothing that JSON can say"
        raise Unfit(msg)


def _check_text(text: str) -> None:
    check_length(text)
    if "\0" in text:
        msg = f"{shown(text)} holds a NUL character"
        raise Unfit(msg)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"{shown(text)} holds half a character"
        raise Unfit(msg)
