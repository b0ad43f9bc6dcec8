"""`wsops simulate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from wsops.simulator import FaultError, FleetError, Options, OptionsError, serve

_HINT = """wsops simulator: {endpoint}  (project {project_id}); Ctrl-C stops it
in another shell:
  export WSOPS_ENDPOINT={endpoint} WSOPS_IAM_ENDPOINT={iam_endpoint}
  export WSOPS_PROJECT_ID={project_id} WSOPS_REGION={region}
  export WSOPS_TOKEN={token}
  wsops audit"""


@click.command()
@click.option(
    "--port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--pools", default=24, show_default=True, type=click.IntRange(0, 20000))
@click.option(
    "--desktops", default=50, show_default=True, type=click.IntRange(0, 10000), help="Mean a pool."
)
@click.option("--seed", default=7, show_default=True)
@click.option(
    "--mismatch",
    default=0.12,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of desktops that do not run their pool's image.",
)
@click.option(
    "--region", type=click.Choice(["old", "new"]), help="As the fleet file says; else new."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="60 makes a minute a second; timestamps stay wall time.",
)
@click.option(
    "--fault", "faults", multiple=True, metavar="KIND=RATE", help="Such as lost=0.05; repeatable."
)
@click.option("--fleet", type=click.Path(dir_okay=False, path_type=Path), help="Fleet file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line when ready.")
def simulate(*, port: int, faults: tuple[str, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Serve a simulated Workspace and IAM service on 127.0.0.1 until stopped."""

    def ready(connection: dict[str, str]) -> None:
        click.echo(json.dumps(connection) if as_json else _HINT.format(**connection))
        sys.stdout.flush()

    try:
        serve(Options(faults=_rates(faults), **options), port, ready)
    except (FleetError, FaultError, OptionsError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        msg = f"port {port} on 127.0.0.1 cannot be used: {error.strerror}"
        raise click.ClickException(msg) from None


def _rates(faults: tuple[str, ...]) -> dict[str, float]:
    rates = {}
    for fault in faults:
        kind, _, rate = fault.partition("=")
        try:
            rates[kind] = float(rate)
        except ValueError:
            msg = f"--fault wants KIND=RATE, such as lost=0.05, not {fault!r}"
            raise click.UsageError(msg) from None
    return rates
