"""Rows against the notebook that shall run them: names, types, secrets, and none twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wsops.batch.spec.declared import Notebook
from wsops.batch.spec.given import Empty, Given, Source, not_among
from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.problems import Problems
from wsops.batch.spec.typed import read_value
from wsops.redact import leaks, looks_secret

APPLY: Final = "apply"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True)
class Setting:
    """A value for all rows; `origin` is who gave it, such as --set."""

    origin: str
    name: str
    value: object


@dataclass(frozen=True)
class Checked:
    """A row with its values as the notebook takes them.

    `own` is what it says itself, `values` also what all rows are given, `whole` also the facts and
    the notebook's defaults, as far as these are plain to see.
    """

    place: str
    label: str
    own: Mapping[str, Any]
    values: Mapping[str, Any]
    facts: Mapping[str, Any]
    whole: Mapping[str, Any]


class Checking:
    """Checks rows against a notebook, and collects what is wrong with them."""

    def __init__(self, notebook: Notebook, problems: Problems) -> None:
        self._parameters = notebook.parameters
        self._defaults = notebook.defaults
        self._required = [one.name for one in notebook.parameters.values() if one.required]
        self._problems = problems
        self._fit: dict[str, bool] = {}

    def rows(self, source: Source, settings: Iterable[Setting]) -> tuple[Checked, ...]:
        """Give the rows of a source with the values that hold for all of them.

        What is wrong is told to the problems; rows with faults are then among the rows.
        """
        everywhere, origins = self._everywhere(settings)
        defaults = dict(self._typed("defaults", source.defaults))
        checked = []
        for given in source.rows:
            own = dict(self._typed(given.place, given.values, given.head))
            for name in sorted(own.keys() & origins.keys()):
                # Told once: it concerns all rows.
                why = f"has a value, and {origins.pop(name)} gives one for all rows"
                self._problems.add(given.place, why, name)
            checked.append(self._row(given, own, defaults | everywhere))
        if not self._problems:  # values that were refused are missing, and rows then look alike
            self._none_twice(checked)
        return tuple(checked)

    def _everywhere(self, settings: Iterable[Setting]) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for one in settings:
            if one.name in origins:
                why = f"is given twice: by {origins[one.name]} and by {one.origin}"
                self._problems.add(one.origin, why, one.name)
            values |= self._typed(one.origin, {one.name: one.value})
            origins[one.name] = one.origin
        return values, origins

    def _row(self, given: Given, own: dict[str, Any], others: Mapping[str, Any]) -> Checked:
        values = own | {name: value for name, value in others.items() if name not in own}
        for name in self._required:
            if name not in values:
                self._problems.add(given.place, "has no value, and the notebook no default", name)
        whole = {**self._defaults, **given.facts, **values}
        return Checked(given.place, given.label, own, values, given.facts, whole)

    def _typed(
        self, place: str, values: Mapping[str, object], head: str = ""
    ) -> Iterator[tuple[str, Any]]:
        """Give the values that the notebook takes, as it takes them; empty cells are none.

        `head` is where their names are written, `place` where they are; "" for the same.
        """
        for name, given in values.items():
            if not self._takes(head or place, name) or given is Empty.EMPTY:
                continue
            if leaks(given if isinstance(given, str) else repr(given)):
                self._problems.add(place, "holds a secret that is in use", name)
                continue
            parameter = self._parameters[name]
            try:
                yield name, read_value(parameter.kind, given)
            except Unfit as error:
                self._problems.add(place, f"{error} ({name}: {parameter.written})", name)

    def _takes(self, place: str, name: str) -> bool:
        """Tell whether a name is one of a parameter that rows may set; the first row is told."""
        if name not in self._fit:
            why = self._why_not(name)
            self._fit[name] = not why
            if why:
                self._problems.add(place, why, name)
        return self._fit[name]

    def _why_not(self, name: str) -> str:
        if looks_secret(name):
            return "looks like a secret by its name; a secret comes from the profile, not from rows"
        if not _NAME.fullmatch(name):
            return "is no name of a parameter: a-z, 0-9 and _, at most 41, a letter first"
        if name not in self._parameters:
            return f"is no parameter of the notebook; {not_among(name, list(self._parameters))}"
        return "is not for rows to set: --apply says so for all rows" if name == APPLY else ""

    def _none_twice(self, rows: Iterable[Checked]) -> None:
        seen: dict[str, str] = {}
        for row in rows:
            key = json.dumps({**self._defaults, **row.values}, sort_keys=True)
            if key in seen:
                self._problems.add(row.place, f"has the same parameters as {seen[key]}")
            seen.setdefault(key, row.place)
