"""`wsops batch`: one notebook over many rows of parameters."""

from __future__ import annotations

import click

from wsops.cli.batch_run import resume, retry, run, tell
from wsops.cli.common import command, out, print_json, say
from wsops.errors import BatchError
from wsops.settings import load


@click.group()
def batch() -> None:
    """Run one notebook over many rows of parameters: several at once, one index to read.

    Each row runs in a kernel of its own and ends as an executed notebook and a report.
    """


for _command in (run, resume, retry):
    batch.add_command(_command)


@batch.command()
@click.argument("batch_id", required=False, metavar="[BATCH]")
@command
def status(batch_id: str | None, *, profile: str | None, as_json: bool) -> int:
    """Show a batch and its rows, the newest without a name, while it runs or afterwards."""
    from wsops.batch.amounts import exit_code  # noqa: PLC0415
    from wsops.batch.ledger import Ledger  # noqa: PLC0415
    from wsops.batch.view import as_it_stands  # noqa: PLC0415

    with Ledger.known(load(profile).journal_place) as ledger:
        row = ledger.batch(batch_id) if batch_id else ledger.newest()
        whole = as_it_stands(ledger, row.batch_id)
    tell(whole, as_json=as_json)
    return exit_code(whole.verdict)


@batch.command()
@click.argument("batch_id", metavar="BATCH")
@command
def stop(batch_id: str, *, profile: str | None, as_json: bool) -> int:
    """Ask a batch to start no further row, and its runs to send no further pool; final."""
    from wsops.batch.ledger import Ledger  # noqa: PLC0415

    with Ledger.known(load(profile).journal_place) as ledger:
        if ledger.batch(batch_id).ended_at is not None:
            msg = f"{batch_id} has ended; there is nothing to stop"
            raise BatchError(msg, remedy=f"`wsops batch status {batch_id}` shows it")
        ledger.request_stop(batch_id)
    if as_json:
        print_json({"batch_id": batch_id, "stop": "requested"})
    else:
        say(f"{batch_id} starts no further row")
    return 0


@batch.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
@command
def list_batches(*, limit: int, profile: str | None, as_json: bool) -> int:
    """List the batches of the journal, newest first."""
    from wsops.batch import screens  # noqa: PLC0415
    from wsops.batch.ledger import Ledger  # noqa: PLC0415
    from wsops.batch.view import as_it_stands  # noqa: PLC0415

    with Ledger.known(load(profile).journal_place) as ledger:
        found = [as_it_stands(ledger, row.batch_id) for row in ledger.batches(limit)]
    if as_json:
        print_json({"batches": [screens.facts(one) for one in found]})
    else:
        out.print(screens.batches(found))
    return 0
