"""Links of an index: to files below the folder of the batch, and to nothing else."""

from __future__ import annotations

import os
from functools import cache
from itertools import accumulate
from pathlib import Path
from urllib.parse import quote


class Links:
    """Gives links to files of a batch.

    Args:
        folder: where the page will lie; None for a page that links to nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = "" if folder is None else str(folder.absolute())
        self._is_link = cache(os.path.islink)

    def to(self, path: str) -> str:
        """Give the link to a file below the folder; "" where none is, or a symbolic link leads."""
        parts = path.split("/")
        if not self._folder or "\0" in path or {"", ".", ".."} & {*parts}:
            return ""
        _, *steps = accumulate((self._folder, *parts), "{}/{}".format)
        if any(map(self._is_link, steps)) or not os.path.isfile(steps[-1]):  # noqa: PTH113  (any name)
            return ""
        return quote(os.fsencode(path))
