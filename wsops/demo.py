"""The demo: a simulated fleet, and the same commands that one would type oneself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule

from wsops.errors import WsopsError
from wsops.models import SESSIONS
from wsops.simulated import environment, let_fail, simulator

_COMMAND_WITHIN = 600  # seconds
_FAILING = 2  # desktops


def run_demo(folder: Path, *, speed: float, seed: int) -> None:
    """Run the whole story in a new folder below `folder`, printing each command before it runs.

    Raises:
        WsopsError: the simulator did not start, or a command ended with an unexpected code.
    """
    here = folder / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    here.mkdir(parents=True)
    console = Console(highlight=False)
    _say(console, "A simulated Workspace service with 24 pools starts on this machine.")
    with simulator("--speed", f"{speed:g}", "--seed", str(seed)) as service:
        journal = str((here / "journal.sqlite").absolute())
        wsops = _Commands(console, here, environment(service, journal))
        _say(console, "1  Which desktops do not run their pool's image? A notebook tells.")
        wsops("init", "notebooks", quiet=True)
        wsops("batch", "run", "notebooks/10_fleet_audit.ipynb", "--name", "audit")
        wsops("audit", "--json", into="audit.json")
        seen = json.loads((here / "audit.json").read_text())
        let_fail(service, _idle_in_large_pools(seen["mismatches"])[:_FAILING])
        _say(console, "2  Repair: one run of a notebook for each pool that needs it, four at once.")
        console.print("Two desktops are made to fail on the way.")
        repair = ("batch", "run", "notebooks/20_repair_mismatches.ipynb", "--name", "repair")
        approved = ("--apply", "--max-desktops", str(len(seen["mismatches"])))
        from_audit = ("--from-audit", "audit.json", "--change", "DEMO-1")
        wsops(*repair, *from_audit, *approved, good=(0, 4))
        _say(console, "3  What still differs, and who has to be told?")
        wsops("audit", "--csv", "mismatches-after.csv")
        wsops("handover", _repair_batch(here), "-o", "handover.csv")
    console.print(f"The files are in {here}/", markup=False, soft_wrap=True)
    for path in sorted(path for path in here.iterdir() if path.is_file()):
        console.print(f"  {path.name:<22} {path.stat().st_size:>9,} bytes")
    for index in sorted(here.glob("reports/runs/*/index.html")):
        console.print(f"  open {index}", markup=False, soft_wrap=True)
    console.print("The simulator has ended with the demo: its record can be read, nothing sent:")
    console.print(f"  WSOPS_JOURNAL={journal} wsops batch status", markup=False, soft_wrap=True)
    console.print(
        "\nTry it yourself: [bold]wsops simulate[/]   All commands: [bold]wsops --help[/]"
    )
    console.print("In a checkout [bold]. .venv/bin/activate[/] gives you wsops first.")


class _Commands:
    """Runs `wsops …` in the demo's folder, as one would type it."""

    def __init__(self, console: Console, folder: Path, variables: Mapping[str, str]) -> None:
        self._console, self._folder = console, folder
        self._environment = {**variables, "XDG_STATE_HOME": str(folder.absolute())}

    def __call__(
        self, *arguments: str, good: tuple[int, ...] = (0,), into: str = "", quiet: bool = False
    ) -> None:
        """Run a command; its output goes `into` a file, where one is named, or nowhere."""
        shown = " ".join((*arguments, *((">", into) if into else ())))
        self._console.print(f"[bold cyan]$ wsops {shown}[/]", soft_wrap=True)
        with (self._folder / into if into else Path(os.devnull)).open("wb") as target:
            done = subprocess.run(  # noqa: S603  (our own command)
                [sys.executable, "-m", "wsops", *arguments],
                cwd=self._folder,
                env=self._environment,
                stdout=target if into or quiet else None,
                stderr=target if quiet else None,
                check=False,
                timeout=_COMMAND_WITHIN,
            )
        self._console.print()
        if done.returncode not in good:
            msg = f"`wsops {' '.join(arguments)}` ended with {done.returncode}"
            raise WsopsError(msg, remedy="see what it said above")


def _repair_batch(here: Path) -> str:
    [summary] = here.glob("reports/runs/*-repair/summary.json")
    return str(json.loads(summary.read_text())["batch_id"])


def _idle_in_large_pools(mismatches: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give an idle desktop of each pool, those of the largest pools first."""
    idle: dict[str, list[str]] = {}
    for one in mismatches:
        if one["login_status"] not in SESSIONS and one["status"] == "ACTIVE":
            idle.setdefault(one["pool_id"], []).append(one["desktop_id"])
    return [desktops[0] for desktops in sorted(idle.values(), key=len, reverse=True)]


def _say(console: Console, text: str) -> None:
    console.print(Rule(text, align="left", style="dim"))
