"""Markdown of cells as HTML, with the headings that the table of contents is made of."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Heading:
    """A heading of a notebook; its level is that of the markdown."""

    level: int
    text: str
    anchor: str


@dataclass
class Outline:
    """What the headings of a notebook amount to: its title, and the others in their order."""

    title: str = ""
    headings: list[Heading] = field(default_factory=list)

    def add(self, level: int, text: str) -> str:
        """Take a heading in; gives its anchor, "" for the title, which stands elsewhere."""
        if level == 1 and not self.title and not self.headings:
            self.title = text
            return ""
        anchor = f"s-{len(self.headings) + 1}"
        self.headings.append(Heading(level, text, anchor))
        return anchor


class _Renderer(IPythonRenderer):
    """Headings one level down, for the page has its own first one, each with an anchor."""

    def __init__(self, outline: Outline, attachments: Mapping[str, Any]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=dict(attachments))
        self.outline = outline

    def heading(self, text: str, level: int, **_: Any) -> str:  # noqa: ANN401
        anchor = self.outline.add(level, html.unescape(_TAGS.sub("", text)).strip())
        tag = f"h{min(level + 1, 6)}"
        return f'<{tag} id="{anchor}">{text}</{tag}>\n' if anchor else ""


def to_html(source: str, outline: Outline, attachments: Mapping[str, Any] | None = None) -> str:
    """Give the HTML of a markdown text, not yet cleaned; its headings go into the outline."""
    renderer = _Renderer(outline, attachments or {})
    try:
        return str(MarkdownWithMath(renderer=renderer).render(source))
    except (InvalidNotebook, RecursionError):  # a picture that is not there, a hundred brackets
        return f"<pre>{html.escape(source)}</pre>"
