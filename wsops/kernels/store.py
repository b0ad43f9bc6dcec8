"""Where papermill writes a notebook: `wsops://PATH`, private, whole or not at all, without secrets.

This module is loaded by every `import papermill`, which it must neither slow down nor import.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

SCHEME = "wsops://"


class PrivateStore:
    """The papermill.io handler of the scheme; what follows it is a path of this machine."""

    @staticmethod
    def read(path: str) -> str:
        """Give the text of a notebook."""
        return path_of(path).read_text(encoding="utf-8")

    @staticmethod
    def write(text: str, path: str) -> None:
        """Write a notebook.

        Raises:
            SettingsError: the place cannot be written.
        """
        from nbformat.v4 import nbjson  # noqa: PLC0415  (papermill has imported it by now)

        save(masked(nbjson.reads(text)), path_of(path))  # type: ignore[no-untyped-call]

    @staticmethod
    def listdir(path: str) -> list[str]:
        """Give the paths of what is in a folder."""
        return [f"{SCHEME}{found}" for found in sorted(path_of(path).iterdir())]

    @staticmethod
    def pretty_path(path: str) -> str:
        """Give a path as people write it."""
        return str(path_of(path))


def path_of(address: str) -> Path:
    """Give the path that an address of this scheme, or a plain path, names."""
    return Path(address.removeprefix(SCHEME))


def masked(notebook: NotebookNode) -> NotebookNode:
    """Give a notebook without any secret that is in use."""
    # Imported when a notebook is written: see the top of this module.
    from wsops.report.cells import without_secrets  # noqa: PLC0415

    return without_secrets(notebook)


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook that is masked; every write is durable, for there are few.

    Raises:
        SettingsError: the place cannot be written.
    """
    from nbformat.v4 import nbjson  # noqa: PLC0415  (the same)

    from wsops.files import write_private_bytes  # noqa: PLC0415

    text = nbjson.writes(notebook)  # type: ignore[no-untyped-call]
    write_private_bytes(path, text.encode())
