"""`junit.xml`: a batch for CI systems, a test case for each row, as they all read it.

The elements are those that the common readers know: one `testsuite`, in it `properties` and
`testcase` with `failure`, `error` or `skipped`; the counts of the suite are those of its cases.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from pathlib import PurePath
from xml.etree import ElementTree as ET

from wsops.batch.records import Batch
from wsops.batch.summing import Run, runs_of, without_secrets
from wsops.batch.words import FINE, NOT_BEGUN, OPEN
from wsops.text import is_plain

_LAYOUT = "\n\t"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def as_xml(batch: Batch) -> str:
    """Give a batch as JUnit XML, every secret masked and every odd character made visible.

    A row that went well passes. One that nobody knows the end of is an error, one that was not
    begun is skipped, as is one that still runs while its batch does; all others are failures.
    """
    clean = without_secrets(batch)
    runs = runs_of(clean)
    kinds = [_kind(run, running=clean.ended_at is None) for run in runs]
    numbers = Counter(kinds)
    suite = ET.Element(
        "testsuite",
        name=_text(clean.spec.name),
        tests=str(len(runs)),
        failures=str(numbers["failure"]),
        errors=str(numbers["error"]),
        skipped=str(numbers["skipped"]),
        time=_time(sum(run.latest.seconds or 0 for run in runs)),
        timestamp=f"{clean.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("batch_id", clean.batch_id), ("command", clean.spec.command)):
        ET.SubElement(properties, "property", name=name, value=_text(value))
    stem = PurePath(clean.spec.notebook).stem or "notebook"
    for run, kind in zip(runs, kinds, strict=True):
        _add_case(suite, stem, run, kind)
    ET.indent(suite)
    return f"{_HEAD}{ET.tostring(suite, encoding='unicode')}\n"


def _add_case(suite: ET.Element, stem: str, run: Run, kind: str) -> None:
    again = f" (attempt {run.latest.attempt})" if run.latest.attempt > 1 else ""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_text(stem),
        name=_text(f"{run.row.number:04} {run.row.label}{again}"),
        time=_time(run.latest.seconds or 0),
    )
    if kind:
        told = ET.SubElement(case, kind, message=_text(_message(run)))
        if kind != "skipped":
            told.set("type", _text(run.latest.error or run.word))
            told.text = _text(_details(run))


def _kind(run: Run, *, running: bool) -> str:
    """Give the element that tells how a row ended; "" where it went well."""
    if run.word in FINE:
        return ""
    if run.word in NOT_BEGUN or (running and run.latest.state == "running"):
        return "skipped"
    return "error" if run.word in OPEN else "failure"


def _message(run: Run) -> str:
    """Say in one line how a row stands, and where and why."""
    cell = f" at cell {run.latest.cell}" if run.latest.cell else ""
    reason = " ".join(run.latest.reason.split())
    parts = (f"{run.word.replace('_', ' ')}{cell}", run.latest.error, reason)
    return ": ".join(part for part in parts if part)


def _details(run: Run) -> str:
    """Give all that helps: the reason whole, the runs that it began, what to type, the report."""
    latest = run.latest
    lines = [f"cell {latest.cell}, {latest.error}".strip(", ") if latest.cell else latest.error]
    lines.append(latest.reason)
    lines += [f"run {rollout}" for rollout in latest.rollouts]
    lines += [f"next: {line}" for line in latest.next]
    lines.append(f"report: {latest.report}" if latest.report else "")
    return "\n".join(line for line in lines if line)


def _text(value: str) -> str:
    """Give a text with nothing in it that XML 1.0 forbids or that steers a reader's eye."""
    return "".join(c if _is_legal(c) else f"\\u{ord(c):04x}" for c in value)


def _is_legal(character: str) -> bool:
    return character in _LAYOUT or (is_plain(character) and character not in "\ufffe\uffff")


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
