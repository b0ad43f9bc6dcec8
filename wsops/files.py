"""Files that wsops writes for people: private, whole or not at all, and without live formulas."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from wsops.errors import SettingsError

# The full-width forms count as well: spreadsheets read them as the plain ones.
_FORMULA_STARTS = (*"=+-@\t\r\n\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_DEVICES = frozenset({Path("/dev"), Path("/dev/fd")})


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: it is there whole, or as it was before.

    A device or a pipe, such as /dev/stdout, is written to and never replaced.

    Raises:
        SettingsError: the place cannot be written.
    """
    write_private_bytes(path, text.encode())


def write_private_bytes(path: Path, content: bytes) -> None:
    """Write a file of bytes in the same way.

    Raises:
        SettingsError: the place cannot be written.
    """
    try:
        if path.absolute().parent in _DEVICES or (path.exists() and not path.is_file()):
            path.write_bytes(content)
        else:
            _replace(path, content)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise SettingsError(msg, remedy="give another place, or make room") from None


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give the rows as CSV, each cell as text that no spreadsheet takes for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([plain_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def plain_cell(value: object) -> str:
    """Give the text of a cell; one that begins like a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    live = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if live else text
