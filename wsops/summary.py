"""What a notebook has to say, as one JSON output: for its report, for a batch, for a script.

A notebook emits a summary when it connects (where, as whom) and when it ends (what came of it).
They are read from the executed file, later ones over earlier ones; papermill's own metadata calls
a dead kernel completed and is never asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, ValidationError

from wsops.looks import tone_of
from wsops.markup import Markup, bundle, element, join
from wsops.models import Record

MIME = "application/vnd.wsops.summary+json"
"""The type of the JSON output."""

SCHEMA = 1

_OF_A_VERDICT = frozenset({"headline", "counts", "help", "unknown", "next", "notes"})
_ONE = {"pools": "pool", "desktops": "desktop", "mismatches": "mismatch", "runs": "run"}

Kind = Literal["connect", "audit", "repair", "rebuild", "retry", "jobs", "history"]


class Place(Record):
    """Where a notebook worked: environment is SIMULATOR or PRODUCTION."""

    environment: str = ""
    region: str = ""
    project_id: str = ""
    profile: str = ""
    endpoint: str = ""


class Trouble(Record):
    """A desktop whose user needs help, or of which nobody knows what became.

    `desktop`, `user` and `pool` are names, where they are known.
    """

    desktop_id: str = ""
    desktop: str = ""
    user: str = ""
    pool: str = ""
    state: str = ""
    reason: str = ""


class Summary(Record):
    """What came of a notebook; empty fields say nothing and leave earlier ones standing.

    `verdict` is one of the words of `verdicts.EXIT_CODES`, `headline` one sentence, `counts` are
    numbers worth a look, such as {"pools": 24, "mismatches": 144}. `next` are commands to type.
    Times have the offset of the place where the notebook ran.
    """

    version: int = Field(SCHEMA, alias="schema")
    kind: Kind = "connect"
    verdict: str = ""
    headline: str = ""
    counts: Mapping[str, int] = Field(default_factory=dict)
    place: Place | None = None
    operator: str = ""
    change: str = ""
    run_id: str = ""
    digest: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    help: tuple[Trouble, ...] = ()
    unknown: tuple[Trouble, ...] = ()
    next: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tone(self) -> str:
        """How its verdict looks; quiet where it has none."""
        return tone_of(self.verdict) if self.verdict else "quiet"

    def over(self, earlier: Summary) -> Summary:
        """Give this one, with what it leaves open taken from an earlier one.

        A verdict is never mixed with the troubles and the numbers of an earlier one.
        """
        own = _OF_A_VERDICT if self.verdict else frozenset[str]()
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        said = {name: value for name, value in fields.items() if value or name in own}
        return earlier.model_copy(update=said)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Give the faces: JSON for machines, a card and plain text for people."""
        faces = bundle(card(self), f"{self.verdict}: {self.headline}".strip(": "))
        return {MIME: self.model_dump(mode="json", by_alias=True), **faces}


def card(summary: Summary) -> Markup:
    """Give the verdict with its counts, where and for which change, notes, and what to type."""
    word = summary.verdict.replace("_", " ") or "connected"
    counts = join(
        element("li", element("b", f"{number:,}"), " ", counted(name, number))
        for name, number in summary.counts.items()
    )
    notes = join(element("li", note) for note in summary.notes)
    return element(
        "section",
        element("p", element("b", word, class_=f"w-badge w-{summary.tone}"), " ", summary.headline),
        element("ul", counts, class_="w-counts") if summary.counts else "",
        element("p", *_facts(summary), class_="w-facts"),
        element("ul", notes, class_="w-notes") if summary.notes else "",
        *(element("p", element("code", line), class_="w-next") for line in summary.next),
        class_="w-card",
    )


def counted(name: str, number: int) -> str:
    """Give the name of a count as it reads behind its number: "1 pool", "2 pools"."""
    words = name.replace("_", " ")
    return _ONE.get(words, words) if number == 1 else words


def place_badge(place: Place) -> Markup:
    """Give the environment as a badge; PRODUCTION stands out."""
    tone = "sim" if place.environment == "SIMULATOR" else "prod"
    return element("b", place.environment or "unknown place", class_=f"w-badge w-{tone}")


def _facts(summary: Summary) -> Iterator[Markup]:
    if summary.place:
        yield place_badge(summary.place)
        yield element("span", f"region {summary.place.region or '?'}")
        yield element("span", f"project {summary.place.project_id}")
        yield element("span", f"profile {summary.place.profile}")
    if summary.operator:
        yield element("span", "by ", element("span", summary.operator, data_kind="user"))
    if summary.change:
        yield element("span", f"change {summary.change}")


def read_summary(cells: Iterable[Mapping[str, Any]]) -> Summary | None:
    """Give what the cells of an executed notebook say, later over earlier; None where nothing.

    An output that is not a summary of ours, or of a newer schema, is passed over.
    """
    whole: Summary | None = None
    for found in _emitted(cells):
        whole = found.over(whole) if whole else found
    return whole


def _emitted(cells: Iterable[Mapping[str, Any]]) -> Iterator[Summary]:
    for cell in cells:
        for output in _mappings(cell.get("outputs")):
            for data in _mappings([output.get("data")]):
                found = _read(data.get(MIME))
                if found is not None and found.version == SCHEMA:
                    yield found


def _mappings(found: object) -> Iterator[Mapping[str, Any]]:
    """Give those of a list that are mappings: a file may hold anything."""
    if isinstance(found, list | tuple):
        yield from (one for one in found if isinstance(one, Mapping))


def _read(data: Any) -> Summary | None:  # noqa: ANN401  (whatever a file holds there)
    try:
        return Summary.model_validate(json.loads(data) if isinstance(data, str) else data)
    except (ValidationError, ValueError, RecursionError):
        return None
