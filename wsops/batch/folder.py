"""The folder of a batch: made once, never overwritten, for its owner alone.

    <stamp>-<name>/
      index.html  summary.json  junit.xml
      20_repair_mismatches.ipynb      the notebook as it was when the batch was made
      runs/0001-eng-office/           one folder an attempt; the second: 0001.2-eng-office
        20_repair_mismatches.ipynb  report.html  kernel.log

Every name in it is ours or made harmless: no parameter and no name of a server chooses a path.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from wsops.batch.naming import slug
from wsops.batch.records import Attempt
from wsops.errors import BatchError
from wsops.files import write_private_bytes

INDEX, SUMMARY, JUNIT = "index.html", "summary.json", "junit.xml"
REPORT, LOG = "report.html", "kernel.log"
_SAME_SECOND = 100  # batches of one name that may begin in one second


def make(root: Path, name: str, notebook: str, content: bytes, now: datetime) -> Path:
    """Make the folder of a new batch below `root`, with a copy of its notebook; gives its path.

    Raises:
        BatchError: it cannot be made.
        SettingsError: the notebook cannot be written into it.
    """
    stem = f"{now:%Y%m%d-%H%M%S}-{slug(name)}"
    try:
        for place in (*reversed(root.parents), root):
            place.mkdir(mode=0o700, exist_ok=True)  # with `parents` they would follow the umask
        folder = _first_free(root.resolve(), stem)
        (folder / "runs").mkdir(mode=0o700)
    except OSError as error:
        msg = f"no folder can be made below {root}: {error.strerror}"
        raise BatchError(msg, remedy="give another place by --out, or make room") from None
    write_private_bytes(folder / notebook, content)
    return folder


def _first_free(root: Path, stem: str) -> Path:
    """Make the first folder of the name that is not there: two batches may begin at once."""
    for number in range(1, _SAME_SECOND + 1):
        folder = root / (stem if number == 1 else f"{stem}.{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        folder.chmod(0o700)
        return folder
    msg = f"{_SAME_SECOND} batches are called {stem}"
    raise BatchError(msg, remedy="give another --name")


def place_of(attempt: Attempt) -> str:
    """Give where the files of an attempt go, below the batch's folder."""
    again = f".{attempt.attempt}" if attempt.attempt > 1 else ""
    return f"runs/{attempt.row:04d}{again}-{slug(attempt.label)}"


def claim(folder: Path, place: str) -> Path:
    """Make the folder of an attempt: whoever makes it runs it, nobody else ever does.

    Raises:
        FileExistsError: the attempt was claimed before.
        OSError: it cannot be made.
    """
    path = folder / place
    path.mkdir(mode=0o700)
    path.chmod(0o700)
    return path
