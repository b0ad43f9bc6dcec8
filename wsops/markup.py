"""HTML that our faces are made of: every text escaped, every trick in it made visible.

What a server sent is text, never markup. `element` builds from parts that are escaped unless
they are markup already; a notebook gets the one style sheet with each face, a report once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

from wsops.text import visible

__all__ = ["Markup", "bundle", "dressed", "element", "face", "join", "style", "text"]

_LONGEST_PLAIN = 2000  # characters


def text(value: object, longest: int = 300) -> Markup:
    """Give a value as text of a page: cut, control characters visible, escaped."""
    return value if isinstance(value, Markup) else escape(visible(str(value), longest))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Give an element; `class_` and `data_kind` stand for class and data-kind.

    Children that are not markup yet are escaped; attributes that are None or False are left out.
    """
    named = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), text(value, 1000))
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), named, join(children))  # noqa: S704


def join(parts: Iterable[object]) -> Markup:
    """Give the parts one after the other, each escaped unless it is markup."""
    return Markup("").join(text(part) for part in parts)


@cache
def style() -> str:
    """Give the style sheet of all faces."""
    return files("wsops").joinpath("faces.css").read_text(encoding="utf-8")


def face(body: Markup) -> str:
    """Give a body as a notebook shows it: inside our class, with the style sheet beside it."""
    sheet = element("style", Markup(style()))  # noqa: S704  (our own file)
    return f"{sheet}{dressed(body)}"


def bundle(body: Markup, plain: str) -> dict[str, str]:
    """Give both faces of an output: a page's, and one for where there are only letters."""
    return {"text/html": face(body), "text/plain": visible(plain, _LONGEST_PLAIN)}


def dressed(body: Markup) -> str:
    """Give a body inside our class, for where the style sheet stands beside another one.

    JupyterLab would set `$…$` in a name as a formula: what is there would not be what is read.
    """
    return str(element("div", body, class_="wsops mathjax_ignore"))
