"""`wsops status`, `stop`, `history` and `handover`: what the journal knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from wsops import screens
from wsops.cli.apply import print_outcome
from wsops.cli.common import command, out, print_json, say
from wsops.errors import JournalError
from wsops.files import write_private
from wsops.handover import as_csv_text, mail_lines
from wsops.journal import Journal
from wsops.membership import BATCH, is_elsewhere
from wsops.outcome import Standing, standing
from wsops.rows import ItemRow, RunRow
from wsops.settings import Settings, load
from wsops.verdicts import once_each

_MOST_NAMED = 5


def _latest(journal: Journal, run_id: str | None) -> str:
    if run_id:
        return run_id
    runs = journal.runs(limit=1)
    if not runs:
        msg = f"the journal {journal.place} has no run"
        raise JournalError(msg, remedy="`wsops apply` makes one")
    return runs[0].run_id


def _only_open(journal: Journal, settings: Settings) -> str:
    """Give the one run of this project that could send, or is followed.

    Raises:
        JournalError: there is none, or more than one; or it is of a batch, whose rows would go on.
    """
    here = (settings.endpoint, settings.project_id)
    mine = [run for run in journal.runs() if not is_elsewhere((run.endpoint, run.project_id), here)]
    found = [run.run_id for run in mine if _goes_on(run, journal.items(run.run_id))]
    for run_id, batch_id in ((run_id, journal.batch_of(run_id)) for run_id in found):
        if not batch_id:
            continue
        msg = f"{run_id} is of {batch_id}, whose other rows would go on"
        remedy = f"`wsops batch stop {batch_id}` stops all of it, `wsops stop RUN` one run"
        raise JournalError(msg, remedy=remedy)
    if not found:
        msg = "no run of this project goes on: there is nothing to stop"
        raise JournalError(msg, remedy="`wsops history` lists all runs")
    if len(found) > 1:
        named = ", ".join(found[:_MOST_NAMED])
        msg = f"without a name it must be one run that goes on; here: {named}"
        raise JournalError(msg, remedy="name it: `wsops stop RUN`")
    return found[0]


def _goes_on(run: RunRow, rows: Sequence[ItemRow]) -> bool:
    """Tell whether a run is followed, or could send: what has stopped it may not hold any more."""
    can_send = run.stop_requested_at is None and any(row.state == "planned" for row in rows)
    return can_send or any(row.live for row in rows)


@click.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@command
def status(run_id: str | None, *, profile: str | None, as_json: bool) -> int:
    """Show a run and its pools; the newest without a name. Reads the journal only."""
    with Journal.known(load(profile).journal_place) as journal:
        return print_outcome(journal, _latest(journal, run_id), as_json=as_json)


@click.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@command
def stop(run_id: str | None, *, profile: str | None, as_json: bool) -> int:
    """Ask a run to send no further pool; final: the pools that are left need a new plan.

    Without a name it is the one of this project that goes on. What is running cannot be stopped,
    and is followed to its end.
    """
    settings = load(profile)
    with Journal.known(settings.journal_place) as journal:
        run_id = run_id or _only_open(journal, settings)
        if not _goes_on(journal.run(run_id), journal.items(run_id)):
            msg = f"{run_id} sends nothing more; there is nothing to stop"
            raise JournalError(msg, remedy=f"`wsops status {run_id}` shows it")
        journal.request_stop(run_id)
        if as_json:
            print_json({"run_id": run_id, "stop": "requested"})
        else:
            say(f"{run_id} sends no further pool")
    return 0


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
@click.option("--verify", is_flag=True, help="Check the chain of events against tampering.")
@command
def history(*, limit: int, verify: bool, profile: str | None, as_json: bool) -> int:
    """List the runs of the journal, newest first."""
    with Journal.known(load(profile).journal_place) as journal:
        ids = [run.run_id for run in journal.runs(limit=limit)]
        past = [(standing(journal, run_id), journal.batch_of(run_id)) for run_id in ids]
        broken = journal.broken_event() if verify else None
        if as_json:
            runs = [_as_document(*one) for one in past]
            print_json({"runs": runs} | ({"broken_event": broken} if verify else {}))
            return 0 if broken is None else JournalError.exit_code
        out.print(screens.runs(past))
        if verify and broken is None:
            out.print("the chain of events is whole", style="green")
        if broken is not None:
            msg = f"event {broken} of the journal does not fit the chain: it was changed or lost"
            raise JournalError(msg, remedy="compare with a backup; do not trust this record")
    return 0


def _as_document(how: Standing, batch_id: str) -> dict[str, object]:
    pools = [row.pool_name or row.pool_id for row in how.items]
    facts = {"verdict": how.verdict, "reason": how.reason, "pools": pools, "batch_id": batch_id}
    return how.run.model_dump(mode="json") | facts


def _of_batch(journal: Journal, batch_id: str) -> tuple[RunRow, tuple[ItemRow, ...], str]:
    """Give the first run of a batch, what became of each desktop last, and how all stands."""
    from wsops.batch.ledger import Ledger  # noqa: PLC0415
    from wsops.batch.view import as_it_stands  # noqa: PLC0415

    with Ledger.known(journal.place) as ledger:
        whole = as_it_stands(ledger, batch_id)
    runs = journal.runs_of_batch(batch_id)
    rows = [row for run in runs for row in journal.items(run.run_id)]
    ends = once_each(rows)
    touched = {row.pool_id for row in ends}
    others = {row.pool_id: row for row in rows if row.pool_id not in touched}
    return runs[0], (*ends, *others.values()), f"{whole.verdict}, {whole.headline}"


@click.command()
@click.argument("run_id", required=False, metavar="[RUN|BATCH]")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="CSV file.")
@command
def handover(run_id: str | None, *, output: Path | None, profile: str | None, as_json: bool) -> int:
    """Write a run for the help desk: a CSV of user, desktop, pool, state, and lines to mail.

    Of a batch all runs are written, as one; so they are without a name, where the newest run is one
    of a batch.
    """
    with Journal.known(load(profile).journal_place) as journal:
        latest = _latest(journal, run_id)
        name = run_id or journal.batch_of(latest) or latest
        if name.startswith(BATCH):
            key, (run, rows, verdict) = "batch_id", _of_batch(journal, name)
        else:
            key, (run, rows, verdict, _) = "run_id", standing(journal, name)
    path = output or Path(f"handover-{name}.csv")
    write_private(path, as_csv_text(rows))
    lines = mail_lines(run, rows, verdict, path.name)
    if as_json:
        print_json({key: name, "csv": str(path), "mail": lines})
    else:
        for line in lines:
            say(line)
        say(f"\nwrote {path}", style="dim")
    return 0
