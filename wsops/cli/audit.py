"""`wsops audit`."""

from __future__ import annotations

import shlex
from collections import defaultdict
from pathlib import Path

import click

from wsops import screens
from wsops.audit import audit as run_audit
from wsops.audited import Audit, Mismatch
from wsops.cli.common import (
    command,
    connected,
    err,
    journal_of,
    out,
    print_json,
    save_fleet,
    say,
)
from wsops.client import Workspace
from wsops.files import as_csv, write_private
from wsops.models import Desktop, Pool
from wsops.progress import Counting

_FOUND = 4
_COLUMNS = (
    "pool_id",
    "pool_name",
    "pool_image_id",
    "desktop_id",
    "desktop_name",
    "desktop_image_id",
    "user_name",
    "status",
    "login_status",
)


@click.command()
@click.argument("patterns", nargs=-1, metavar="[POOL-PATTERN]...")
@click.option("--full", is_flag=True, help="Read all desktops; do not use the region's filter.")
@click.option("--check", is_flag=True, help="Exit 4 when there are mismatches.")
@click.option("--record", is_flag=True, help="Keep the audit in the journal.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the mismatches for a spreadsheet.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a fleet file for `wsops simulate --fleet`; implies --full.",
)
@click.option("--keep-names", is_flag=True, help="With --save: no pseudonyms.")
@command
def audit(  # noqa: PLR0913  (one argument an option)
    patterns: tuple[str, ...],
    *,
    full: bool,
    check: bool,
    record: bool,
    csv_file: Path | None,
    save: Path | None,
    keep_names: bool,
    profile: str | None,
    as_json: bool,
) -> int:
    """List desktops that do not run their pool's image; reads only.

    Without a pattern all pools are read. A pattern is a shell pattern of names, or an ID.
    """
    kept: dict[str, dict[str, Desktop]] = defaultdict(dict)

    def keep(pool: Pool, desktop: Desktop) -> None:
        kept[pool.id][desktop.desktop_id] = desktop

    with connected(profile) as ws:
        with Counting(err, "reading pools") as counting:
            whole, collect = full or save is not None, keep if save else None
            found = run_audit(ws, patterns, full=whole, collect=collect, tell=counting.tell)
        if save is not None:
            _save(ws, found, kept, save, keep_names=keep_names)
        if record:
            with journal_of(ws) as journal:
                journal.keep_audit(found, ws.settings.endpoint, ws.settings.profile)
    if csv_file is not None:
        write_private(csv_file, as_csv(_COLUMNS, map(_cells, found.mismatches)))
    if as_json:
        print_json(as_document(found))
    else:
        out.print(screens.audit(found, ws.settings))
        _say_what_next(found, patterns, [path for path in (csv_file, save) if path])
    if found.unread:
        return 1
    return _FOUND if check and found.mismatches else 0


def _say_what_next(found: Audit, patterns: tuple[str, ...], written: list[Path]) -> None:
    for path in written:
        say(f"wrote {path}")
    if found.mismatches:
        again = [*map(shlex.quote, patterns), "-o", "plan.json"]
        say(f"next: wsops plan repair {' '.join(again)}", style="bold")


def as_document(found: Audit) -> dict[str, object]:
    """Give an audit as `--json` prints it."""
    return {
        "pools": len(found.pools),
        "desktops": found.desktops,
        "mismatches": [dict(zip(_COLUMNS, _cells(m), strict=True)) for m in found.mismatches],
        "notes": list(found.notes),
    }


def _cells(mismatch: Mismatch) -> list[str]:
    return [getattr(mismatch, column) for column in _COLUMNS]


def _save(
    ws: Workspace,
    found: Audit,
    kept: dict[str, dict[str, Desktop]],
    path: Path,
    *,
    keep_names: bool,
) -> None:
    pools = [(pool, kept[pool.id].values()) for pool in found.pools]
    save_fleet(ws, pools, path, keep_names=keep_names)
