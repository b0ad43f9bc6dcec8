"""Beginning a batch, and asking for rows of one again, as new attempts or as a new batch."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from wsops import locks
from wsops.batch import folder
from wsops.batch.index import Carried, read_carried
from wsops.batch.ledger import BatchRow, Ledger
from wsops.batch.records import Spec, latest_of
from wsops.batch.words import AGAIN, OPEN
from wsops.errors import BatchError, NotApproved
from wsops.membership import BATCH, batch_key
from wsops.models import local_now
from wsops.settings import Settings
from wsops.text import count


@dataclass(frozen=True)
class Wanted:
    """What shall be tried again: rows of a batch by number, those that failed where none is named.

    The batch is named by its ID or by its index page; `apply` says that they may act once more,
    None that somebody only looks.
    """

    batch_id: str
    report: Path | None
    rows: frozenset[int] | None
    apply: bool | None


def begin(settings: Settings, spec: Spec, content: bytes, root: Path) -> str:
    """Make the folder of a batch and write it down; gives its ID.

    Raises:
        BatchError: the folder cannot be made.
        JournalError: the record cannot be written.
    """
    now = local_now()
    with Ledger.open(settings.journal_place) as ledger:
        place = folder.make(root, spec.name, spec.notebook, content, now)
        batch_id = f"{BATCH}{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        where = (settings.endpoint, settings.project_id)
        ledger.begin(batch_id, spec, str(place), settings.operator, where)
    return batch_id


Begin = Callable[[Settings, int], str]
"""Begins what was asked for, with the settings of its rows and the total approved for them.

