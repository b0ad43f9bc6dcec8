"""Values by the types of a notebook's parameters: text is read, never run.

Where the annotation is none that is known, only a Python literal is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from wsops.batch.spec.kinds import Foreign, Kind
from wsops.batch.spec.parse import expression, json_of, literal
from wsops.batch.spec.plain import Unfit, check_length, check_plain, shown

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOTHING = frozenset({"none", "null", "~"})


def read_value(kind: Kind, given: object) -> Any:  # noqa: ANN401  (plain JSON)
    """Give a value as its parameter takes it.

    Args:
        kind: as `kind_of` gives it.
        given: text, which is read by the kind, or what JSON had, which must be of the kind.

    Raises:
        Unfit: it is not of the kind, or is nothing that JSON can say; says why.
    """
    if isinstance(given, str):
        check_length(given)
    value = _read(kind, given)
    check_plain(value)
    return value


def _read(kind: Kind, given: object) -> Any:  # noqa: ANN401  (plain JSON)
    return _READERS[get_origin(kind) or kind](given, get_args(kind))


def _text(given: object, _: Sequence[Kind]) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | float):
        msg = f"{shown(given)} is not text; give it in quotes: IDs are text"
        raise Unfit(msg)
    raise _unfit(given, "is not text")


def _whole(given: object, _: Sequence[Kind]) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        return int(given)
    raise _unfit(given, "is not a whole number")


def _decimal(given: object, _: Sequence[Kind]) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        check_plain(given)  # JSON has numbers that are too large for a float
        return float(given)
    if isinstance(given, str) and _DECIMAL.fullmatch(given):
        return float(given)
    raise _unfit(given, "is not a number")


def _flag(given: object, _: Sequence[Kind]) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in _FLAGS:
        return _FLAGS[given.lower()]
    raise _unfit(given, "is neither true nor false")


def _nothing(given: object, _: Sequence[Kind]) -> None:
    if given is not None and not (isinstance(given, str) and given.lower() in _NOTHING):
        raise _unfit(given, "is not nothing")


def _choice(given: object, members: Sequence[Kind]) -> Any:  # noqa: ANN401  (plain JSON)
    for one in members:
        if given == str(one) or (given == one and type(given) is type(one)):
            return one
    raise _unfit(given, f"is none of {', '.join(map(str, members))}")


def _either(given: object, members: Sequence[Kind]) -> Any:  # noqa: ANN401  (plain JSON)
    """Read the first kind that fits; text stays text wherever it may be text: IDs are."""
    for one in sorted(members, key=lambda one: one is not str):
        try:
            return _read(one, given)
        except Unfit:
            continue
    raise _unfit(given, "fits no type of its parameter")


def _list(given: object, inner: Sequence[Kind]) -> list[Any]:
    found = _opened(given, list, 'a list in JSON, such as ["a", "b"]')
    return [_read(inner[0], one) for one in found] if inner else found


def _dict(given: object, inner: Sequence[Kind]) -> dict[str, Any]:
    found = _opened(given, dict, 'an object in JSON, such as {"a": "b"}')
    return {key: _read(inner[1], one) for key, one in found.items()} if inner else found


def _literal(given: object, _: Sequence[Kind]) -> Any:  # noqa: ANN401  (plain JSON)
    if not isinstance(given, str):
        return given
    try:
        return literal(expression(given))
    except Unfit:
        raise _unfit(given, "is not a Python literal, and no other value is taken here") from None


def _opened(given: object, wanted: type[Any], what: str) -> Any:  # noqa: ANN401  (JSON)
    try:
        found = json_of(given) if isinstance(given, str) else given
    except Unfit as error:
        raise _unfit(given, f"is not {what}: it {error}") from None
    if not isinstance(found, wanted):
        raise _unfit(given, f"is not {what}")
    return found


def _unfit(given: object, why: str) -> Unfit:
    return Unfit(f"{shown(given)} {why}")


_READERS: dict[Any, Any] = {
    str: _text,
    int: _whole,
    float: _decimal,
    bool: _flag,
    NoneType: _nothing,
    Literal: _choice,
    Union: _either,
    UnionType: _either,
    list: _list,
    dict: _dict,
    Foreign: _literal,
}
