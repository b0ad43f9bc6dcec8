"""The demo: a simulated fleet, and the same commands that one would type oneself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule

from wsops.simulated import PACE, POLLING, simulator

_COMMAND_WITHIN = 600
_TWO = 2

_SETTINGS = """default_profile = "demo"

[profiles.demo]
endpoint = "{endpoint}"
iam_endpoint = "{iam_endpoint}"
project_id = "{project_id}"
region = "{region}"
journal = "journal.sqlite"

# The simulator runs {speed:g} times faster than a region, so look more often.
[profiles.demo.polling]
{polling}

[profiles.demo.pace]
{pace}
"""


class DemoError(Exception):
    """The demo could not be carried through."""


def run_demo(folder: Path, *, speed: float, seed: int) -> None:
    """Run the whole story in a new folder below `folder`, printing each command before it runs.

    Raises:
        DemoError: a command ended with an unexpected code.
        WsopsError: the simulator did not start.
    """
    here = folder / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    here.mkdir(parents=True)
    console = Console(highlight=False)
    _say(console, "A simulated Workspace service with 24 pools starts on this machine.")
    with simulator("--speed", f"{speed:g}", "--seed", str(seed)) as service:
        tables = {"polling": _toml(POLLING), "pace": _toml(PACE)}
        (here / "wsops.toml").write_text(_SETTINGS.format(speed=speed, **tables, **service))
        wsops = _Commands(console, here, service["token"])
        _say(console, "1  Which desktops do not run their pool's image?")
        wsops("audit", "--csv", "mismatches.csv")
        _say(console, "2  What would a repair send, and whom would it touch?")
        wsops("plan", "repair", "-o", "plan.json", "--change", "DEMO-1")
        plan = json.loads((here / "plan.json").read_text())
        _break_two_desktops(service["endpoint"], plan)
        _say(console, "3  Repair, pool by pool; two desktops are made to fail on the way.")
        wsops("apply", "plan.json", "--yes", "--digest", plan["digest"], good=(0, 4))
        _say(console, "4  What still differs, and who has to be told?")
        wsops("audit", "--csv", "mismatches-after.csv")
        wsops("handover", "-o", "handover.csv")
    console.print(f"The files are in {here}/", markup=False, soft_wrap=True)
    for path in sorted(path for path in here.iterdir() if path.is_file()):
        console.print(f"  {path.name:<22} {path.stat().st_size:>9,} bytes")
    console.print(
        "\nTry it yourself: [bold]wsops simulate[/]   All commands: [bold]wsops --help[/]"
    )


class _Commands:
    """Runs `wsops …` in the demo's folder, as one would type it."""

    def __init__(self, console: Console, folder: Path, token: str) -> None:
        self._console, self._folder = console, folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WSOPS_")}
        self._environment = kept | {"WSOPS_TOKEN": token, "XDG_STATE_HOME": str(folder.absolute())}

    def __call__(self, *arguments: str, good: tuple[int, ...] = (0,)) -> None:
        self._console.print(f"[bold cyan]$ wsops {' '.join(arguments)}[/]", soft_wrap=True)
        done = subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-m", "wsops", *arguments],
            cwd=self._folder,
            env=self._environment,
            check=False,
            timeout=_COMMAND_WITHIN,
        )
        self._console.print()
        if done.returncode not in good:
            msg = f"`wsops {' '.join(arguments)}` ended with {done.returncode}"
            raise DemoError(msg)


def _toml(values: Mapping[str, float]) -> str:
    return "\n".join(f"{key} = {value:g}" for key, value in values.items())


def _break_two_desktops(endpoint: str, plan: Mapping[str, Any]) -> None:
    """Script the simulator so that a desktop of each of the two largest pools fails."""
    idle = [
        next(target["desktop_id"] for target in item["targets"] if not target["in_use"])
        for item in plan["items"][-_TWO:]
    ]
    fault = {
        "kind": "desktop_fails",
        "args": {"desktop_ids": idle, "code": "WKS.00010034", "reason": "no capacity in the zone"},
    }
    request = urllib.request.Request(  # noqa: S310  (our simulator on loopback)
        f"{endpoint}/_sim/faults",
        data=json.dumps(fault).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
        pass


def _say(console: Console, text: str) -> None:
    console.print(Rule(text, align="left", style="dim"))
