"""A batch as it stands, for everything that shows it: one value, read from the ledger."""

from __future__ import annotations

from importlib.metadata import version

from wsops.batch.amounts import of_batch, totals
from wsops.batch.ledger import Ledger
from wsops.batch.records import Batch
from wsops.verdicts import once_each
from wsops.verdicts import totals as totals_of_items

_SHOWN = ("wsops", "papermill", "ipykernel", "pandas", "httpx")


def as_it_stands(ledger: Ledger, batch_id: str) -> Batch:
    """Read a batch with all its attempts.

    Raises:
        JournalError: there is none.
    """
    row = ledger.batch(batch_id)
    attempts = ledger.attempts(batch_id)
    whole = Batch(
        batch_id=row.batch_id,
        spec=row.spec,
        folder=row.folder,
        started_at=row.started_at,
        ended_at=row.ended_at,
        stop=row.stop,
        operator=row.operator,
        round=row.round,
        approved=row.max_desktops,
        place=next((one.place for one in attempts if one.place), None),
        attempts=attempts,
        versions={name: version(name) for name in _SHOWN},
    )
    verdict, headline = of_batch(whole.latest, row.stop)
    sent = once_each(ledger.items(batch_id))
    ends = totals_of_items(sent) if sent else totals(whole.latest)
    found = {"verdict": verdict, "headline": headline, "totals": ends}
    return whole.model_copy(update=found)
