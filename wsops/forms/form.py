"""What all forms are: a value with two faces, one of widgets and one of plain HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import ipywidgets as widgets

from wsops.markup import Markup, bundle, dressed, element, face, text
from wsops.text import visible

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

STYLE = {"description_width": "130px"}
"""How wide the labels are: the same in every form, so that the fields stand below each other."""

_kept: dict[Hashable, Any] = {}


def keep(key: Hashable, value: object) -> None:
    """Remember what a person chose, for when the same cell is run again."""
    _kept[key] = value


def kept(key: Hashable, otherwise: V) -> V:
    """Give what was chosen under a key in this kernel, else what the parameters say.

    The key holds the parameters: where these change, an earlier choice is forgotten.
    """
    found: V = _kept.get(key, otherwise)
    return found


class Form(ABC, Generic[V_co]):
    """A value with a face: `value` is frozen, `problem` says what is wrong with it, "" if nothing.

    `widget` is what a person sees; `html` what a report shows. Widget state is never needed to
    read a notebook: the plain face goes along with it.
    """

    widget: Any

    @property
    @abstractmethod
    def value(self) -> V_co:
        """What is chosen now."""

    @property
    def problem(self) -> str:
        """What is wrong with what is chosen; "" where nothing is."""
        return ""

    @abstractmethod
    def html(self) -> Markup:
        """Give the plain face: what was chosen, in words."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Give the widgets, and beside them what a reader without a kernel sees."""
        shown = self.widget._repr_mimebundle_(**kwargs)
        widget = dict(shown[0] if isinstance(shown, tuple) else shown or {})
        body = self.html()
        return widget | bundle(body, Markup(body).striptags())


def stacked(*parts: Any) -> Any:  # noqa: ANN401
    """Give the parts of a form below each other, looking as our style sheet says."""
    box = widgets.VBox(parts)
    box.add_class("w-fields")
    return box


def wide(**more: str) -> Any:  # noqa: ANN401
    """Give the layout of a field: as wide as the page allows, up to what the eye likes."""
    return widgets.Layout(width="100%", max_width="660px", **more)


def button(words: str, icon: str, tooltip: str = "") -> Any:  # noqa: ANN401
    """Give a button that is as wide as its words."""
    layout = widgets.Layout(width="auto")
    return widgets.Button(description=words, icon=icon, tooltip=tooltip or None, layout=layout)


def beside(*parts: Any) -> Any:  # noqa: ANN401
    """Give parts in a row that begins where the fields begin, not their labels."""
    row = widgets.HBox(parts)
    row.add_class("w-beside")
    return row


def heading(words: str) -> Any:  # noqa: ANN401
    """Give the heading of a form."""
    return widgets.HTML(face(element("p", element("b", words))))


def remark() -> Any:  # noqa: ANN401
    """Give a line for what is chosen and what is wrong; filled by `say`."""
    line = widgets.HTML()
    line.add_class("w-beside")
    return line


def say(line: Any, words: str, problem: str = "") -> None:  # noqa: ANN401
    """Fill a remark; a problem has a mark of its own, not only a colour."""
    told = element("b", f"✗ {problem}", class_="w-problem") if problem else ""
    line.value = dressed(element("p", words, " " if words and problem else "", told, role="status"))


def plain(value: str) -> str:
    """Give a server's text as a widget shows it as text: control characters visible, cut."""
    return visible(value, 120)


def facts(rows: dict[str, object]) -> Markup:
    """Give names and values as a small table, for a plain face."""
    lines = [
        element("tr", element("th", name, scope="row"), " ", element("td", text(value)), " ")
        for name, value in rows.items()
    ]
    return element("table", element("tbody", *lines), class_="w-table w-form")
