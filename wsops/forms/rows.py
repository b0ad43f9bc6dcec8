"""The row picker: chooses rows of a list, such as failed desktops or runs."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets

from wsops.errors import PlanError
from wsops.forms.form import (
    STYLE,
    Form,
    beside,
    button,
    facts,
    heading,
    keep,
    kept,
    plain,
    remark,
    say,
    stacked,
    wide,
)
from wsops.markup import Markup
from wsops.summary import Place

_ROWS = 10


class RowPicker(Form[tuple[str, ...]]):
    """Chooses rows by their label; the value is their keys, in the order given.

    Args:
        what: what the rows are, such as "failed desktops"; the heading.
        rows: the labels by key.
        chosen: the keys chosen at first.
        place: where they are; a choice is kept for one place only.
    """

    def __init__(
        self,
        what: str,
        rows: Mapping[str, str],
        chosen: tuple[str, ...] = (),
        *,
        place: Place | None = None,
    ) -> None:
        self._what, self._rows = what, dict(rows)
        self._strange = tuple(key for key in chosen if key not in self._rows)
        self._key = ("rows", place, what, tuple(rows), chosen)
        taken = kept(self._key, chosen)
        self._list = widgets.SelectMultiple(
            options=[(plain(label), key) for key, label in self._rows.items()],
            value=tuple(key for key in taken if key in self._rows),
            rows=min(_ROWS, max(2, len(self._rows))),
            description="Rows",
            layout=wide(),
            style=STYLE,
        )
        self._all = button("Take all", "check")
        self._remark = remark()
        title = heading(f"Which {what}? Ctrl or Shift takes several.")
        self.widget = stacked(title, self._list, beside(self._all), self._remark)
        self._list.observe(lambda _: self._changed(), "value")
        self._all.on_click(lambda _: self._take_all())
        self._tell()

    @property
    def value(self) -> tuple[str, ...]:
        """The keys that are chosen.

        Raises:
            PlanError: the parameters name a key that is not there.
        """
        if self._strange:
            raise PlanError(self.problem, remedy="give keys that are there, or none")
        return self._taken()

    def _taken(self) -> tuple[str, ...]:
        return tuple(key for key in self._rows if key in self._list.value)

    @property
    def problem(self) -> str:
        """Says which of the keys chosen at first are not there."""
        return f"not among the {self._what}: {', '.join(self._strange)}" if self._strange else ""

    def html(self) -> Markup:
        """Give the chosen rows."""
        names = [self._rows[key] for key in self._taken()]
        shown = ", ".join(names[:_ROWS]) or "none"
        more = f" and {len(names) - _ROWS} more" if len(names) > _ROWS else ""
        problem = f"; {self.problem}" if self.problem else ""
        chosen = f"{len(names)} of {len(self._rows)}{problem}"
        return facts({self._what: shown + more, "chosen": chosen})

    def _take_all(self) -> None:
        self._list.value = tuple(self._rows)

    def _changed(self) -> None:
        keep(self._key, self._taken())
        self._tell()

    def _tell(self) -> None:
        say(self._remark, f"{len(self._taken())} of {len(self._rows)} {self._what}", self.problem)
