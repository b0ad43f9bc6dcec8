"""What the options of a batch ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from wsops.batch.records import Manner
from wsops.models import Count, Text


class Asked(Manner):
    """A batch as it was asked for; what was not said has the value that means nothing.

    `params` is a file of rows, "-" for standard input, `form` its form where the ending does not
    say; `audit` is what `wsops audit --json` printed. `sets` are NAME=VALUE for all rows. `limit`
    is how many rows run, 0 for all.
    """

    model_config = ConfigDict(extra="forbid")

    params: Path | None = None
    form: Literal["", "yaml", "json", "csv"] = ""
    audit: Path | None = None
    sets: tuple[str, ...] = ()
    where: Text = ""
    limit: Count = 0
    name: Text = ""
    max_desktops: Count = 0
    expect_images: tuple[str, ...] = ()
    change: Text = ""
    profile: Text = ""
