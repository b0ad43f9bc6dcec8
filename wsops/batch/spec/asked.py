"""What the options of a batch ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from wsops.models import Count, Record, Text


class Asked(Record):
    """A batch as it was asked for; what was not said has the value that means nothing.

    `params` is a file of rows, "-" for standard input, `form` its form where the ending does not
    say; `audit` is what `wsops audit --json` printed. `sets` are NAME=VALUE for all rows. `limit`
    is how many rows run, 0 for all. The rest is as in `records.Spec`.
    """

    model_config = ConfigDict(extra="forbid")

    params: Path | None = None
    form: Literal["", "yaml", "json", "csv"] = ""
    audit: Path | None = None
    sets: tuple[str, ...] = ()
    where: Text = ""
    limit: Count = 0
    name: Text = ""
    apply: bool = False
    max_desktops: Count = 0
    expect_images: tuple[str, ...] = ()
    change: Text = ""
    profile: Text = ""
    kernels: Literal["warm", "fresh"] = "warm"
    workers: int = Field(4, ge=1)
    deadline: float = Field(0, ge=0)
    memory: int = Field(0, ge=0)
    executor: str = "local"
    command: str = ""
