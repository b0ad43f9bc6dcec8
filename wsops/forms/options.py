"""The options of a rebuild: delay, message, orders, and what becomes of desktops in use."""

from __future__ import annotations

from typing import Literal

import ipywidgets as widgets

from wsops.choice import Choice, check_choice
from wsops.errors import PlanError
from wsops.forms.form import (
    STYLE,
    Form,
    facts,
    heading,
    keep,
    kept,
    remark,
    say,
    stacked,
    wide,
)
from wsops.markup import Markup
from wsops.parameters import read_flag, read_number, read_pairs
from wsops.settings import Limits
from wsops.summary import Place

_SPARE, _TAKE = "left alone", "wiped, too"


class RebuildOptions(Form[Choice]):
    """Chooses how a repair or a rebuild is done; the value is a `Choice`.

    Args:
        kind: repair or rebuild.
        limits: of the profile; by the API definitions of 2025 a delay of 0-15 minutes and a
            message of up to 400 characters.
        place: where it is done; a choice is kept for one place only.
        delay_time: minutes that users get.
        message: shown to the users.
        orders: POOL=ORDER,… for billed images on yearly pools.
        include_in_use: wipe desktops that someone uses, too.

    Raises:
        PlanError: a number or a flag came as something else.
    """

    def __init__(  # noqa: PLR0913  (one argument a field)
        self,
        kind: Literal["repair", "rebuild"],
        limits: Limits,
        *,
        place: Place | None = None,
        delay_time: int = 0,
        message: str = "",
        orders: str = "",
        include_in_use: bool = False,
    ) -> None:
        self._kind, self._limits = kind, limits
        taken = read_flag(include_in_use, "include_in_use")
        seeds = (read_number(delay_time, "delay_time"), message, orders, taken)
        self._key = ("options", place, kind, *seeds)
        delay, words, order, taken = kept(self._key, seeds)
        self._delay = widgets.IntText(
            value=delay,
            description="Delay (minutes)",
            continuous_update=True,
            layout=widgets.Layout(width="220px"),
            style=STYLE,
        )
        self._message = widgets.Textarea(
            value=words, description="Message to users", layout=wide(), style=STYLE, rows=2
        )
        self._orders = widgets.Text(
            value=order,
            description="Orders",
            placeholder="POOL=ORDER,…  only for billed images on yearly pools",
            layout=wide(),
            style=STYLE,
        )
        self._use = widgets.RadioButtons(
            options=[_SPARE, _TAKE],
            value=_TAKE if taken else _SPARE,
            description="Desktops in use",
            style=STYLE,
        )
        self._remark = remark()
        fields = [self._delay, self._message, self._orders, self._use]
        self.widget = stacked(heading("How?"), *fields, self._remark)
        for field in fields:
            field.observe(lambda _: self._changed(), "value")
        self._tell()

    @property
    def value(self) -> Choice:
        """What is chosen, as a `Choice` without an image.

        Raises:
            PlanError: the orders are no pairs.
        """
        return Choice(
            kind=self._kind,
            delay_time=self._delay.value,
            message=self._message.value.strip(),
            orders=read_pairs(self._orders.value, "orders"),
            include_in_use=self._use.value == _TAKE,
        )

    @property
    def problem(self) -> str:
        """Says what breaks a limit."""
        try:
            # A rebuild's image is chosen elsewhere.
            check_choice(self.value.model_copy(update={"kind": "repair"}), self._limits)
        except PlanError as error:
            return str(error)
        return ""

    def html(self) -> Markup:
        """Give the options in words."""
        return facts(
            {
                "delay": f"{self._delay.value} minutes",
                "message": self._message.value.strip() or "none",
                "orders": self._orders.value.strip() or "none",
                "desktops in use": self._use.value,
            }
            | ({"problem": f"✗ {self.problem}"} if self.problem else {})
        )

    def _changed(self) -> None:
        now = (self._delay.value, self._message.value, self._orders.value, self._use.value == _TAKE)
        keep(self._key, now)
        self._tell()

    def _tell(self) -> None:
        length = len(self._message.value.strip())
        say(self._remark, f"message: {length} of {self._limits.message_max}", self.problem)
