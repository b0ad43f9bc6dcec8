"""`wsops settle`."""

from __future__ import annotations

import click

from wsops.cli.apply import print_outcome
from wsops.cli.common import command, connected, journal_of
from wsops.settle import settle as decide


@click.command()
@click.argument("item_id", metavar="ITEM")
@click.option("--adopt", metavar="JOB", help="This job is the one that the request started.")
@click.option("--not-sent", is_flag=True, help="The request never reached the service.")
@click.option("--evidence", required=True, help="How you know; kept in the journal.")
@command
def settle(  # noqa: PLR0913  (one argument an option)
    item_id: str,
    *,
    adopt: str | None,
    not_sent: bool,
    evidence: str,
    profile: str | None,
    as_json: bool,
) -> int:
    """Decide by hand what became of a request whose outcome is unknown."""
    if bool(adopt) == not_sent:
        msg = "give either --adopt JOB or --not-sent"
        raise click.UsageError(msg)
    with connected(profile) as ws, journal_of(ws) as journal:
        row = decide(ws, journal, item_id, adopt=adopt or "", not_sent=not_sent, evidence=evidence)
        print_outcome(journal, row.run_id, as_json=as_json)
    return 0
