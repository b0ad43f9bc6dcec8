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
from wsops.errors import SettingsError
from wsops.files import write_private
from wsops.planning import plan_for
from wsops.progress import Counting
from wsops.redact import leaks

_FILE = click.Path(dir_okay=False, path_type=Path)
_SHARED = (
    click.option("-o", "--output", type=_FILE, help="Write the plan; `wsops apply` reads it."),
    click.option("--save", type=_FILE, help="Write the pools for `wsops simulate --fleet`."),
    click.option("--image-type", default="", help="gold, private, market; else from the image."),
    click.option("--os-type", default="", help="Windows, Linux, Other; else from the image."),
    click.option("--delay", type=int, metavar="MINUTES", help="Time for users to save, 0-15."),
    click.option("--message", default="", help="Shown to the users, up to 400 characters."),
    click.option(
        "--order", multiple=True, metavar="POOL=ID", help="For billed images; repeatable."
    ),
    click.option("--include-in-use", is_flag=True, help="Wipe desktops that someone uses, too."),
    click.option("--change", default="", metavar="TICKET", help="Change ticket."),
)


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give both kinds of plan the options that they share."""
    return functools.reduce(lambda inner, option: option(inner), reversed(_SHARED), function)


@click.group()
def plan() -> None:
    """Make a plan: what would be sent, to which desktops. Sends nothing."""


@plan.command()
@click.argument("patterns", nargs=-1, metavar="[POOL-PATTERN]...")
@_shared
@command
def repair(patterns: tuple[str, ...], **asked: Any) -> int:  # noqa: ANN401
    """Repair the desktops that do not run their pool's image (is_fix).

    Such as: wsops plan repair 'sales-*' -o plan.json --change CHG-7
    """
    return _make("repair", {}, patterns, **asked)


@plan.command()
@click.argument("patterns", nargs=-1, required=True, metavar="POOL-PATTERN...")
@click.option("--image", default="", metavar="ID", help="The image for all of these pools.")
@click.option("--map", "mappings", multiple=True, metavar="OLD=NEW", help="May be repeated.")
@_shared
@command
def rebuild(
    patterns: tuple[str, ...],
    *,
    image: str,
    mappings: tuple[str, ...],
    **asked: Any,  # noqa: ANN401
) -> int:
    """Rebuild pools from another image.

    Such as: wsops plan rebuild 'sales-*' --image ID -o plan.json
    """
    if bool(image) == bool(mappings):
        msg = "give either --image ID or --map OLD=NEW"
        raise click.UsageError(msg)
    return _make("rebuild", pairs(mappings, "--map") or {"*": image}, patterns, **asked)


def _make(  # noqa: PLR0913  (one argument an option)
    kind: str,
    image_map: dict[str, str],
    patterns: tuple[str, ...],
    *,
    output: Path | None,
    save: Path | None,
    delay: int | None,
    order: tuple[str, ...],
    profile: str | None,
    as_json: bool,
    **choices: Any,  # noqa: ANN401
) -> int:
    wanted = {"kind": kind, "image_map": image_map, "delay_time": delay, **choices}
    choice = Choice.model_validate(wanted | {"orders": pairs(order, "--order")})
    with connected(profile) as ws, Counting(err, "reading pools") as counting:
        made, readings = plan_for(ws, choice, patterns, counting.tell)
        if save is not None:
            save_fleet(ws, [(reading.pool, reading.desktops) for reading in readings], save)
    if leaks(made.model_dump_json()):
        msg = "the plan would hold a secret that is in use"
        raise SettingsError(msg, remedy="take it out of what you gave, and change the secret")
    if output is not None:
        write_private(output, json.dumps(made.as_json(), ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(made.as_json())
        return 0
    out.print(screens.plan(made), crop=False)
    if output is None:
        say("not saved: add -o plan.json to apply it", style="bold")
    else:
        say(f"next: wsops apply {shlex.quote(str(output))}", style="bold")
    return 0
