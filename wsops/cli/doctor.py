"""`wsops doctor`."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from wsops import screens
from wsops.cli.common import command, out, print_json
from wsops.doctor import examine
from wsops.looks import colour_of, sign_of
from wsops.text import visible


@click.command()
@command
def doctor(*, profile: str | None, as_json: bool) -> int:
    """Show settings and where they come from, credentials (no values), network, journal, rights."""
    settings, findings = examine(profile)
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        environment = settings.environment if settings.endpoint else "NOT CONFIGURED"
        line = (environment, settings.region, settings.project_id, settings.profile)
        out.print(screens.place(*line))
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for finding in findings:
            sign = Text(sign_of(finding.level), style=colour_of(finding.level))
            table.add_row(sign, Text(finding.what, style="bold"), visible(finding.found))
        out.print(table)
    return 1 if any(finding.level == "fail" for finding in findings) else 0
