"""What a batch is made of: its spec with a row for each run, and what became of each attempt.

A *row* is a set of parameters, an *attempt* one execution of the notebook with them; a row that is
tried again has several. What an attempt has sent is a run of the journal, here called a *rollout*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from wsops.models import Record
from wsops.summary import Place, Trouble

SCHEMA = 1

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
"""A parameter: papermill writes it into a cell as it stands."""

MISMATCHES = "mismatches"
"""The fact of a row that says how many desktops of it an audit has found to repair."""

State = Literal["waiting", "running", "ended"]


class Row(Record):
    """One set of parameters; `facts` are columns that choose and tell, and are no parameters.

    `number` counts from 1 in the order of the spec and names the row for good; `label` is what
    people call it, such as its pool.
    """

    number: int = Field(ge=1, le=10_000)
    label: str
    parameters: Mapping[Name, Any] = Field(default_factory=dict)
    facts: Mapping[str, Any] = Field(default_factory=dict)


class Manner(Record):
    """How the rows of a batch are run.

    `deadline` is in seconds for one run, 0 for none; `memory` in MiB of address space for one
    kernel, 0 for no limit. `command` is the command line that asked for it.
    """

    apply: bool = False
    kernels: Literal["warm", "fresh"] = "warm"
    workers: int = Field(4, ge=1, le=1000)
    deadline: float = Field(0, ge=0)
    memory: int = Field(0, ge=0)
    executor: str = "local"
    command: str = ""


class Spec(Manner):
    """What was asked for, whole: with the notebook it is enough to do it again.

    `notebook` is the file's name, `notebook_sha256` of its bytes. `max_desktops` is the approved
    total where `apply` is True.
    """

    version: int = Field(SCHEMA, alias="schema")
    name: str
    notebook: str
    notebook_sha256: str
    profile: str = ""
    max_desktops: int = 0
    rows: tuple[Row, ...] = ()

    def summed(self, fact: str) -> int:
        """Add up a fact of the rows, such as mismatches; 0 where not all of them have it."""
        numbers = [row.facts.get(fact) for row in self.rows]
        return sum(n for n in numbers if isinstance(n, int)) if None not in numbers else 0


class Attempt(Record):
    """One execution of a row, as the ledger has it; times are in UTC.

    `verdict` is "" until it has ended, then one of `verdicts.EXIT_CODES` or died (its kernel),
    overdue, interrupted, not_started; `reason` says why. `told` and `said` are the same by its
    notebook, its process and its files alone, whatever the journal has. `cell` is the number of
    the cell that failed, 0 where none did; `error` the name of its error. `notebook` and `report`
    are paths below the batch's folder, "" where there is none. `rollouts` are runs of the journal
    that it began. `help` and `unknown` are desktops, `next` commands to type.
    """

    attempt_id: str
    row: int
    attempt: int = 1
    label: str = ""
    state: State = "waiting"
    verdict: str = ""
    reason: str = ""
    told: str = ""
    said: str = ""
    cell: int = 0
    error: str = ""
    worker: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    place: Place | None = None
    counts: Mapping[str, int] = Field(default_factory=dict)
    rollouts: tuple[str, ...] = ()
    notebook: str = ""
    report: str = ""
    help: tuple[Trouble, ...] = ()
    unknown: tuple[Trouble, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """How it stands: its verdict once it has ended, before that its state."""
        return (self.verdict or "unknown") if self.state == "ended" else self.state

    def over(self, verdict: str, reason: str, **facts: Any) -> Self:  # noqa: ANN401  (its fields)
        """Give it as ended now, and how."""
        ended: dict[str, Any] = {"state": "ended", "ended_at": datetime.now(UTC)}
        return self.model_copy(update=ended | {"verdict": verdict, "reason": reason} | facts)

    def at_fault(self, verdict: str, why: str) -> Self:
        """Give it with a verdict for what is wrong with its files, beside what it said before."""
        said = "; ".join(filter(None, (self.said, why)))
        own = {"verdict": verdict, "told": verdict, "reason": said, "said": said}
        return self.model_copy(update=own)

    @property
    def seconds(self) -> float | None:
        """How long it took; None before it has ended, or where it never began."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def latest_of(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Give the newest attempt of each row, rows in their order: what counts."""
    newest = {one.row: one for one in sorted(attempts, key=lambda one: one.attempt)}
    return tuple(newest[row] for row in sorted(newest))


class Batch(Record):
    """A batch as it stands: `attempts` are all of them, rows in their order, older ones first.

    `verdict` is running, or what it amounts to; `stop` says why no further row is started, "" where
    one may be. `folder` is where its files are. `totals` counts desktops by how they ended. `round`
    counts how often its rows were asked for; `approved` is the total of desktops approved last.
    """

    batch_id: str
    spec: Spec
    folder: str
    started_at: datetime
    ended_at: datetime | None = None
    verdict: str = "running"
    headline: str = ""
    stop: str = ""
    operator: str = ""
    round: int = 1
    approved: int = 0
    place: Place | None = None
    totals: Mapping[str, int] = Field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    versions: Mapping[str, str] = Field(default_factory=dict)

    @property
    def latest(self) -> tuple[Attempt, ...]:
        """The newest attempt of each row, rows in their order: what counts."""
        return latest_of(self.attempts)
