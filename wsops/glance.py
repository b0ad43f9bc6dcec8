"""Glances at a page of desktops, and reads those of them alone that are wanted.

Most desktops run their pool's image and are only counted; to read a whole one takes several times
as long as to see which image it runs. What a glance does not understand is left to the records of
models.py: they alone say what a desktop is, and what is wrong with an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from typing import Any

import msgspec

from wsops.listing import Part
from wsops.models import Desktop, Glance

Keep = Callable[[Glance], bool]


class _Metadata(msgspec.Struct):
    image_id: str = msgspec.field(name="metering.image_id")


class _Row(msgspec.Struct):
    """A desktop at a glance; a page with one without an image, which is rare, is read whole."""

    id: str = msgspec.field(name="desktop_id")
    metadata: _Metadata
    types: tuple[str, ...] | None = msgspec.field(default=None, name="inconsistent_types")

    @property
    def image_id(self) -> str:
        return self.metadata.image_id

    @property
    def inconsistent_types(self) -> tuple[str, ...]:
        return self.types or ()


class _Page(msgspec.Struct):
    rows: list[_Row] = msgspec.field(name="pool_desktops")
    total_count: int | None = None
    error: Any = None
    error_code: Any = None


class _Rows(msgspec.Struct):
    rows: list[msgspec.Raw] = msgspec.field(name="pool_desktops")


_GLANCED = msgspec.json.Decoder(_Page)
_UNREAD = msgspec.json.Decoder(_Rows)


def glance(content: bytes, keep: Keep) -> Part[Desktop] | None:
    """Take from a page of desktops those for which `keep` is true.

    Of the others the ID, the image and `inconsistent_types` are checked, and nothing else.

    Returns:
        The part; None where the body is anything but a page of desktops without a flaw.
    """
    try:
        page = _GLANCED.decode(content)
        if page.error is not None or page.error_code is not None:
            return None
        wanted = [keep(row) for row in page.rows]
        # Going through the body twice is quicker than giving each of its rows to the decoder.
        raws = compress(_UNREAD.decode(content).rows, wanted) if any(wanted) else ()
        kept = [Desktop.model_validate_json(bytes(raw)) for raw in raws]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return Part([row.id for row in page.rows], kept, page.total_count)
