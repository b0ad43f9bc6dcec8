"""`wsops images`."""

from __future__ import annotations

import click

from wsops import screens
from wsops.cli.common import command, connected, out, print_json


@click.command()
@command
def images(*, profile: str | None, as_json: bool) -> int:
    """List the images that desktops may be built from, with their IDs."""
    with connected(profile) as ws:
        rows = ws.images().rows
    if as_json:
        print_json({"images": [image.model_dump(mode="json") for image in rows]})
    else:
        out.print(screens.images(rows))
    return 0
