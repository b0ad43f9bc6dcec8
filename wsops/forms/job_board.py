"""The job board: a run on its way, with a button to let go of it."""

from __future__ import annotations

import time
from typing import Any

import ipywidgets as widgets

from wsops.board import Board
from wsops.drive import Drive, why
from wsops.forms.form import Form, button
from wsops.markup import Markup, dressed, element, face, join


class JobBoard(Form[Board]):
    """Shows a run while it is driven; the value is the board as it stands.

    Only traits are changed from the thread that drives: that is all that ipywidgets allow.
    """

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self._page = widgets.HTML()
        self._detach = button("Detach", "chain-broken", "Stop following; the cloud goes on.")
        self._detach.on_click(lambda _: self._let_go())
        self.widget = widgets.VBox([self._page, widgets.HBox([self._detach, self._hint()])])
        drive.watch(lambda _: self._show())

    @property
    def value(self) -> Board:
        """The board as it stands."""
        return self.drive.board

    def html(self) -> Markup:
        """Give the board, and what became of following it."""
        page = self.value.html(time.monotonic())
        return join([page, self._told()])

    def _told(self) -> Markup:
        told = Markup()
        if self.drive.error is not None:
            told = element("p", element("b", f"✗ {why(self.drive.error)}"), class_="w-problem")
        if self.drive.detached or (self.drive.over and not self.value.ended):
            command = element("code", f"wsops resume {self.value.run_id}")
            words = "detached; what was sent goes on in the cloud: "
            told += element("p", words, command, class_="w-next")
        return told

    def _hint(self) -> Any:  # noqa: ANN401
        stop = element("code", f"wsops stop {self.drive.run_id}")
        words = join(["stops following, nothing else; to send no further pool: ", stop])
        return widgets.HTML(dressed(element("p", words, class_="w-facts")))

    def _let_go(self) -> None:
        self._detach.disabled = True
        self.drive.detach()
        self._show()

    def _show(self) -> None:
        self._page.value = face(self.html())
        if self.value.ended or self.drive.over:
            self.widget.children = (self._page,)  # nobody is left to let go
