"""The confirmation: once, by typing the profile's name and the number of desktops."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets

from wsops.approval import by_typing, wanted_words
from wsops.drive import why
from wsops.errors import NotApproved, WsopsError
from wsops.forms.form import Form, heading, remark, say
from wsops.markup import Markup, element
from wsops.plan import Plan
from wsops.text import count

_WIDE = widgets.Layout(width="30em")
_STYLE = {"description_width": "9em"}


class Confirmation(Form[str]):
    """Asks for the approval of a plan and passes it on, once; the value is the approval, "" before.

    Args:
        plan: what would be done.
        act: called once, with the approval; what it gives is shown below the button.

    A callback may come on another thread, and twice: the button is disabled first, and only the
    first click that is right acts.
    """

    def __init__(self, plan: Plan, act: Callable[[str], Form[object]]) -> None:
        self._plan, self._act = plan, act
        self._once = threading.Lock()
        self._approval = ""
        self._failed = ""
        self._shown: Form[object] | None = None
        self._words = widgets.Text(
            description="Type to confirm",
            placeholder="profile and number of desktops",
            continuous_update=True,
            layout=_WIDE,
            style=_STYLE,
        )
        self._button = widgets.Button(
            description=f"Apply to {count(plan.desktops, 'desktop')}",
            button_style="danger",
            icon="bolt",
            layout=widgets.Layout(width="auto"),
        )
        self._remark = remark()
        ask = f"To wipe and rebuild, type the profile's name and the number: {wanted_words(plan)}"
        row = widgets.HBox([self._words, self._button])
        self.widget = widgets.VBox([heading(ask), row, self._remark])
        self._words.observe(lambda _: self._typed(), "value")
        self._button.on_click(lambda _: self._clicked())

    @property
    def value(self) -> str:
        """The approval that was given; "" where none was."""
        return self._approval

    @property
    def shown(self) -> Form[object] | None:
        """What acting gave to look at; None before."""
        return self._shown

    def html(self) -> Markup:
        """Give what was approved, and what it gave to look at."""
        if self._shown is not None:
            approved = element("p", f"approved: {self._approval}")
            return element("section", approved, self._shown.html())
        state = self._failed or "waiting for the confirmation; nothing was sent"
        return element("section", element("p", state), class_="w-card")

    def _typed(self) -> None:
        typed = " ".join(self._words.value.split())
        right = typed == wanted_words(self._plan)
        say(self._remark, "✓ this is it" if right else "", "" if right else self._wrong(typed))

    def _wrong(self, typed: str) -> str:
        return "" if wanted_words(self._plan).startswith(typed) else "that is not it"

    def _clicked(self) -> None:
        self._button.disabled = True
        # A second click, on this thread or another, finds the lock taken and does nothing.
        if not self._once.acquire(blocking=False):
            return
        try:
            self._approval = self._approved()
            if self._approval:
                self._shown = self._act(self._approval)
        except WsopsError as error:
            self._failed = why(error)
            self._approval = "" if isinstance(error, NotApproved) else self._approval
            say(self._remark, "", self._failed)
        if self._shown is not None:
            self._words.disabled = True
            say(self._remark, f"approved: {self._approval}")
            self.widget.children = (*self.widget.children, self._shown.widget)
        elif not self._approval:
            self._button.disabled = False
            self._once.release()

    def _approved(self) -> str:
        if not self._words.value.strip():
            msg = "nothing was typed"
            raise NotApproved(msg, remedy=f"type {wanted_words(self._plan)!r}")
        return by_typing(self._plan, self._words.value)
