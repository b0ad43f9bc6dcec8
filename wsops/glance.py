"""Glances at a page of desktops: what of each an audit needs, read many times as fast as a record.

What a glance does not understand is left to the records of models.py: they alone say what a desktop
is, and what is wrong with an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from wsops.audited import Glance
from wsops.listing import L, Part


class _Metadata(msgspec.Struct):
    image_id: str = msgspec.field(name="metering.image_id")
    image_name: str | None = None


class _Row(msgspec.Struct):
    """A desktop at a glance; a page with one without an image, which is rare, is read whole."""

    id: str = msgspec.field(name="desktop_id")
    metadata: _Metadata
    inconsistent_types: tuple[str, ...] | None = None
    computer_name: str | None = None
    user_name: str | None = None
    user_list: tuple[str, ...] | None = None
    status: str | None = None
    task_status: str | None = None
    login_status: str | None = None
    availability_zone: str | None = None
    os_version: str | None = None

    @property
    def image_id(self) -> str:
        return self.metadata.image_id

    @property
    def image_name(self) -> str | None:
        return self.metadata.image_name

    @property
    def users(self) -> tuple[str, ...]:
        return self.user_list or ((self.user_name,) if self.user_name else ())


class _Page(msgspec.Struct):
    rows: list[_Row] = msgspec.field(name="pool_desktops")
    total_count: int | None = None
    error: Any = None
    error_code: Any = None


_PAGE = msgspec.json.Decoder(_Page)


def glance(content: bytes, take: Callable[[Glance], L | None]) -> Part[L] | None:
    """Take from each desktop of a page what is wanted of it.

    Args:
        content: the body of the answer.
        take: gives what to keep of a desktop, None for one that is only counted.

    Returns:
        The part; None where the body is anything but a page of desktops without a flaw.
    """
    try:
        page = _PAGE.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if page.error is not None or page.error_code is not None:
        return None
    return Part.taken(page.rows, take, page.total_count)
