"""`wsops init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wsops.cli.common import command, err, print_json, say
from wsops.gallery import lay_out


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@command
def init(*, folder: Path, profile: str | None, as_json: bool) -> int:
    """Lay the notebooks out in DIR; a file that is there already is left as it is.

    --profile is named in what to type next.
    """
    done = lay_out(folder)
    named = ("--profile", profile) if profile else ()
    to_do = shlex.join(("wsops", "lab", *named, str(folder)))
    if as_json:
        print_json({"folder": str(folder), "written": done.written, "left": done.left})
        return 0
    for name in done.written:
        say(f"written  {name}")
    for name in done.left:
        say(f"left     {name}  (it was there already)")
    say(f"next: {to_do}", to=err)
    return 0
