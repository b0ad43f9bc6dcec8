"""`wsops apply` and `wsops resume`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import click

from wsops import approval, screens
from wsops.advice import next_commands
from wsops.cli import INTERRUPTED
from wsops.cli.common import (
    Terminated,
    command,
    connected,
    err,
    journal_of,
    out,
    print_json,
    say,
)
from wsops.client import Workspace
from wsops.detaching import Detaching
from wsops.errors import JournalError, PlanError
from wsops.journal import Journal
from wsops.membership import attempt_here
from wsops.models import utc_now
from wsops.outcome import as_document, latest_unfinished, standing
from wsops.parameters import ANY
from wsops.plan import Plan, check_place, read_plan
from wsops.progress import show
from wsops.rollout import Event, Rollout
from wsops.rows import RunRow
from wsops.verdicts import EXIT_CODES

_CAP = 64 << 20

How = Callable[[Rollout], Generator[Event]]
"""Begins a run, or goes on with one."""


@click.command()
@click.argument("plan_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--yes", is_flag=True, help="Approved: needs --digest, or --max-desktops and --expect-image."
)
@click.option("--digest", help="The digest of the plan that you have read.")
@click.option("--max-desktops", type=click.IntRange(1), help="The approved number of desktops.")
@click.option(
    "--expect-image",
    "images",
    multiple=True,
    metavar="ID",
    help="An image it may build from; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and ask nothing.")
@command
def apply(  # noqa: PLR0913  (one argument an option)
    plan_file: Path,
    *,
    yes: bool,
    digest: str | None,
    max_desktops: int | None,
    images: tuple[str, ...],
    dry_run: bool,
    profile: str | None,
    as_json: bool,
) -> int:
    """Carry a plan out: a dry run, unless approved by --yes or typed on a terminal.

    On a terminal one types the profile's name and the number of desktops, once.
    """
    plan = read_plan(_text(plan_file))
    with connected(profile) as ws:
        given = (digest, max_desktops, images)
        command_line = f"wsops apply {shlex.quote(str(plan_file))} --yes --digest {plan.digest}"
        return apply_plan(ws, plan, given, command_line, yes=yes, dry_run=dry_run, as_json=as_json)


def apply_plan(  # noqa: PLR0913
    ws: Workspace,
    plan: Plan,
    given: tuple[str | None, int | None, tuple[str, ...]],
    command_line: str,
    *,
    yes: bool,
    as_json: bool,
    dry_run: bool = False,
) -> int:
    """Apply a plan if it is approved, by options (digest, number, images) or typed.

    `command_line` is what would apply it, for a person to copy.

    Raises:
        PlanError: the plan is of another place, too large, too old, used, or not the approved one.
    """
    check_place(plan, ws.resolved, utc_now())
    approved = "" if dry_run else _approval(plan, *given, yes=yes)
    _refuse_spent(plan, ws)
    if not approved and as_json:
        print_json(_dry_run(plan))
        return 0
    if not approved:
        out.print(screens.plan(plan), crop=False)
        approved = _typed(plan) if not dry_run and _on_a_terminal() else ""
    if not approved:
        say("dry run: nothing was sent", style="bold")
        say(f"to apply: {command_line}")
        return 0
    with journal_of(ws) as journal:
        run = journal.start_run(plan, approved, ws.settings.operator, attempt_here())
        return drive(ws, journal, run, Rollout.apply, as_json=as_json)


@click.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@click.option("--continue", "go_on", is_flag=True, help="Send the remaining pools, too.")
@command
def resume(run_id: str | None, *, go_on: bool, profile: str | None, as_json: bool) -> int:
    """Follow what is running and look for what was lost; sends nothing without --continue."""
    with connected(profile) as ws, journal_of(ws) as journal:
        run = journal.run(run_id) if run_id else latest_unfinished(journal, ws.resolved)
        how = partial(Rollout.resume, go_on=go_on)
        return drive(ws, journal, run, how, as_json=as_json)


def drive(ws: Workspace, journal: Journal, run: RunRow, how: How, *, as_json: bool) -> int:
    """Show a run until it ends or is detached from, then its outcome; give the exit code."""
    code, detaching = None, Detaching()
    rollout = Rollout(ws, journal, run, timing=detaching.timing)
    with _no_refusal(rollout):
        try:
            # An end in between lets go of the run and of its pool.
            with detaching.listening(), closing(how(rollout)) as events:
                show(events, err)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Terminated as signal:
            code = int(signal.code or 0)
        if code is not None:
            err.print(
                f"detached; what was sent goes on in the cloud: wsops resume {run.run_id}",
                style="bold yellow",
            )
        return print_outcome(journal, run.run_id, as_json=as_json, code=code)


@contextmanager
def _no_refusal(rollout: Rollout) -> Iterator[None]:
    """Let a journal that fails not look as if nothing had been sent, where something was."""
    try:
        yield
    except JournalError as error:
        error.exit_code = EXIT_CODES["running"] if rollout.has_sent else error.exit_code
        raise


def print_outcome(journal: Journal, run_id: str, *, as_json: bool, code: int | None = None) -> int:
    """Print how a run stands; give its exit code, or the one given."""
    run, rows, verdict, reason = standing(journal, run_id)
    if as_json:
        print_json(as_document(run, rows, verdict, reason))
    else:
        plan: Plan | None = None
        with suppress(JournalError):  # a plan that is damaged hides nothing of what was sent
            plan = journal.plan_of(run_id)
        out.print(screens.outcome(run, rows, verdict, reason, plan.skipped if plan else ()))
        for line in next_commands(run, rows, verdict, plan):
            say(f"next: {line}", style="bold")
    return EXIT_CODES[verdict] if code is None else code


def _approval(
    plan: Plan, digest: str | None, max_desktops: int | None, images: tuple[str, ...], *, yes: bool
) -> str:
    """Give the words of an approval by options; "" where none was given.

    Raises:
        NotApproved, BlastRadius: what was approved is not this plan.
        click.UsageError: `--yes` alone approves nothing.
    """
    if not yes and (digest or max_desktops or images):
        msg = "an approval by options needs --yes as well"
        raise click.UsageError(msg)
    if not yes:
        return ""
    if not digest and (max_desktops is None or not images):
        msg = "--yes wants --digest D, or --max-desktops N together with --expect-image ID"
        raise click.UsageError(msg)
    approved = approval.by_digest(plan, digest) if digest else ""
    if max_desktops is None and not images:
        return approved
    # Whatever is given has to hold, beside a digest as well.
    expected = images or tuple(item.image_id for item in plan.items)
    by_numbers = approval.by_numbers(plan, max_desktops or plan.desktops, {ANY: expected})
    return approved or by_numbers


def _refuse_spent(plan: Plan, ws: Workspace) -> None:
    """Refuse a plan that was applied before, a dry run of it included; makes no journal."""
    journal = Journal.find(ws.settings.journal_place)
    if journal is not None:
        with journal:
            journal.refuse_spent(plan)


def _typed(plan: Plan) -> str:
    """Ask for the profile's name and the number of desktops; give the approval or ""."""
    prompt = "\nto apply, type the profile's name and the number of desktops, such as staging 12"
    answer = click.prompt(prompt, default="", show_default=False, err=True)
    return approval.by_typing(plan, answer)


def _dry_run(plan: Plan) -> dict[str, object]:
    """Give a plan that is not applied as `--json` prints it."""
    items = [
        {
            "pool_id": item.pool_id,
            "pool_name": item.pool_name,
            "item_id": item.item_id,
            "verdict": "planned",
            "job_id": None,
            "desktops": {"planned": len(item.targets)},
            "reason": "dry run",
        }
        for item in plan.items
    ]
    return {"verdict": "planned", "run_id": None, "items": items, "digest": plan.digest}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _CAP:
            msg = f"{path} is larger than 64 MiB; that is not a plan"
            raise PlanError(msg)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
        raise PlanError(msg, remedy="give the file that `wsops plan … -o FILE` wrote") from None


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
