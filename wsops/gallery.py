"""Where the notebooks of wsops are, and laying them out in a folder of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wsops.errors import SettingsError

FIRST = "00_tour.ipynb"
"""The notebook that one begins with."""

_PACKAGED = Path(__file__).resolve().parent / "notebooks"
_CHECKOUT = Path(__file__).resolve().parent.parent / "notebooks"
_LAID_OUT = ("[0-9][0-9]_*.ipynb", "README.md", "batches/*")


@dataclass(frozen=True)
class LaidOut:
    """What became of each file, by its path below the folder: written, or left as it was."""

    written: tuple[str, ...]
    left: tuple[str, ...]


def source() -> Path:
    """Find the notebooks: in the installed package, or in the checkout it is imported from.

    Raises:
        SettingsError: they are in neither.
    """
    for folder in (_PACKAGED, _CHECKOUT):
        if any(folder.glob("*.ipynb")):
            return folder
    msg = f"the notebooks of wsops are not in {_PACKAGED}"
    raise SettingsError(msg, remedy="install wsops again from its wheel or from a checkout")


def lay_out(folder: Path, origin: Path | None = None) -> LaidOut:
    """Copy the notebooks, their README and the batches into a folder, made where it is missing.

    No file is ever overwritten: what is there already is left and named.

    Raises:
        SettingsError: the notebooks are not found, or the folder cannot be written.
    """
    origin = origin or source()
    written: list[str] = []
    left: list[str] = []
    for path in _files(origin):
        name = path.relative_to(origin)
        try:
            fresh = _copy(path, folder / name)
        except OSError as error:
            msg = f"{folder / name} cannot be written: {error.strerror}"
            raise SettingsError(msg, remedy="give another folder, or make room") from None
        (written if fresh else left).append(str(name))
    return LaidOut(tuple(written), tuple(left))


def _files(origin: Path) -> list[Path]:
    found = {path for pattern in _LAID_OUT for path in origin.glob(pattern) if path.is_file()}
    return sorted(found)


def _copy(path: Path, target: Path) -> bool:
    """Copy a file to a place that is free; says whether it was."""
    content = path.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
