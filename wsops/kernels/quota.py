"""How much of what a cell puts out is kept: enough to read, not enough to fill a disk."""

from __future__ import annotations

import json
from typing import Any, Final

from wsops.redact import scrub
from wsops.summary import MIME

MOST = 10_000_000
"""Characters of a cell's outputs that are kept."""

_OF_AN_ERROR: Final = 100_000
"""Characters of an error that are kept beside: they say what to do."""

_CUT: Final = "\n[more came here than is kept]\n"

Message = dict[str, Any]


class Quota:
    """What one cell may still put out."""

    def __init__(self) -> None:
        self._most = self._left = MOST

    def kept(self, message: Message) -> Message | None:
        """Give a message of the kernel as it is to be kept; None where nothing of it is."""
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                text = self._cut(content["text"])
                return _with(message, text=text) if text else None
            case "display_data" | "execute_result":
                return self._shown(message, self._left, self._most)
            case "update_display_data":  # takes the place of what was there
                return self._shown(message, self._most, 0)
            case "clear_output":
                self._left = self._most
            case "error":
                return _short(message)
        return message

    def _cut(self, text: str) -> str:
        left = self._left
        self._left -= min(left, len(text))
        # Half a secret would not be recognised afterwards.
        return text if len(text) <= left else scrub(text)[:left] + _CUT if left else ""

    def _shown(self, message: Message, room: int, counted: int) -> Message:
        """Keep a bundle, or of one that is too large what a report and a batch read of it."""
        data = message["content"]["data"]
        size = sum(_size(part) for kind, part in data.items() if kind != MIME)
        if size > room:
            told: dict[str, Any] = {"text/plain": f"[an output of {size:,} characters is not kept]"}
            told |= {MIME: data[MIME]} if MIME in data else {}
            return _with(message, data=told, metadata={})
        self._left -= min(size, counted)
        return message


def _size(part: object) -> int:
    return len(part) if isinstance(part, str) else len(json.dumps(part))


def _short(message: Message) -> Message:
    """Keep the beginning of an error's words, and the end of its traceback."""
    content = message["content"]
    value, lines = content["evalue"], "\n".join(content["traceback"])
    if len(value) + len(lines) <= _OF_AN_ERROR:
        return message
    if len(value) > _OF_AN_ERROR:
        value = scrub(value)[:_OF_AN_ERROR] + _CUT
    traceback = (_CUT + scrub(lines)[-_OF_AN_ERROR:]).split("\n")
    return _with(message, evalue=value, traceback=traceback)


def _with(message: Message, **content: object) -> Message:
    return {**message, "content": {**message["content"], **content}}
