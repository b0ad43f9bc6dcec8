"""Desktops that did not end well, with what they have in common: error code, zone, image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsops.client import Workspace
from wsops.errors import CloudError, NotAllowed
from wsops.rows import ItemRow
from wsops.verdicts import in_need

_CODE = re.compile(r"\b(?:WKS|APIGW|IMS|VPC|EVS|ECS)\.\d+\b")


@dataclass(frozen=True)
class Failure:
    """A desktop that did not end well; `code` is the service's error code, "" where it gave none.

    `zone` and `image` are as read now, "" where the desktop is gone.
    """

    desktop_id: str
    desktop: str
    user: str
    pool_id: str
    pool: str
    state: str
    code: str
    zone: str
    image: str
    reason: str

    @property
    def label(self) -> str:
        """Give it in a line, to be picked by."""
        where = " · ".join(part for part in (self.pool, self.code or self.state, self.zone) if part)
        return f"{self.desktop or self.desktop_id}   ({where})"


@dataclass(frozen=True)
class Group:
    """Failures that have code, zone and image in common; `desktops` is how many there are."""

    code: str
    zone: str
    image: str
    desktops: int
    pools: int


def failures_of(ws: Workspace, rows: Sequence[ItemRow]) -> tuple[Failure, ...]:
    """Read the desktops of the items that did not end well, as they are now.

    A pool that cannot be read leaves zone and image empty.

    Raises:
        NotAllowed: the credentials are not good.
    """
    return tuple(one for row in rows if row.desktops for one in _of_row(ws, row))


def grouped(failures: Iterable[Failure]) -> tuple[Group, ...]:
    """Give what failures have in common, the most frequent first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    pools: dict[tuple[str, str, str], set[str]] = {}
    for one in failures:
        key = (one.code or one.state, one.zone, one.image)
        counts[key] += 1
        pools.setdefault(key, set()).add(one.pool_id)
    return tuple(Group(*key, number, len(pools[key])) for key, number in counts.most_common())


def _of_row(ws: Workspace, row: ItemRow) -> Iterable[Failure]:
    bad = {one.desktop_id: one for one in in_need(row)}
    if not bad:
        return
    try:
        listing = ws.pool_desktops(row.pool_id)
        now = {desktop.id: desktop for desktop in listing.rows}
    except NotAllowed:
        raise
    except CloudError:
        now = {}
    for one in bad.values():
        desktop, code = now.get(one.desktop_id), _CODE.search(one.reason)
        yield Failure(
            desktop_id=one.desktop_id,
            desktop=one.desktop,
            user=one.user,
            pool_id=row.pool_id,
            pool=one.pool,
            state=one.state,
            code=code[0] if code else "",
            zone=desktop.availability_zone if desktop else "",
            image=(desktop.image_name or desktop.image_id) if desktop else "",
            reason=one.reason,
        )
