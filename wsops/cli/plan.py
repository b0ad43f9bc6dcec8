"""`wsops plan repair` and `wsops plan rebuild`."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wsops import screens
from wsops.choice import Choice
from wsops.cli.common import command, connected, err, out, pairs, print_json, save_fleet, say
from wsops.files import write_private
from wsops.planning import plan_for
from wsops.progress import Counting


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give both kinds of plan the options that they share."""

    @click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
    @click.option(
        "--save",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the pools as a fleet file for `wsops simulate --fleet`.",
    )
    @click.option("--image-type", default="", help="gold, private, market; else from the image.")
    @click.option("--os-type", default="", help="Windows, Linux, Other; else from the image.")
    @click.option("--delay", type=int, metavar="MINUTES", help="Time for users to save, 0-15.")
    @click.option("--message", default="", help="Shown to the users, up to 400 characters.")
    @click.option(
        "--order",
        "orders",
        multiple=True,
        metavar="POOL=ID",
        help="Order of a billed pool; repeatable.",
    )
    @click.option("--include-in-use", is_flag=True, help="Wipe desktops that someone uses, too.")
    @click.option("--change", default="", metavar="TICKET", help="Change ticket.")
    @functools.wraps(function)
    def wrapper(
        patterns: tuple[str, ...],
        *,
        orders: tuple[str, ...],
        delay: int | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> int:
        shared = ("image_type", "os_type", "message", "include_in_use", "change")
        choice = Choice(
            delay_time=delay,
            orders=pairs(orders, "--order"),
            **{key: kwargs.pop(key) for key in shared},
            **function(**{key: kwargs.pop(key) for key in list(kwargs) if key in _OWN}),
        )
        return _make(choice, patterns, **kwargs)

    return wrapper


_OWN = ("image", "mappings")


@click.group()
def plan() -> None:
    """Make a plan: what would be sent, to which desktops. Sends nothing."""


@plan.command()
@click.argument("patterns", nargs=-1, metavar="[POOL-PATTERN]...")
@command
@_options
def repair() -> dict[str, object]:
    """Repair the desktops that do not run their pool's image (is_fix)."""
    return {"kind": "repair"}


@plan.command()
@click.argument("patterns", nargs=-1, required=True, metavar="POOL-PATTERN...")
@click.option("--image", default="", metavar="ID", help="The image for all of these pools.")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="OLD=NEW",
    help="Only pools of image OLD; repeatable.",
)
@command
@_options
def rebuild(*, image: str, mappings: tuple[str, ...]) -> dict[str, object]:
    """Rebuild pools from another image."""
    if bool(image) == bool(mappings):
        msg = "give either --image ID or --map OLD=NEW"
        raise click.UsageError(msg)
    return {"kind": "rebuild", "image_map": pairs(mappings, "--map") or {"*": image}}


def _make(  # noqa: PLR0913  (one argument an option)
    choice: Choice,
    patterns: tuple[str, ...],
    *,
    output: Path | None,
    save: Path | None,
    profile: str | None,
    as_json: bool,
) -> int:
    with connected(profile) as ws, Counting(err, "reading pools") as counting:
        made, readings = plan_for(ws, choice, patterns, counting.tell)
        if save is not None:
            save_fleet(ws, [(reading.pool, reading.desktops) for reading in readings], save)
    text = json.dumps(made.as_json(), ensure_ascii=False, indent=2) + "\n"
    if output is not None:
        write_private(output, text)
    if as_json:
        print_json(made.as_json())
        return 0
    out.print(screens.plan(made), crop=False)
    if not output:
        out.print("not saved: add -o plan.json to apply it", style="bold")
    else:
        say(f"next: wsops apply {shlex.quote(str(output))}", style="bold")
    return 0
