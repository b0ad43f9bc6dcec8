"""`wsops demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wsops.demo import run_demo
from wsops.errors import WsopsError


@click.command()
@click.option(
    "--dir",
    "folder",
    default="wsops-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its files go; each demo in a folder of its own.",
)
@click.option("--speed", default=90.0, show_default=True, type=click.FloatRange(1, 1000))
@click.option("--seed", default=7, show_default=True)
def demo(*, folder: Path, speed: float, seed: int) -> None:
    """Audit, plan, apply and verify on a simulated fleet of 24 pools; asks nothing."""
    try:
        run_demo(folder, speed=speed, seed=seed)
    except WsopsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
