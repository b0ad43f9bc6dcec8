"""Keeps the file of a running notebook: readable at any moment, and written seldom."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from papermill.engines import NotebookExecutionManager  # type: ignore[import-untyped]
from papermill.iorw import write_ipynb  # type: ignore[import-untyped]

from wsops.kernels.store import SCHEME, masked, path_of, save

_EVERY = 0.5
_SHARE = 10  # a save may take a tenth of the time


class Recorder(NotebookExecutionManager):  # type: ignore[misc]
    """Notes what papermill notes, and writes it within half a second, however often it changes.

    Papermill writes before and after each cell, and never within a cell that says nothing.
    """

    def __init__(self, notebook: Any, output_path: str | None, **options: Any) -> None:  # noqa: ANN401  (papermill's)
        super().__init__(notebook, output_path=output_path, **options)
        self._changed = False
        self.whole = False

    def save(self, **_: Any) -> None:  # noqa: ANN401  (the same)
        """Note that there is something to write."""
        self._changed = True

    def autosave_cell(self, **_: Any) -> None:  # noqa: ANN401  (the same)
        """Note that a cell has said something."""
        self._changed = True

    def notebook_complete(self, **_: Any) -> None:  # noqa: ANN401  (the same)
        """Note the end; cells that never ran are not called completed, as they would be."""
        never = [one for one in self.nb.cells if one.metadata.papermill["status"] == self.PENDING]
        super().notebook_complete()
        if not self.whole:
            for cell in never:
                cell.metadata.papermill["status"] = self.PENDING

    async def keep(self) -> None:
        """Write what has changed, again and again; a run goes on where that fails."""
        while True:
            began = time.monotonic()
            try:
                self.write()
            except Exception:  # noqa: BLE001  (the last one will say it)
                self._changed = True
            took = time.monotonic() - began
            await asyncio.sleep(max(_EVERY, took * _SHARE))

    def write(self) -> None:
        """Write what has changed since it was last written."""
        if not self._changed or not self.output_path:
            return
        self._changed = False
        if self.output_path.startswith(SCHEME):
            save(masked(self.nb), path_of(self.output_path))
        else:
            write_ipynb(self.nb, self.output_path)