The total is 0 where they apply nothing; gives the batch's ID.
"""


def ask(settings: Settings, wanted: Wanted) -> tuple[Spec, Begin]:
    """Ask for rows again: a new round of a batch that the journal knows, else a new batch.

    Gives the spec with the rows that are meant, and what begins them. Its total is no longer
    approved, and the facts of a row are how it stands: what an audit said of it is the past.

    Raises:
        BatchError: there is no such batch or row, it has not ended, or no row has failed.
        NotApproved: the rows apply changes, and nobody has approved that anew.
        SettingsError: the index page cannot be read, or carries no batch.
        JournalError: the record cannot be used.
    """
    carried = read_carried(wanted.report) if wanted.report else None
    batch_id = carried.batch_id if carried else wanted.batch_id
    place = settings.journal_place
    ledger = Ledger.find(place) if carried else Ledger.known(place)
    with ledger or nullcontext():
        if ledger is not None and (carried is None or ledger.knows(batch_id)):
            row = ledger.batch(batch_id or ledger.newest().batch_id)
            row.check_here(settings)
            chosen = _chosen_of(ledger, row, wanted)
            name = row.batch_id
            return (
                _as_they_stand(_only(row.spec, chosen), chosen),
                lambda own, total: _round(own, name, wanted, set(chosen), total),
            )
    assert carried is not None  # noqa: S101  (else the ledger was there, and has answered)
    assert wanted.report is not None  # noqa: S101  (it is what carried)
    _check_approved(carried.spec, apply=wanted.apply)
    return _anew(wanted.report, carried, wanted)


def _check_approved(spec: Spec, *, apply: bool | None) -> None:
    """Refuse to run rows that apply changes on an old approval, or to begin to apply by a retry."""
    if spec.apply and apply is False:
        msg = "the rows apply changes: what was approved for them is spent"
        raise NotApproved(msg, remedy="approve anew: --apply, and the total by --max-desktops")
    if apply and not spec.apply:
        msg = "the batch was made without --apply: its rows only plan"
        raise NotApproved(msg, remedy="make a new one: `wsops batch run … --apply`")


def _check_total(spec: Spec, total: int) -> None:
    """Refuse rows that apply changes without a total, and a total for rows that apply none."""
    if spec.apply != bool(total):
        approved = f"{count(total, 'desktop')} approved"
        msg = f"{approved} for rows that {'apply changes' if spec.apply else 'only plan'}"
        raise NotApproved(msg, remedy="give --apply with --max-desktops where the batch applies")


def _chosen(words: Mapping[int, str], rows: frozenset[int] | None) -> dict[int, str]:
    """Give the rows to try again with how each stands; refuses those that must not be."""
    if rows is None:
        rows = frozenset(number for number, word in words.items() if word in AGAIN)
    strange = rows - set(words)
    if strange:
        msg = f"there is no row {min(strange)}; the last one is {max(words, default=0)}"
        raise BatchError(msg, remedy="`wsops batch status` lists the rows")
    for number in sorted(rows):
        if words[number] in OPEN:
            msg = f"row {number} is {words[number]}: it may have sent"
            raise BatchError(msg, remedy="end that first: `wsops resume`, `wsops settle`")
    if not rows:
        msg = "no row has failed: there is nothing to try again"
        raise BatchError(msg, remedy="name rows by --rows, or see `wsops batch status`")
    return {number: words[number] for number in sorted(rows)}


def _chosen_of(ledger: Ledger, row: BatchRow, wanted: Wanted) -> dict[int, str]:
    """Give the rows of a batch to try again with how each stands, from its ledger."""
    if row.ended_at is None:
        msg = f"{row.batch_id} has not ended: rows of it run, or were not begun"
        remedy = f"`wsops batch resume {row.batch_id}` ends it"
        raise BatchError(msg, folder=row.folder, remedy=remedy)
    latest = latest_of(ledger.attempts(row.batch_id))
    chosen = _chosen({one.row: one.word for one in latest}, wanted.rows)
    _check_approved(row.spec, apply=wanted.apply)
    return chosen


def _round(
    settings: Settings, batch_id: str, wanted: Wanted, shown: Collection[int], total: int
) -> str:
    """Begin a new round of a batch that nobody drives, of the rows that were shown, and no others.

    Raises:
        BatchError: others are meant by now: somebody else has tried some of them again.
    """
    with (
        Ledger.open(settings.journal_place) as ledger,
        locks.held(*batch_key(batch_id), what=batch_id, folder=locks.beside(ledger.place)),
    ):
        row = ledger.batch(batch_id)
        chosen = _chosen_of(ledger, row, wanted)
        if set(chosen) != set(shown):
            msg = f"the rows that failed are not those that were shown: now {_numbers(chosen)}"
            raise BatchError(msg, remedy="ask for them again, and read them")
        _check_total(row.spec, total)
        return ledger.ask_again(batch_id, chosen, total).batch_id


def _numbers(rows: Collection[int]) -> str:
    return ", ".join(map(str, sorted(rows)))


def _only(spec: Spec, chosen: Collection[int]) -> Spec:
    rows = tuple(row for row in spec.rows if row.number in chosen)
    return spec.model_copy(update={"rows": rows, "max_desktops": 0})


def _as_they_stand(spec: Spec, words: Mapping[int, str]) -> Spec:
    rows = (row.model_copy(update={"facts": {"stands": words[row.number]}}) for row in spec.rows)
    return spec.model_copy(update={"rows": tuple(rows)})


def _anew(report: Path, carried: Carried, wanted: Wanted) -> tuple[Spec, Begin]:
    """Make a new batch of rows of a report whose batch this journal does not know."""
    spec = carried.spec
    content = _notebook(report.parent / spec.notebook, spec.notebook_sha256)
    chosen = _chosen(carried.words, wanted.rows)
    # Who wrote the page decides neither how much may be touched nor where it runs.
    fresh = _only(spec, chosen).model_copy(update={"executor": "local"})
    root = report.resolve().parent.parent

    def begin_anew(settings: Settings, total: int) -> str:
        _check_total(fresh, total)
        whole = fresh.model_copy(update={"max_desktops": total})
        return begin(settings, whole, content, root)

    return _as_they_stand(fresh, chosen), begin_anew


def _notebook(path: Path, sha256: str) -> bytes:
    """Read the notebook of a batch again.

    Raises:
        BatchError: it is not beside the page any more, or was changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        remedy = "keep the folder of the batch together"
        raise BatchError(msg, folder=str(path.parent), remedy=remedy) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        msg = f"{path} is not the notebook that the batch has run"
        remedy = "make a new batch of it: `wsops batch run`"
        raise BatchError(msg, folder=str(path.parent), remedy=remedy)
    return content
