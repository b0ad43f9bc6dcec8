"""Rows from an audit: one for each pool with desktops that do not run its image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from wsops.audited import Mismatch
from wsops.batch.records import MISMATCHES
from wsops.batch.spec.given import Given, Source, check_number, refusal
from wsops.batch.spec.parse import json_of
from wsops.batch.spec.plain import Unfit, check_plain, shown
from wsops.batch.spec.sources import name_of, text_of
from wsops.errors import BadId, NothingToDo
from wsops.models import Pool, Record, checked_id, in_use, names_of

LARGEST: Final = 64 * 1024**2
"""Bytes of an audit: some 150,000 mismatches."""

_REMEDY = "give the file that `wsops audit --json` has written; no kernel was started"


class _Document(Record):
    """What `wsops audit --json` prints, as far as rows are made of it."""

    pools: int
    desktops: int
    mismatches: tuple[Mismatch, ...]


def read_audit(path: Path) -> Source:
    """Read an audit: small pools first, so that the first row is a cheap canary.

    Raises:
        SpecError: it is no audit as `wsops audit --json` prints it.
        NothingToDo: it found no mismatches.
    """
    what = name_of(path)
    text = text_of(path, LARGEST)
    try:
        found = _Document.model_validate_json(text)
    except ValidationError:
        raise refusal(what, _why_not(text), _REMEDY) from None
    if not found.mismatches:
        msg = f"{what} has no mismatches: all desktops run their pool's image"
        raise NothingToDo(msg, fine=True)
    by_pool = defaultdict(list)
    for mismatch in found.mismatches:
        by_pool[mismatch.pool_id].append(mismatch)
    check_number(len(by_pool), what)
    names = names_of(Pool(id=key, name=those[0].pool_name) for key, those in by_pool.items())
    pools = sorted(by_pool.values(), key=lambda those: (len(those), names[those[0].pool_id]))
    try:
        return Source(what, tuple(_row(names[those[0].pool_id], those) for those in pools))
    except (BadId, Unfit) as error:
        raise refusal(what, f"names a pool that cannot be: {error}") from None


def _row(label: str, mismatches: Sequence[Mismatch]) -> Given:
    first = mismatches[0]
    check_plain(first.pool_name)
    images = {one.pool_image_id for one in mismatches} - {""}
    facts = {
        "pool_name": first.pool_name,
        # Whoever wrote the file: "*" for a pool would be the whole fleet.
        "pool_id": checked_id(first.pool_id, "pool"),
        "image_id": checked_id(images.pop(), "image") if len(images) == 1 else "",
        MISMATCHES: len(mismatches),
        # Judged here, as for any desktop: the printed audit does not say.
        "in_use": sum(in_use(one.status, one.login_status) for one in mismatches),
    }
    return Given(f"pool {label}", {"pools": first.pool_id}, facts, label)


def _why_not(text: str) -> str:
    try:
        document = json_of(text)
    except Unfit:
        return "is not what `wsops audit --json` prints: it is not JSON"
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        return f"holds no audit, but its error: {shown(error.get('message', ''))}"
    return "is not what `wsops audit --json` prints: it has no list of mismatches as that has"
