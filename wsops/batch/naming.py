"""Names of files and folders from names that others gave."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST: Final = 60
_UNNAMED: Final = "unnamed"
_ODD = re.compile(r"[^A-Za-z0-9._]+")
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}) | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
}
"""What Windows takes for a device, whatever ending follows."""


def slug(text: str) -> str:
    """Give a name that is harmless as a part of a path, on every system; never an empty one.

    It has at most 60 of the characters A-Z, a-z, 0-9, ".", "-" and "_", and neither begins nor
    ends with a dot or a dash. Different texts may give the same name.
    """
    plain = unicodedata.normalize("NFKD", text[: _LONGEST * 4]).encode("ascii", "ignore").decode()
    name = _ODD.sub("-", plain).strip(".-")
    if name.partition(".")[0].lower() in _DEVICES:
        name = f"_{name}"
    return name[:_LONGEST].rstrip(".-") or _UNNAMED
