"""Who ran what: the attempts of a batch by worker, with names as short as they can be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from wsops.batch.index.bars import Span

_NUMBERED = re.compile(r"(.*?)(\d+)\Z", re.DOTALL)
_MOST = 64  # lanes by name; more names than that are those of processes that ran one row each
_BETWEEN = ":./-_ "  # what parts the number of a worker from the name of its place


def place_of(workers: Iterable[str]) -> str:
    """Give what the names of all numbered workers begin with: their host and process; else ""."""
    stems = {found[1] for name in workers if (found := _NUMBERED.match(name))}
    return stems.pop() if len(stems) == 1 else ""


def named(place: str) -> str:
    """Give the place of workers as people name it; "" where it says no more than what they are."""
    name = place.rstrip(_BETWEEN)
    return "" if name == "worker" else name


def by_worker(spans: Sequence[Span]) -> Mapping[str, Sequence[Span]]:
    """Give what each worker ran, in the order of their names; what overlaps has lanes of its own.

    A name may stand for many at once: nobody knows who runs an attempt before it has ended. Where
    there are too many names, lanes are as few as were busy at once.
    """
    if len({span.worker for span in spans}) > _MOST:
        return {f"lane {number}": part for number, part in enumerate(_parted(spans), 1)}
    found: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        found[span.worker].append(span)
    place = place_of(found)
    lanes: dict[str, Sequence[Span]] = {}
    for worker in sorted(found, key=_natural):
        parts = tuple(_parted(found[worker]))
        for number, part in enumerate(parts, 1):
            lanes[_short(worker, place) + (f" ({number})" if len(parts) > 1 else "")] = part
    return lanes


def _parted(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    """Give spans in as few lanes as they need, so that none lies over another."""
    lanes: list[list[Span]] = []
    for span in spans:
        free = next((lane for lane in lanes if lane[-1].end <= span.start), None)
        if free is None:
            lanes.append([span])
        else:
            free.append(span)
    yield from lanes


def _short(worker: str, place: str) -> str:
    found = _NUMBERED.match(worker)
    if place and found and found[1] == place:
        return f"worker {found[2]}"
    return worker or "not named"


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d{1,18}|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
