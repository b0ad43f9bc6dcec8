"""Columns: what each of them holds, and frames that hold exactly that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd  # type: ignore[import-untyped]

Kind = Literal[
    "text",
    "id",
    "desktop",
    "user",
    "address",
    "count",
    "share",
    "state",
    "time",
    "duration",
    "flag",
]

DTYPES: dict[Kind, str] = {
    "text": "string",
    "id": "string",
    "desktop": "string",
    "user": "string",
    "address": "string",
    "count": "Int64",
    "share": "Float64",
    "state": "string",
    "time": "datetime64[s, UTC]",
    "duration": "Float64",
    "flag": "boolean",
}
"""The dtype of each kind; a share is 0-1, a duration is in seconds."""

NUMBERS = frozenset({"count", "share", "duration"})
"""Kinds whose words do not sort as they read."""


@dataclass(frozen=True)
class Column:
    """A column: its name in the frame, what it holds, and its heading for people."""

    name: str
    kind: Kind = "text"
    label: str = ""

    @property
    def heading(self) -> str:
        """The heading, from the name where nothing else is said."""
        return self.label or self.name.replace("_", " ")


Columns = tuple[Column, ...]


def frame_of(columns: Columns, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Give the rows as a frame with exactly these columns; no rows give a typed, empty one.

    Times may be instants or ISO text, in UTC where they do not say; None and what is no time are
    missing values.
    """
    cells = [tuple(row) for row in rows]
    return pd.DataFrame(
        {c.name: _series(c.kind, [row[n] for row in cells]) for n, c in enumerate(columns)}
    )


def check_frame(columns: Columns, frame: pd.DataFrame) -> None:
    """Refuse a frame that is not as its columns say.

    Raises:
        ValueError: another name, order or dtype.
    """
    declared = [(column.name, DTYPES[column.kind]) for column in columns]
    present = [(str(name), str(dtype)) for name, dtype in frame.dtypes.items()]
    if present != declared:
        msg = f"the frame has {present}; declared are {declared}"
        raise ValueError(msg)


def _series(kind: Kind, values: list[Any]) -> pd.Series:
    if kind == "time":
        values = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    return pd.Series(values).astype(DTYPES[kind])
