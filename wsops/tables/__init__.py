"""Tables: frames with declared columns, that show themselves in a notebook and in a report.

Text from a server is data in all their faces: escaped, with control and direction characters made
visible, and never a formula in a file.
"""

from wsops.tables.columns import Column, Kind
from wsops.tables.of_audit import images, mismatches, mismatches_by, pools
from wsops.tables.of_history import failures, failures_by_cause, forecasts, offenders
from wsops.tables.of_plan import items, people, requests, skipped
from wsops.tables.of_run import findings, job, outcome, runs, troubles, unknown
from wsops.tables.table import Table

__all__ = [
    "Column",
    "Kind",
    "Table",
    "failures",
    "failures_by_cause",
    "findings",
    "forecasts",
    "images",
    "items",
    "job",
    "mismatches",
    "mismatches_by",
    "offenders",
    "outcome",
    "people",
    "pools",
    "requests",
    "runs",
    "skipped",
    "troubles",
    "unknown",
]
