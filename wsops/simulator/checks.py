"""The limits of request bodies, as the contract states them; each breach is a 400."""

from __future__ import annotations

from dataclasses import dataclass

from wsops.simulator.answers import bad_request
from wsops.simulator.options import HANDLE_TYPES
from wsops.simulator.records import Row

IMAGE_TYPES = ("gold", "private", "market")
ENCRYPT_TYPES = ("KEEP", "UNENCRYPTED", "ENCRYPTED")
MAX_DESKTOPS = 100  # of desktops/rebuild


@dataclass(frozen=True, slots=True)
class RebuildOrder:
    """A checked request to rebuild; fields that a region does not know are already gone."""

    image_id: str
    image_type: str | None
    os_type: str | None
    delay_time: int
    order_id: str | None
    is_fix: bool
    handle_type: str | None
    desktop_ids: tuple[str, ...] | None


def rebuild_order(fields: Row, *, modern: bool) -> RebuildOrder:
    """Check the body of a rebuild; an old region drops the newer fields unread."""
    text(fields, "message", 400)
    if modern:
        word(fields, "encrypt_type", ENCRYPT_TYPES)
        if fields.get("encrypt_type") == "ENCRYPTED" and not text(fields, "kms_id", 255):
            msg = "The parameter kms_id is required when encrypt_type is ENCRYPTED."
            raise bad_request(msg)
    return RebuildOrder(
        image_id=needed(fields, "image_id"),
        image_type=text(fields, "image_type", 255),
        os_type=text(fields, "os_type", 255),
        delay_time=minutes(fields),
        order_id=text(fields, "order_id", 255),
        is_fix=truth(fields, "is_fix"),
        handle_type=word(fields, "handle_type", HANDLE_TYPES) if modern else None,
        desktop_ids=ids(fields, "desktop_ids") if modern else None,
    )


def named_desktops(fields: Row) -> tuple[str, ...]:
    """Return the desktops of desktops/rebuild: 1 to 100 of them; image_type is required too."""
    found = ids(fields, "desktop_ids")
    if not found or len(found) > MAX_DESKTOPS:
        msg = f"The parameter desktop_ids must hold 1 to {MAX_DESKTOPS} desktops."
        raise bad_request(msg)
    if word(fields, "image_type", IMAGE_TYPES) is None:
        msg = "The parameter image_type is required."
        raise bad_request(msg)
    return found


def text(fields: Row, name: str, longest: int) -> str | None:
    """Return an optional text of at most `longest` characters."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        msg = f"The parameter {name} must be a string of at most {longest} characters."
        raise bad_request(msg)
    return value


def needed(fields: Row, name: str) -> str:
    """Return a required text of 1 to 255 characters."""
    value = text(fields, name, 255)
    if not value:
        msg = f"The parameter {name} is required and must hold 1 to 255 characters."
        raise bad_request(msg)
    return value


def word(fields: Row, name: str, known: tuple[str, ...]) -> str | None:
    """Return an optional word out of a closed list."""
    value = fields.get(name)
    if value is not None and value not in known:
        msg = f"The parameter {name} must be one of {', '.join(known)}."
        raise bad_request(msg)
    return value


def truth(fields: Row, name: str) -> bool:
    """Return an optional boolean, absent meaning false."""
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        msg = f"The parameter {name} must be true or false."
        raise bad_request(msg)
    return bool(value)


def minutes(fields: Row) -> int:
    """Return delay_time: a whole number from 0 to 15 (true and 1.0 are no numbers here)."""
    value = fields.get("delay_time")
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 15:
        msg = "The parameter delay_time must be an integer from 0 to 15."
        raise bad_request(msg)
    return value


def ids(fields: Row, name: str) -> tuple[str, ...] | None:
    """Return an optional list of identifiers."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        msg = f"The parameter {name} must be a list of identifiers."
        raise bad_request(msg)
    return tuple(dict.fromkeys(value))
