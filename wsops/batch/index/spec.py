"""What an index carries of its batch: put there so that nothing ends it early, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from markupsafe import Markup
from pydantic import Field, ValidationError

from wsops.batch.records import SCHEMA, Batch, Spec
from wsops.batch.summing import runs_of
from wsops.errors import SettingsError
from wsops.models import Record

NAME = "wsops-batch"
"""The id of the element that holds it."""

LARGEST = 64 * 1024 * 1024
"""Bytes of an index; a larger one was not made by us."""

_REMEDY = "give the index.html in the folder of a batch, or its name: `wsops batch list` has them"
_LIVE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}
_STEP = 1024 * 1024  # characters that are looked at in one go; in the first of them it begins


class Carried(Record):
    """What an index carries: its batch, and how each row stood, by number."""

    version: int = Field(alias="schema")
    batch_id: str
    spec: Spec
    words: Mapping[int, str] = Field(default_factory=dict)


def carried(batch: Batch) -> Markup:
    """Give it as JSON that no text in it can end: no angle bracket, nothing but ASCII."""
    spec = batch.spec.model_dump(mode="json", by_alias=True)
    words = {run.row.number: run.word for run in runs_of(batch)}
    document = {"schema": SCHEMA, "batch_id": batch.batch_id, "spec": spec, "words": words}
    return Markup(json.dumps(document).translate(_LIVE))  # noqa: S704  (escaped just now)


def read_carried(path: Path) -> Carried:
    """Read what an index carries: the name of its batch, its spec, and how its rows stood.

    Raises:
        SettingsError: the file is not there, too large, or no index of ours.
    """
    found = _carried_by(path)
    try:
        document = Carried.model_validate_json(found)
    except ValidationError:
        raise _refusal(path, "carries no spec that can be read") from None
    if document.version != SCHEMA:
        raise _refusal(path, f"carries a spec of schema {document.version}; this wsops reads 1")
    return document


def _carried_by(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise _refusal(path, f"has {size // 1024**2} MiB: that is no index")
        page = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refusal(path, "is not an index: it is not text") from None
    return _found_in(page) or _none_in(path)


def _found_in(page: str) -> str:
    """Give what stands in our element, read no further than its end; "" where there is none."""
    finder = _Finder()
    for start in range(0, len(page), _STEP):
        try:
            finder.feed(page[start : start + _STEP])
        except AssertionError:  # a declaration that no page of ours has
            return ""
        if finder.ended or not finder.begun:
            break
    return "".join(finder.found) if finder.ended else ""


def _none_in(path: Path) -> str:
    raise _refusal(path, "is not the index of a batch")


def _refusal(path: Path, what: str) -> SettingsError:
    return SettingsError(f"{path} {what}", remedy=_REMEDY)


class _Finder(HTMLParser):
    """Takes the text of the first element that has our id, and of no other."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.begun = self.ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.begun |= tag == "script" and ("id", NAME) in attrs

    def handle_data(self, data: str) -> None:
        if self.begun and not self.ended:
            self.found.append(data)

    def handle_endtag(self, _tag: str) -> None:
        self.ended |= self.begun
