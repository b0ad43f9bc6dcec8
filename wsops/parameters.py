"""The parameters of a notebook as they are written: one line of text may hold several values."""

from __future__ import annotations

from wsops.errors import PlanError

ANY = "*"
"""The key that stands for every pool."""


def read_pairs(text: str, what: str) -> dict[str, str]:
    """Read a parameter of pairs, KEY=VALUE,…; spaces around them do not count.

    Args:
        text: the parameter.
        what: its name, for the refusal.

    Raises:
        PlanError: a part is no pair, or a key comes twice.
    """
    pairs: dict[str, str] = {}
    for part in read_list(text):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if not key or not value or key in pairs:
            msg = f"{what} wants KEY=ID,…, each key once; {part[:60]!r} is not one"
            raise PlanError(msg)
        pairs[key] = value
    return pairs


def read_images(text: str) -> dict[str, frozenset[str]]:
    """Read the parameter `expect_images`: ID,… for every pool, or POOL=ID,… for single ones.

    Raises:
        PlanError: a part names no image.
    """
    images: dict[str, frozenset[str]] = {}
    for part in read_list(text):
        left, equals, right = (piece.strip() for piece in part.partition("="))
        pool, image = (left, right) if equals else (ANY, left)
        if not pool or not image:
            msg = f"expect_images wants ID,… or POOL=ID,…; {part[:60]!r} is not one"
            raise PlanError(msg)
        images[pool] = images.get(pool, frozenset()) | {image}
    return images


def read_flag(value: object, what: str) -> bool:
    """Read a parameter that is True or False; text, such as "False", is neither.

    Raises:
        PlanError: it is anything else.
    """
    if isinstance(value, bool):
        return value
    msg = f"{what} is {str(value)[:60]!r}, which is neither True nor False"
    raise PlanError(msg, remedy=f"give {what} as True or False, without quotes")


def read_number(value: object, what: str) -> int:
    """Read a parameter that is a whole number; text, a fraction or a flag is none.

    Raises:
        PlanError: it is anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    msg = f"{what} is {str(value)[:60]!r}, which is not a whole number"
    raise PlanError(msg, remedy=f"give {what} as a number: papermill -p, not -r")


def read_list(text: str) -> tuple[str, ...]:
    """Read a parameter of several values, separated by commas."""
    return tuple(part for piece in text.split(",") if (part := piece.strip()))
