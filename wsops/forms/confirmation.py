"""The confirmation: once, by typing the profile's name and the number of desktops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import ipywidgets as widgets

from wsops.approval import by_typing, wanted_words
from wsops.drive import why
from wsops.errors import NotApproved
from wsops.forms.form import STYLE, Form, button, remark, say, stacked
from wsops.markup import Markup, element, face
from wsops.plan import Plan
from wsops.summary import Place, place_badge
from wsops.text import count

_FEW = 5  # pools that are named


class Confirmation(Form[str]):
    """Asks for the approval of a plan and passes it on, once; the value is the approval, "" before.

    Args:
        plan: what would be done.
        act: called once, with the approval; what it gives is shown below the button.

    A callback may come on another thread, and twice: only the first click that is right acts.
    Where acting fails it may be tried again; a plan that has become a run cannot become another.
    """

    def __init__(self, plan: Plan, act: Callable[[str], Form[object]]) -> None:
        self._plan, self._act = plan, act
        self._once = threading.Lock()
        self._asked = datetime.now().astimezone()
        self._approval = ""
        self._failed = ""
        self._shown: Form[object] | None = None
        self._words = widgets.Text(
            description="Type to confirm",
            placeholder="profile and number of desktops",
            continuous_update=True,
            layout=widgets.Layout(width="420px"),
            style=STYLE,
        )
        self._button = button(f"Apply to {count(plan.desktops, 'desktop')}", "bolt")
        self._button.button_style = "danger"
        self._remark = remark()
        row = widgets.HBox([self._words, self._button])
        self.widget = stacked(widgets.HTML(face(_question(plan))), row, self._remark)
        self._words.observe(lambda _: self._typed(), "value")
        self._button.on_click(lambda _: self._clicked())

    @property
    def value(self) -> str:
        """The approval that was given; "" where none was."""
        return self._approval

    @property
    def problem(self) -> str:
        """Says why the last click did not act; "" where there was none, or it did."""
        return self._failed

    @property
    def shown(self) -> Form[object] | None:
        """What acting gave to look at; None before."""
        return self._shown

    def html(self) -> Markup:
        """Give what was approved, and what it gave to look at."""
        if self._shown is not None:
            approved = element("p", f"approved: {self._approval}")
            return element("section", approved, self._shown.html())
        asked = f"asked {self._asked:%H:%M:%S}, nothing was sent by then; how it stands: "
        command = element("code", f"wsops status run-{self._plan.plan_id}")
        return element(
            "section", element("p", self._failed or asked, " ", command), class_="w-card"
        )

    def _typed(self) -> None:
        typed = " ".join(self._words.value.split())
        right = typed == wanted_words(self._plan)
        say(self._remark, "✓ this is it" if right else "", "" if right else self._wrong(typed))

    def _wrong(self, typed: str) -> str:
        return "" if wanted_words(self._plan).startswith(typed) else "that is not it"

    def _clicked(self) -> None:
        if not self._once.acquire(blocking=False):
            return
        self._button.disabled = True
        try:
            approval = self._approved()
            shown = self._act(approval)
        except Exception as error:  # noqa: BLE001  (a callback has nobody else to tell)
            refused = isinstance(error, NotApproved)
            self._failed = f"{error}; nothing was sent" if refused else why(error)
            say(self._remark, "", self._failed)
            self._button.disabled = False
            self._once.release()
            return
        # The lock is never given back: this form has done what it is for.
        self._approval, self._shown, self._failed = approval, shown, ""
        # What was asked for goes away with its button: there is nothing left to press twice.
        say(self._remark, f"✓ approved: {approval}")
        self._remark.remove_class("w-beside")
        self.widget.children = (self._remark, shown.widget)

    def _approved(self) -> str:
        if not self._words.value.strip():
            msg = "nothing was typed"
            raise NotApproved(msg, remedy=f"type {wanted_words(self._plan)!r}")
        return by_typing(self._plan, self._words.value)


def _question(plan: Plan) -> Markup:
    names = ", ".join(item.pool_name for item in plan.items[:_FEW])
    more = f" and {len(plan.items) - _FEW} more" if len(plan.items) > _FEW else ""
    ask = element(
        "p",
        place_badge(Place(environment=plan.environment)),
        element("b", f" To wipe and rebuild up to {count(plan.desktops, 'desktop')}, type "),
        element("code", wanted_words(plan)),
    )
    return ask + element("p", f"plan {plan.plan_id}: {names}{more}", class_="w-facts")
