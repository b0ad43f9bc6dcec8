"""Tables of what came of it: runs, pools, desktops, the sub-jobs of a job; and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from wsops.doctor import Finding
from wsops.models import Job, SubJob
from wsops.outcome import shown_as
from wsops.rows import ItemRow, RunRow
from wsops.summary import Trouble
from wsops.tables.columns import Column
from wsops.tables.table import Table
from wsops.verdicts import counts_of, in_need, undecided
from wsops.verify import GOOD_ENDS

_OUTCOME = (
    Column("pool"),
    Column("verdict", "state"),
    Column("done", "count"),
    Column("left_in_use", "count"),
    Column("not_well", "count"),
    Column("pending", "count"),
    Column("took", "duration"),
    Column("why"),
)
_TROUBLES = (
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("pool"),
    Column("state", "state"),
    Column("why"),
)
_JOB = (
    Column("desktop", "desktop"),
    Column("user", "user"),
    Column("status", "state"),
    Column("process", "share"),
    Column("begin", "time"),
    Column("end", "time"),
    Column("took", "duration"),
    Column("why"),
)
_RUNS = (
    Column("run", "id"),
    Column("started", "time"),
    Column("verdict", "state"),
    Column("change"),
    Column("by", "user"),
    Column("profile"),
    Column("environment"),
    Column("why"),
)
_FINDINGS = (Column("level", "state"), Column("what"), Column("found"))


def outcome(rows: Sequence[ItemRow]) -> Table:
    """Give how each pool of a run stands, with how many of its desktops ended how.

    Columns: pool, verdict, done, left_in_use, not_well, pending, took (from the send to the
    verdict), why.
    """
    return Table.of(_OUTCOME, (_standing(row) for row in rows), "Pools of the run")


def troubles(rows: Iterable[ItemRow]) -> Table:
    """Give the desktops whose users may be unable to work: desktop, user, pool, state, why."""
    return Table.of(
        _TROUBLES, _cells(one for row in rows for one in in_need(row)), "Who needs help"
    )


def unknown(rows: Iterable[ItemRow]) -> Table:
    """Give the desktops of which nobody knows what became: desktop, user, pool, state, why."""
    cells = _cells(one for row in rows for one in undecided(row))
    return Table.of(_TROUBLES, cells, "What is unknown")


def job(job: Job) -> Table:
    """Give the sub-jobs: desktop, user, status, process (0-1), begin, end, took, why."""
    table = Table.of(_JOB, (_sub_job(sub) for sub in job.sub_jobs), f"Job {job.id}".strip())
    took = (table.frame["end"] - table.frame["begin"]).dt.total_seconds().astype("Float64")
    return Table(table.frame.assign(took=took), table.columns, table.caption)


def runs(rows: Iterable[RunRow], verdicts: Mapping[str, str]) -> Table:
    """Give runs: run, started, verdict, change, by, profile, environment, why.

    `verdicts` maps a run's ID to its verdict as of now; one that is not there has its own.
    """
    cells = (
        (
            run.run_id,
            run.started_at,
            verdicts.get(run.run_id, run.verdict),
            run.change,
            run.operator,
            run.profile,
            run.environment,
            run.reason,
        )
        for run in rows
    )
    return Table.of(_RUNS, cells, "Runs")


def findings(rows: Iterable[Finding]) -> Table:
    """Give what was looked at: level (ok, info, warn, fail), what, found."""
    return Table.of(_FINDINGS, ((one.level, one.what, one.found) for one in rows), "Findings")


def _standing(row: ItemRow) -> tuple[object, ...]:
    counts = Counter(counts_of(row))
    well = counts["done"] + counts["left_in_use"] + counts["pending"]
    return (
        row.pool_name or row.pool_id,
        shown_as(row),
        counts["done"],
        counts["left_in_use"],
        sum(counts.values()) - well,
        counts["pending"],
        _seconds(row.sent_at, row.ended_at),
        "" if row.verdict in GOOD_ENDS else row.reason,
    )


def _cells(rows: Iterable[Trouble]) -> Iterator[tuple[str, ...]]:
    return ((one.desktop, one.user, one.pool, one.state, one.reason) for one in rows)


def _sub_job(sub: SubJob) -> tuple[object, ...]:
    return (
        sub.entities.desktop_name or sub.desktop_id,
        sub.entities.user_name,
        sub.status,
        None if sub.process is None else sub.process / 100,
        sub.begin_time or None,
        sub.end_time or None,
        None,
        f"{sub.error_code} {sub.fail_reason}".strip(),
    )


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else (end - begin).total_seconds()
