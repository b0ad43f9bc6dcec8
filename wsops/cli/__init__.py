"""The command line: `wsops COMMAND`.

Commands are imported when they are called, so that `wsops --help` needs nothing but click.
"""

from __future__ import annotations

import importlib
import sys

import click

from wsops import __version__

_COMMANDS = {
    "demo": ("wsops.cli.demo", "The whole story on a simulated fleet: audit, plan, apply, verify."),
    "lab": ("wsops.cli.lab", "Open JupyterLab on the notebooks, on loopback behind a token."),
    "init": ("wsops.cli.init", "Lay the notebooks out in a folder; overwrites nothing."),
    "simulate": ("wsops.cli.simulate", "Serve a simulated Workspace service on 127.0.0.1."),
    "doctor": ("wsops.cli.doctor", "Show settings, credentials, network, journal and rights."),
    "audit": ("wsops.cli.audit", "List desktops that do not run their pool's image."),
    "images": ("wsops.cli.images", "List the images that desktops may be built from."),
    "plan": ("wsops.cli.plan", "Make a plan: repair mismatches, or rebuild from another image."),
    "apply": ("wsops.cli.apply", "Carry a plan out; a dry run unless approved."),
    "status": ("wsops.cli.runs", "Show a run and its pools."),
    "stop": ("wsops.cli.runs", "Ask a run to send no further pool."),
    "resume": (
        "wsops.cli.apply",
        "Follow what is running, find what was lost; --continue sends on.",
    ),
    "settle": ("wsops.cli.settle", "Decide by hand what became of an unknown request."),
    "job": ("wsops.cli.job", "Show, watch or retry a job of the service."),
    "history": ("wsops.cli.runs", "List the runs of the journal."),
    "handover": ("wsops.cli.runs", "Write a run for the help desk: a CSV and three lines to mail."),
    "batch": ("wsops.cli.batch", "Run a notebook over many rows: several at once, one index."),
    "report": ("wsops.cli.report", "Make a page of an executed notebook; without names: share."),
}

INTERRUPTED = 130


def _close_to(name: str) -> list[str]:
    import difflib  # noqa: PLC0415  (for a mistake alone)

    return difflib.get_close_matches(name, _COMMANDS, 1)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give the commands in the order of a working day."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            meant = "".join(f" Did you mean {one!r}?" for one in _close_to(cmd_name))
            ctx.fail(f"No such command {cmd_name!r}.{meant}")
        module, _ = _COMMANDS[cmd_name]
        try:
            command = getattr(importlib.import_module(module), cmd_name)
        except KeyboardInterrupt:  # click would end with 1
            sys.exit(INTERRUPTED)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wsops")
def main() -> None:
    """See which cloud desktops do not run their pool's image, and repair them safely.

    Start with `wsops demo`. Settings come from WSOPS_… variables and wsops.toml; `wsops doctor`
    shows them. Nothing is sent without an approved plan.

    Exit codes: 0 good, 1 error, 2 usage, 3 still running or unknown (resume), 4 not all well,
    5 refused, nothing sent, 130 interrupted, 143 terminated.
    """
