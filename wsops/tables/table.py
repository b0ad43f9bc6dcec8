"""A table: a frame with what is known of its columns, as a value that shows itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from wsops.keyboard import by_hand
from wsops.markup import Markup, face
from wsops.tables import page
from wsops.tables.columns import Columns, check_frame, frame_of


@dataclass(frozen=True)
class Table:
    """A frame, its columns, and a caption.

    The frame has exactly the columns declared, in their order and dtypes; its text is as the
    service sent it, and is made safe where it is shown.

    Raises:
        ValueError: the frame is not as its columns say.
    """

    frame: pd.DataFrame
    columns: Columns
    caption: str = ""

    def __post_init__(self) -> None:
        check_frame(self.columns, self.frame)

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def of(cls, columns: Columns, rows: Iterable[Sequence[Any]], caption: str = "") -> Table:
        """Make a table of rows, whose cells come in the order of the columns."""
        return cls(frame_of(columns, rows), columns, caption)

    def where(self, mask: pd.Series) -> Table:
        """Give the rows for which a mask is true."""
        return replace(self, frame=self.frame[mask].reset_index(drop=True))

    def to_html(self, most: int | None = None) -> Markup:
        """Give the table as HTML without a script; `most` rows, 2,000 where it is not said."""
        rows = page.MOST if most is None else most
        return page.as_html(self.frame, self.columns, self.caption, rows)

    def to_csv(self, path: str | Path) -> None:
        """Write all rows as CSV that no spreadsheet takes for formulas; a file of mode 0600."""
        from wsops.tables import sheets  # noqa: PLC0415  (slow to import, and rarely wanted)

        sheets.write_csv(Path(path), self.frame, self.columns)

    def to_excel(self, path: str | Path) -> None:
        """Write all rows as an Excel sheet without formulas; a file of mode 0600."""
        from wsops.tables import sheets  # noqa: PLC0415  (the same)

        sheets.write_excel(Path(path), self.frame, self.columns, self.caption)

    def save(self, path: str | Path) -> None:
        """Write all rows as Excel where the name ends in .xlsx, else as CSV.

        Raises:
            SettingsError: the place cannot be written.
        """
        write = self.to_excel if str(path).endswith(".xlsx") else self.to_csv
        write(path)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Give the faces: searched and paged when it is large and someone is there to do it."""
        shown = (self.frame, self.columns, self.caption)
        body = self._paged() if by_hand() and len(self) > page.LARGE else self.to_html()
        return {"text/html": face(body), "text/plain": page.as_text(*shown)}

    def _paged(self) -> Markup:
        from wsops.tables import live  # noqa: PLC0415  (the same)

        return live.as_live_html(self.frame, self.columns, self.caption)
