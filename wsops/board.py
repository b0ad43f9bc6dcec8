"""The board of a run: its pools with progress, elapsed time and forecast, from its events.

A board is a value: each event gives the next one. Whoever drives a run shows it, in a form, in an
output that is updated, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wsops.history import Forecast
from wsops.looks import tone_of, worded
from wsops.markup import Markup, element, join
from wsops.outcome import verdict_of
from wsops.rollout import Event
from wsops.rows import ItemRow
from wsops.text import count, lasting

_STATES = {
    "item": "sending",
    "sent": "running",
    "adopted": "running",
    "job": "running",
    "verifying": "reading_back",
    "unknown": "unknown",
    "parked": "unknown",
    "running": "running",
    "not_sent": "not_sent",
}
_UNDER_WAY = frozenset({"sending", "running", "reading_back"})
_TELLING = frozenset({"item_ended", "not_sent", "parked", "running"})  # events whose item says why
_MOST = 100  # pools that are drawn: a board is drawn again at each event
_RANKS = {"open": 0, "bad": 0, "warn": 0, "quiet": 1, "good": 2}  # what matters comes first
_FOUND_OUT = 0.05  # share of a job from which its own pace tells more than the past


@dataclass(frozen=True)
class Lane:
    """One pool of a run: `share` is 0-1 of its job; `began` and `ended` are clock seconds."""

    pool: str
    desktops: int
    state: str = "planned"
    share: float = 0.0
    note: str = ""
    job_id: str = ""
    began: float | None = None
    ended: float | None = None
    forecast: Forecast | None = None

    def left(self, now: float) -> float | None:
        """Give the seconds that are probably left: by its own pace, early by the past."""
        if self.began is None or self.state not in _UNDER_WAY:
            return None
        spent = now - self.began
        if self.share > _FOUND_OUT:
            return spent * (1 - self.share) / self.share
        return max(0.0, self.forecast.likely - spent) if self.forecast else None


@dataclass(frozen=True)
class Board:
    """The pools of a run as they stand, and the last thing that was said of the run."""

    run_id: str
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    says: str = ""
    verdict: str = ""

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end."""
        return bool(self.verdict)

    @classmethod
    def of(
        cls,
        run_id: str,
        rows: Sequence[ItemRow],
        desktops: Mapping[str, int],
        forecasts: Mapping[str, Forecast | None],
        clock: Callable[[datetime], float],
    ) -> Board:
        """Begin with the items as the journal has them.

        Args:
            run_id: the run.
            rows: its items.
            desktops: how many desktops each may touch, by item ID.
            forecasts: how long each may take, by item ID.
            clock: gives the clock seconds of an instant.
        """
        lanes = {
            row.item_id: Lane(
                row.pool_name,
                desktops.get(row.item_id, len(row.targets)),
                verdict_of(row),
                share=1.0 if row.state == "ended" else 0.0,
                job_id=row.job_id or "",
                note=row.reason,
                began=clock(row.sent_at) if row.sent_at else None,
                ended=clock(row.ended_at) if row.ended_at else None,
                forecast=forecasts.get(row.item_id),
            )
            for row in rows
        }
        return cls(run_id, lanes)

    def after(self, event: Event, now: float) -> Board:
        """Give the board after an event that came at `now`, in clock seconds."""
        if event.item is None:
            return replace(self, says=event.text, verdict=event.verdict)
        lane = self.lanes.get(event.item.item_id)
        if lane is None:
            return self
        lanes = {**self.lanes, event.item.item_id: _moved(lane, event, now)}
        return replace(self, lanes=lanes, says=self.says if event.kind == "job" else event.text)

    def plain(self) -> str:
        """Give the board in a line: how many pools ended, and what was said last."""
        ended = sum(lane.ended is not None for lane in self.lanes.values())
        return f"{self.run_id}: {ended} of {count(len(self.lanes), 'pool')}; {self.says}"

    def html(self, now: float) -> Markup:
        """Give the board as a table, without one until its pools are known; `now` is in seconds."""
        said = element("p", element("b", self.run_id), " ", *self._said(), aria_live="polite")
        if not self.lanes:
            return element("section", said, class_="w-card w-board")
        heads = ("pool", "desktops", "state", "progress", "elapsed", "left", "note")
        head = element("tr", join(element("th", name, scope="col") for name in heads))
        shown = self._shown()
        body = join(_row(lane, now) for lane in shown)
        return element(
            "section",
            said,
            element(
                "div",
                element("table", element("thead", head), element("tbody", body), class_="w-table"),
                class_="w-scroll",
            ),
            self._more(shown),
            class_="w-card w-board",
        )

    def _shown(self) -> list[Lane]:
        """Give the pools to draw: of too many, those under way or in trouble, then the next."""
        lanes = list(self.lanes.values())
        return lanes if len(lanes) <= _MOST else sorted(lanes, key=_rank)[:_MOST]

    def _more(self, shown: Sequence[Lane]) -> Markup:
        """Give how many pools are not drawn, by their state."""
        states = Counter(lane.state for lane in self.lanes.values())
        left = states - Counter(lane.state for lane in shown)
        if not left:
            return Markup()
        words = ", ".join(f"{number:,} {worded(state)}" for state, number in left.most_common())
        return element("p", f"and {count(left.total(), 'pool')} more: {words}", class_="w-more")

    def _said(self) -> tuple[object, ...]:
        """Give what was said last; at the end the verdict is a badge."""
        if not self.ended:
            return (self.says or ("" if self.lanes else "one moment …"),)
        word = self.verdict.replace("_", " ")
        badge = element("b", word, class_=f"w-badge w-{tone_of(self.verdict)}")
        return badge, " ", self.says.removeprefix(word).removeprefix(": ")


def _rank(lane: Lane) -> int:
    return _RANKS[tone_of(lane.state)]


def _moved(lane: Lane, event: Event, now: float) -> Lane:
    row = event.item
    assert row is not None  # noqa: S101  (asked before)
    over = event.kind == "item_ended"
    note = event.text if event.kind == "job" else lane.note
    began = None if event.kind == "not_sent" else now if lane.began is None else lane.began
    return replace(
        lane,
        state=row.verdict if over else _STATES.get(event.kind, lane.state),
        share=1.0 if over else (event.share if event.share is not None else lane.share),
        note=row.reason if event.kind in _TELLING else note,
        job_id=row.job_id or lane.job_id,
        began=began,
        ended=now if over else None,
    )


def _row(lane: Lane, now: float) -> Markup:
    spent = None if lane.began is None else (now if lane.ended is None else lane.ended) - lane.began
    bar = element(
        "progress", value=f"{lane.share:.2f}", max="1", aria_label=f"progress of {lane.pool}"
    )
    left = lane.left(now)
    return element(
        "tr",
        element("th", lane.pool, scope="row"),
        element("td", lane.desktops, data_kind="count"),
        element("td", worded(lane.state), class_=f"w-state w-{tone_of(lane.state)}"),
        element("td", bar, " ", element("span", f"{lane.share:.0%}", class_="w-share")),
        element("td", "" if spent is None else lasting(spent)),
        element("td", f"about {lasting(left)}" if left is not None else ""),
        element("td", lane.note, class_="w-note"),
    )
