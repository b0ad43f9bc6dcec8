"""`wsops lab`."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from wsops.cli.common import command, err, say
from wsops.gallery import FIRST
from wsops.lab import Lab, Opening, checked, jupyterlab
from wsops.settings import load
from wsops.simulated import environment, simulator

_PATH = click.Path(path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=_PATH)
@click.option("--simulate", is_flag=True, help="On a simulated fleet; asks no cloud.")
@click.option(
    "--speed",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 10_000),
    help="With --simulate: 60 makes a minute a second.",
)
@click.option(
    "--port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes a free one.",
)
@click.option("--ip", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--certfile", type=_FILE, help="Certificate, to listen elsewhere than on loopback.")
@click.option("--keyfile", type=_FILE, help="Its key.")
@click.option("--browser/--no-browser", default=True, help="Open the browser, or only say where.")
@command
def lab(  # noqa: PLR0913  (one argument an option)
    *,
    folder: Path,
    profile: str | None,
    simulate: bool,
    speed: float,
    ip: str,
    port: int,
    certfile: Path | None,
    keyfile: Path | None,
    browser: bool,
    as_json: bool,
) -> int:
    """Open JupyterLab on the notebooks in DIR, until Ctrl-C.

    It listens on 127.0.0.1 and wants the token of the URL that is printed. `wsops init DIR` lays
    the notebooks out. --profile says which region the notebooks work on, --simulate gives them a
    simulated one.
    """
    if simulate and profile:
        msg = "--profile names a region, --simulate works on none: give one of them"
        raise click.UsageError(msg)
    if (certfile is None) != (keyfile is None):
        msg = "--certfile and --keyfile belong together"
        raise click.UsageError(msg)
    opening = checked(Opening(folder, ip, port, certfile, keyfile))
    with (
        _kernels(folder, profile, speed if simulate else None) as (variables, service),
        jupyterlab(opening, variables, browser=browser) as server,
    ):
        _announce(server, folder, service, variables, as_json=as_json)
        try:
            server.wait()
        except KeyboardInterrupt:
            return 0
    return 0


@contextmanager
def _kernels(
    folder: Path, profile: str | None, speed: float | None
) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """Give the environment of the kernels, and the simulator that was started for them, if any."""
    if speed is None:
        yield _own_environment(folder, profile), {}
        return
    with (
        TemporaryDirectory(prefix="wsops-journal-", ignore_cleanup_errors=True) as journal,
        simulator("--speed", f"{speed:g}") as service,
    ):
        yield environment(service, str(Path(journal) / "journal.sqlite")), service


def _own_environment(folder: Path, profile: str | None) -> Mapping[str, str]:
    if profile is None:
        return os.environ
    with chdir(folder):  # the kernels run there, and may find a wsops.toml there
        load(profile)
    return os.environ | {"WSOPS_PROFILE": profile}


def _exports(variables: Mapping[str, str]) -> Iterator[str]:
    """Give what another shell needs so that commands shown in the notebooks work there."""
    for name in ("ENDPOINT", "IAM_ENDPOINT", "PROJECT_ID", "REGION", "TOKEN", "JOURNAL"):
        yield f"WSOPS_{name}={shlex.quote(variables[f'WSOPS_{name}'])}"


def _announce(
    server: Lab,
    folder: Path,
    service: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    if as_json:
        told = {key: getattr(server, key) for key in ("url", "token", "port", "pid")}
        click.echo(json.dumps(told | ({"simulator": dict(service)} if service else {})))
        return
    say(f"JupyterLab: {server.url}")
    if service:
        say("The fleet is simulated; it is gone when this ends. In another shell:", to=err)
        say(f"  export {' '.join(_exports(variables))}", to=err)
    if not (folder / FIRST).is_file():
        say(f"The notebooks are not here yet: `wsops init {folder}` lays them out.", to=err)
    say("Ctrl-C stops it.", to=err)
