"""`wsops batch run`, `resume` and `retry`: what drives a batch."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wsops.cli.common import command, connected, err, out, print_json, say
from wsops.credentials import know_secrets
from wsops.errors import JournalError, Locked, NotApproved, NothingToDo
from wsops.kernels import light_imports, nursery
from wsops.settings import Settings, load
from wsops.text import count, visible
from wsops.verdicts import EXIT_CODES

if TYPE_CHECKING:
    from wsops.batch.records import Batch, Spec

_PATH = click.Path(dir_okay=False, path_type=Path, allow_dash=True)
_FILE = click.Path(dir_okay=False, path_type=Path)
_OUT = Path("reports/runs")
_MANY = 1000  # runs at once
_DIGITS = 6  # of the number of a row
_LEAST_MEMORY = 1000  # MiB: an ordinary kernel takes 900 to start
_SHOWN = 40  # rows of a dry run, or of a status, in a terminal


def _running(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of how runs are carried out."""
    options = (
        click.option(
            "--workers", type=click.IntRange(1, _MANY), help="Runs at once; 4 where not given."
        ),
        click.option(
            "--executor",
            metavar="WHERE",
            help="local, or dask://HOST:PORT for the workers of a Dask scheduler.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@click.argument("notebook", type=_FILE)
@click.option("--params", type=_PATH, metavar="FILE", help="Rows: .csv, .yaml, .json; - for stdin.")
@click.option(
    "--form",
    type=click.Choice(["csv", "yaml", "json"]),
    help="What the rows are, where the ending does not say.",
)
@click.option(
    "--from-audit",
    "audit",
    type=_PATH,
    metavar="FILE",
    help="A row for each pool with mismatches, from what `wsops audit --json` printed.",
)
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="For all rows.")
@click.option("--where", metavar="RULE", help='Only rows that fit, such as "mismatches > 10".')
@click.option("--limit", type=click.IntRange(1), help="So many rows at the most.")
@click.option("--name", help="Name of the batch; the notebook's where it is not given.")
@click.option(
    "--out",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    default=_OUT,
    show_default=True,
    help="Where the batch's folder is made.",
)
@click.option("--apply", is_flag=True, help="Carry the plans out; needs an approved total.")
@click.option("--max-desktops", type=click.IntRange(1), help="The approved total of all rows.")
@click.option(
    "--expect-image",
    "expect_images",
    multiple=True,
    metavar="ID",
    help="An image it may build from; repeatable.",
)
@click.option("--change", default="", help="Ticket that this is done for.")
@click.option(
    "--kernels",
    type=click.Choice(["warm", "fresh"]),
    default="warm",
    show_default=True,
    help="Forked from a warm process, or started anew.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="A run that takes longer is ended; 0 is none.",
)
@click.option(
    "--memory",
    type=click.IntRange(_LEAST_MEMORY),
    metavar="MIB",
    help="Address space of a kernel, at the least 1000.",
)
@click.option("--dry-run", is_flag=True, help="Show the rows and run nothing.")
@_running
@command
def run(
    notebook: Path,
    *,
    root: Path,
    dry_run: bool,
    profile: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401  (they are checked as fields of Asked)
) -> int:
    """Run NOTEBOOK once a row; without rows once, by what --set says.

    With --apply the batch is one rollout: the first row is the canary, no more desktops are
    touched than --max-desktops, one error threshold and one stop hold for all.
    """
    if options["kernels"] == "warm" and not options["executor"] and not dry_run:
        nursery().warm(os.environ)  # it imports what kernels need while this process does the same
    with light_imports():  # when they are needed, here and below: they take a second
        from wsops.batch.again import begin  # noqa: PLC0415
        from wsops.batch.spec import Asked, plan_spec, with_total  # noqa: PLC0415

    asked = Asked(profile=profile, command=_command_line(), **_given(**options))
    know_secrets(load(profile))
    try:
        spec, content = plan_spec(notebook, asked)
    except NothingToDo as nothing:
        return _nothing(nothing, as_json=as_json)
    if dry_run:
        return _show_rows(spec, as_json=as_json)
    settings = load(spec.profile or None)
    know_secrets(settings)
    if spec.apply:  # what is approved is approved for one project, which may have to be looked up
        with connected(spec.profile or None) as ws:
            settings = ws.resolved
    if spec.apply and not spec.max_desktops:
        _show_before(spec, settings)
        spec = with_total(spec, _typed_total(settings.profile, spec))
    return _drive(settings, spec, lambda: begin(settings, spec, content, root), as_json=as_json)


@click.command()
@click.argument("batch_id", required=False, metavar="[BATCH]")
@_running
@command
def resume(
    batch_id: str | None,
    *,
    workers: int | None,
    executor: str | None,
    profile: str | None,
    as_json: bool,
) -> int:
    """Run the rows of a batch that were not begun, the newest without a name.

    A row that was begun is never run again by this. A batch that was stopped, or whose canary
    failed, starts nothing more; what its runs have sent is looked up.
    """
    from wsops.batch.amounts import exit_code  # noqa: PLC0415
    from wsops.batch.ledger import Ledger  # noqa: PLC0415
    from wsops.batch.view import as_it_stands  # noqa: PLC0415
    from wsops.batch.words import OPEN  # noqa: PLC0415

    settings = load(profile)
    know_secrets(settings)
    with Ledger.known(settings.journal_place) as ledger:
        row = ledger.batch(batch_id) if batch_id else ledger.newest()
        whole = as_it_stands(ledger, row.batch_id)
    settings = _settings_of(row.spec, settings, profile)
    if row.ended_at is not None and not any(one.verdict in OPEN for one in whole.attempts):
        say(f"{row.batch_id} has ended: there is nothing to resume", to=err)
        tell(whole, as_json=as_json)
        return exit_code(whole.verdict)
    how = row.spec.model_copy(update=_given(workers=workers, executor=executor))
    return _drive(settings, how, lambda: row.batch_id, as_json=as_json)


@click.command()
@click.argument("batch_id", required=False, metavar="[BATCH]")
@click.option("--failed", is_flag=True, help="The rows that failed, died or were interrupted.")
@click.option("--rows", metavar="N,…", help="These rows.")
@click.option(
    "--from-report",
    "report",
    type=_FILE,
    metavar="index.html",
    help="The batch of an index: it carries its spec.",
)
@click.option("--apply", is_flag=True, help="Approved anew; asks without --max-desktops.")
@click.option("--max-desktops", type=click.IntRange(1), help="The approved total of this round.")
@click.option("--dry-run", is_flag=True, help="Show the rows and how each stands; run nothing.")
@_running
@command
def retry(  # noqa: PLR0913  (one argument an option)
    batch_id: str | None,
    *,
    failed: bool,
    rows: str | None,
    report: Path | None,
    apply: bool,
    max_desktops: int | None,
    dry_run: bool,
    workers: int | None,
    executor: str | None,
    profile: str | None,
    as_json: bool,
) -> int:
    """Run rows again that did not end well, as new attempts; the old ones are kept.

    A row whose outcome is unknown is not run again: `wsops resume` and `wsops settle` end that.
    """
    with light_imports():
        from wsops.batch import again  # noqa: PLC0415

    if failed == bool(rows) or (batch_id and report):
        msg = "give --failed or --rows, and the batch by its name or by --from-report"
        raise click.UsageError(msg)
    settings = load(profile)
    know_secrets(settings)
    wanted = again.Wanted(
        batch_id or "",
        report,
        None if rows is None else numbers(rows),
        apply=None if dry_run else apply,
    )
    spec, begin = again.ask(settings, wanted)
    settings = _settings_of(spec, settings, profile)
    if dry_run:
        return _show_rows(spec, as_json=as_json)
    total = max_desktops or 0
    if spec.apply and not total:
        _show_before(spec, settings)
        total = _typed_total(settings.profile, spec)
    how = spec.model_copy(update=_given(workers=workers, executor=executor))
    return _drive(settings, how, lambda: begin(settings, total), as_json=as_json)


def _settings_of(spec: Spec, settings: Settings, profile: str | None) -> Settings:
    """Give the settings that the rows of a batch run with; what is approved is approved for them.

    Raises:
        NotApproved: another profile was named, or theirs has another journal.
    """
    own = load(spec.profile or None)
    if (profile and profile != own.profile) or own.journal_place != settings.journal_place:
        msg = f"the rows of the batch run with profile {own.profile!r}, not {settings.profile!r}"
        raise NotApproved(msg, remedy=f"add --profile {own.profile}, and read what it shows")
    know_secrets(own)
    return own


def _drive(settings: Settings, spec: Spec, begin: Callable[[], str], *, as_json: bool) -> int:
    """Begin a batch once its workers are there, drive it, and tell how it stands; gives the code.

    `begin` gives the ID of the batch.
    """
    with light_imports():
        from wsops.batch.driving import drive  # noqa: PLC0415
        from wsops.batch.hands import hands_of  # noqa: PLC0415

    with hands_of(spec) as hands:
        batch_id = begin()
        say(f"{batch_id}: {count(len(spec.rows), 'row')}, {spec.workers} at once", to=err)
        with _begun(batch_id):
            drove = drive(settings, batch_id, hands, err)
    tell(drove.batch, as_json=as_json)
    if drove.problem:
        say(f"its pages are not current: {visible(drove.problem, 500)}", style="bold red", to=err)
    return drove.code


@contextmanager
def _begun(batch_id: str) -> Iterator[None]:
    """Let a journal that fails in the middle not look as if nothing had been sent."""
    try:
        yield
    except Locked:
        raise  # another process drives it, and this one has done nothing
    except JournalError as error:
        error.exit_code = EXIT_CODES["unknown"]
        error.remedy = f"what was sent goes on: wsops batch resume {batch_id}"
        raise


def tell(whole: Batch, *, as_json: bool) -> None:
    """Print a batch as it stands, with where its index is and what to type next."""
    from wsops.batch import index, screens  # noqa: PLC0415

    if as_json:
        print_json(index.as_document(whole))
        return
    out.print(screens.batch(whole, most=_SHOWN))
    for line in screens.after(whole):
        say(line)


def _show_rows(spec: Spec, *, as_json: bool) -> int:
    from wsops.batch import screens  # noqa: PLC0415
    from wsops.batch.records import MISMATCHES  # noqa: PLC0415

    if as_json:
        print_json(spec.model_dump(mode="json", by_alias=True))
        return 0
    out.print(screens.rows(spec, most=_SHOWN))
    known = screens.total(spec)
    rows = ", ".join(filter(None, (count(len(spec.rows), "row"), known)))
    say(f"dry run of {rows}: nothing was run", style="bold")
    if known and not spec.apply:
        again = spec.command.replace(" --dry-run", "")
        say(f"next: {again} --apply --max-desktops {spec.summed(MISMATCHES)}", style="bold")
    return 0


def numbers(text: str) -> frozenset[int]:
    """Read rows by number, separated by commas; "3-5" is a range.

    Raises:
        click.UsageError: a part is no number and no range that goes up, or there is none.
    """
    found: set[int] = set()
    for part in (piece.strip() for piece in text.split(",")):
        first, dash, last = part.partition("-")
        last = last if dash else first
        whole = first.isdecimal() and last.isdecimal() and max(len(first), len(last)) <= _DIGITS
        if not whole or int(first) > int(last):
            msg = f"--rows wants numbers, such as 3,5-7; {part[:40]!r} is not one"
            raise click.UsageError(msg)
        found.update(range(int(first), int(last) + 1))
    return frozenset(found)


def _nothing(nothing: NothingToDo, *, as_json: bool) -> int:
    """Say that there is no row to run, which is as wanted: no batch is made."""
    if as_json:
        print_json({"verdict": "done", "headline": str(nothing), "runs": []})
    else:
        say(f"nothing to do: {nothing}")
    return 0


def _show_before(spec: Spec, settings: Settings) -> None:
    """Show what is asked for, and where, before somebody types how much of it is approved."""
    from wsops import screens as shared  # noqa: PLC0415
    from wsops.batch import screens  # noqa: PLC0415

    facts = (settings.environment, settings.region, settings.project_id, settings.profile)
    out.print(shared.place(*facts))
    out.print(screens.rows(spec, most=_SHOWN))


def _typed_total(profile: str, spec: Spec) -> int:
    """Ask on a terminal for the profile's name and a number of desktops; gives the number.

    Raises:
        NotApproved: nobody is there to type, or something else was typed.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        msg = "--apply without a person at the terminal needs --max-desktops"
        raise NotApproved(msg, remedy="read what the rows would do without --apply, then give both")
    from wsops.batch.records import MISMATCHES  # noqa: PLC0415

    example = f"{profile} {spec.summed(MISMATCHES) or 'NUMBER'}"
    prompt = (
        "\nto apply, type the profile's name and how many desktops all rows may touch together, "
        f"such as: {example}"
    )
    typed = click.prompt(prompt, default="", show_default=False, err=True).split()
    *name, number = typed or ("", "")
    if " ".join(name) != profile or not number.isdecimal() or not int(number):
        msg = f"{' '.join(typed)[:60]!r} is not the profile's name and a number of desktops"
        raise NotApproved(msg, remedy=f"apply again and type both, such as: {example}")
    return int(number)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _command_line() -> str:
    return shlex.join(("wsops", *sys.argv[1:]))
