"""How much of what a cell puts out is kept: enough to read, not enough to fill a disk."""

from __future__ import annotations

from typing import Any

MOST = 10_000_000
"""Characters of a cell's outputs that are kept."""

_CUT = "\n[more came here than is kept]\n"

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
            case "error":
                value = self._cut(content["evalue"])
                traceback = self._cut("\n".join(content["traceback"])) or _CUT
                return _with(message, evalue=value, traceback=traceback.split("\n"))
        return message

    def _cut(self, text: str) -> str:
        left = self._left
        self._left -= min(left, len(text))
        return text if len(text) <= left else text[:left] + _CUT if left else ""

    def _shown(self, message: Message, room: int, counted: int) -> Message:
        parts = message["content"]["data"].values()
        size = sum(len(part) for part in parts if isinstance(part, str))
        if size > room:
            told = {"text/plain": f"[an output of {size:,} characters is not kept]"}
            return _with(message, data=told, metadata={})
        self._left -= min(size, counted)
        return message


def _with(message: Message, **content: object) -> Message:
    return {**message, "content": {**message["content"], **content}}
