"""From a notebook and a source of rows to the spec of a batch, before any kernel starts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from wsops.batch.naming import slug
from wsops.batch.records import Manner, Row, Spec
from wsops.batch.spec.approval import approved, check_total, not_applied
from wsops.batch.spec.asked import Asked
from wsops.batch.spec.audit import read_audit
from wsops.batch.spec.choose import chosen
from wsops.batch.spec.declared import Notebook, read_declared
from wsops.batch.spec.given import Given, Source
from wsops.batch.spec.plain import shown
from wsops.batch.spec.problems import Problems
from wsops.batch.spec.rows import Checked, Checking, Setting
from wsops.batch.spec.sources import read_source
from wsops.errors import SpecError
from wsops.redact import leaks, scrub

_NAMED_BY = ("pools", "pool", "name")
_LONGEST_LABEL: Final = 60
LARGEST: Final = 8 * 1024**2
"""Characters of a spec: its index carries it, and is opened by browsers."""

_AS_ASKED: Final = set(Manner.model_fields) - {"command"}


def plan_spec(notebook: Path, asked: Asked) -> tuple[Spec, bytes]:
    """Give the spec of a batch, every row of it checked, and the bytes of its notebook.

    Raises:
        SpecError: something of it cannot be run; says what, with row and column.
        NotApproved: the approved total cannot be enough.
    """
    book = read_declared(notebook)
    source = _source(asked)
    problems = Problems(source.what)
    rows = Checking(book, problems).rows(source, _settings(source, asked, book))
    problems.refuse()
    rows = chosen(rows, [*book.parameters], asked)
    total = 0
    if asked.apply:
        parameters, total = approved(rows, book, asked, problems)
        problems.refuse()
    else:
        parameters = not_applied(rows, book)
    spec = Spec(
        name=slug(asked.name or source.name or notebook.stem),
        notebook=notebook.name,
        notebook_sha256=hashlib.sha256(book.content).hexdigest(),
        profile=asked.profile or _profile(rows),
        max_desktops=total,
        command=scrub(asked.command),
        rows=tuple(
            Row(
                number=number,
                label=_label(row) or (f"row {number}" if len(rows) > 1 else notebook.stem),
                parameters=values,
                facts=row.facts,
            )
            for number, (row, values) in enumerate(zip(rows, parameters, strict=True), 1)
        ),
        **asked.model_dump(include=_AS_ASKED),
    )
    check_total(spec)
    _check_document(spec.model_dump_json())
    return spec, book.content


def _source(asked: Asked) -> Source:
    """Read the rows; without a source there is one, of the notebook's own defaults."""
    if asked.params is not None and asked.audit is not None:
        msg = "rows come from a file or from an audit, not from both"
        raise SpecError(msg, remedy="give either --params or --from-audit")
    if asked.audit is not None:
        return read_audit(asked.audit)
    if asked.params is not None:
        return read_source(asked.params, asked.form)
    return Source("the batch", (Given("row 1"),))


def _settings(source: Source, asked: Asked, book: Notebook) -> Iterator[Setting]:
    """Give the values for all rows: of the file, of --set, and of options that are parameters."""
    for name, value in source.everywhere.items():
        yield Setting("`set`", name, value)
    for text in asked.sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            msg = f"--set wants NAME=VALUE, not {shown(text)}"
            raise SpecError(msg, remedy="give a name, an equals sign and a value")
        yield Setting("--set", name, value)
    for name, value in (("profile", asked.profile), ("change", asked.change)):
        if value and name in book.parameters:
            yield Setting(f"--{name}", name, value)


def _profile(rows: Sequence[Checked]) -> str:
    """Give the profile of all rows, "" where they differ or have none."""
    profiles = {str(row.whole.get("profile", "")) for row in rows}
    return profiles.pop() if len(profiles) == 1 else ""


def _label(row: Checked) -> str:
    """Give what people call a row: by its source, its pools, else its first text; "" for none."""
    names = (row.values.get(name) for name in _NAMED_BY)
    texts = (text for text in (row.label, *names, *row.own.values()) if isinstance(text, str))
    label = next((shown for text in texts if (shown := " ".join(text.split()))), "")
    return label[:_LONGEST_LABEL]


def _check_document(spec: str) -> None:
    """Refuse a spec that the journal and the index could not hold, or must not."""
    if len(spec) > LARGEST:
        size, most = len(spec) / 1024**2, LARGEST / 1024**2
        msg = f"the parameters of all rows are {size:,.0f} MB of text; {most:g} MB is the most"
        remedy = "put long values into a file that the notebook reads; no kernel was started"
        raise SpecError(msg, remedy=remedy)
    if leaks(spec):
        msg = "the batch would hold a secret that is in use"
        raise SpecError(msg, remedy="take it out, and change the secret; no kernel was started")
