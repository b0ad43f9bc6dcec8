"""Carries a proposal out from a notebook: headless by approved numbers, by hand by typed words.

The guard of every notebook that writes: without `apply` nothing can be sent, whoever runs it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from IPython.display import display

from wsops import tables
from wsops.advice import next_commands
from wsops.approval import by_numbers
from wsops.board import Board
from wsops.button import size
from wsops.drive import Drive, begin, driven_here, follow
from wsops.errors import NotApproved
from wsops.forms import Confirmation, JobBoard
from wsops.keyboard import by_hand
from wsops.live import Live
from wsops.markup import bundle, element
from wsops.models import utc_now
from wsops.outcome import check_here, standing, to_follow
from wsops.parameters import read_flag, read_images, read_number
from wsops.plan import Plan, check_place
from wsops.preview import Proposal
from wsops.rows import ItemRow, RunRow
from wsops.summary import Kind, Summary
from wsops.verdicts import in_need, totals, undecided
from wsops.workbench import Workbench

_WAITING = "waiting for the confirmation when this was written"
_NOT_YET = "nothing was sent: apply is False. To apply, set apply = True in the parameters cell"


@dataclass(frozen=True)
class Action:
    """What a notebook does, or did not do, about a proposal; `summary` says what came of it.

    `form` is what a person acts by, or watches; None where there is nothing to click. `run` is the
    run that is carried out or followed, `fine` says that doing nothing is right.
    """

    bench: Workbench
    says: str
    kind: Kind = "repair"
    plan: Plan | None = None
    form: Confirmation | JobBoard | None = None
    run: str = ""
    fine: bool = True

    @property
    def run_id(self) -> str:
        """The run that came of it; "" before it was confirmed."""
        if isinstance(self.form, Confirmation) and isinstance(self.form.shown, JobBoard):
            return self.form.shown.drive.run_id
        return self.run

    def rows(self) -> tuple[ItemRow, ...]:
        """Read the items of the run as the journal has them now; none before it was confirmed."""
        if not self.run_id:
            return ()
        with self.bench.journal() as journal:
            return journal.items(self.run_id)

    def tables(self) -> tuple[tables.Table, ...]:
        """Give how the pools stand, who needs help, what is unknown; what is empty is left out."""
        rows = self.rows()
        found = (tables.outcome(rows), tables.troubles(rows), tables.unknown(rows))
        return tuple(table for table in found if len(table))

    def summary(self) -> Summary:
        """Read how it stands now: the verdict, who needs help, what is unknown, what to type."""
        if not self.run_id:
            return self._before()
        with self.bench.journal() as journal:
            run, rows, verdict, reason = standing(journal, self.run_id)
            plan = journal.plan_of(run.run_id)
        commands = next_commands(run, rows, verdict, plan)
        return self.bench.summary(
            kind=plan.kind,
            verdict=verdict,
            headline=reason,
            counts={"pools": len(rows)} | totals(rows),
            run_id=run.run_id,
            digest=run.digest,
            help=tuple(one for row in rows for one in in_need(row)),
            unknown=tuple(one for row in rows for one in undecided(row)),
            notes=self.bench.doubts,
            next=(*commands, f"wsops handover {run.run_id}"),
        )

    def _before(self) -> Summary:
        if self.plan is None:
            verdict = "done" if self.fine else "skipped"
            said = {"verdict": verdict, "headline": self.says, "notes": self.bench.doubts}
            return self.bench.summary(kind=self.kind, **said)
        says = (self.form.problem if self.form else "") or self.says
        return self.bench.summary(
            kind=self.kind,
            verdict="planned",
            headline=f"it would touch up to {size(self.plan)}; {says}",
            notes=self.bench.doubts,
            next=(f"wsops status run-{self.plan.plan_id}",) if self.form else (),
            counts={"pools": len(self.plan.items), "desktops": self.plan.desktops},
            digest=self.plan.digest,
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Show the form, or what there is to say."""
        if self.form is not None:
            return self.form._repr_mimebundle_(**kwargs)
        body = element("section", element("p", self.says), class_="w-card")
        return bundle(body, self.says)


def carry_out(
    bench: Workbench,
    proposal: Proposal,
    *,
    apply: bool,
    max_desktops: int = 0,
    expect_images: str = "",
) -> Action:
    """Carry a proposal out where that is asked for and approved; else say what would be done.

    By hand it takes the words typed into the form that is given back; headless it takes
    `max_desktops` and `expect_images`, and the call returns when the run has ended.

    Args:
        bench: where.
        proposal: what.
        apply: False never sends anything.
        max_desktops: the approved number of desktops.
        expect_images: the approved images, ID,… or POOL=ID,….

    Raises:
        NotApproved: headless without a number or an image, or for another image.
        BlastRadius: the plan may touch more desktops than approved.
        PlanError: the plan is for another place, has expired, or was applied before; or `apply` is
            neither True nor False.
    """
    wanted, plan, kind = read_flag(apply, "apply"), proposal.plan, proposal.kind
    if plan is None:
        return Action(bench, proposal.reason, kind, fine=proposal.fine)
    driven = driven_here(plan)
    if driven is not None:
        return Action(bench, "", kind, plan, JobBoard(driven), driven.run_id)
    if not wanted:
        return Action(bench, _NOT_YET, kind, plan)
    check_place(plan, bench.settings, utc_now())
    number = read_number(max_desktops, "max_desktops")
    approval = _by_parameters(plan, number, expect_images)
    if by_hand():
        return Action(bench, _WAITING, kind, plan, _asks(bench, plan))
    if not approval:
        msg = "apply without a person at the keyboard needs max_desktops and expect_images"
        raise NotApproved(msg, remedy="read the plan, then give both as parameters")
    drive = begin(bench, plan, approval)
    display(_begun(bench, plan, drive.run_id))  # type: ignore[no-untyped-call]
    shown_live(drive)
    return Action(bench, _kept(drive), kind, plan, run=drive.run_id)


def take_up(bench: Workbench, run_id: str = "") -> Action:
    """Follow a run that has not ended, the newest without a name; sends nothing.

    By hand the board comes at once and is filled by a thread; headless the call returns when
    there is nothing left to follow. A run that has ended is shown as it stands: the newest where
    none is under way.

    Raises:
        JournalError: there is no such run, it is of another place, or another process follows it.
    """
    run = _run_to_follow(bench, run_id)
    if run is None:
        return Action(bench, "no run of this project is known yet: nothing to follow", "jobs")
    if run.ended_at is not None:
        return Action(bench, f"{run.run_id} has ended: nothing to follow", "jobs", run=run.run_id)
    drive = follow(bench, run.run_id)
    if not by_hand():
        shown_live(drive)
        return Action(bench, _kept(drive), "jobs", run=run.run_id)
    if not drive.started:
        drive.start()
    return Action(bench, "", "jobs", form=JobBoard(drive), run=run.run_id)


def shown_live(drive: Drive) -> None:
    """Drive a run to its end, its board in one output that is updated."""
    live = Live()

    def tell(board: Board) -> None:
        live.show(board.html(time.monotonic()), board.plain(), final=board.ended or drive.over)

    drive.watch(tell)
    drive.run()


def _begun(bench: Workbench, plan: Plan, run_id: str) -> Summary:
    """Give what is true from now on until the notebook says more, however it may end."""
    return bench.summary(
        kind=plan.kind,
        verdict="running",
        headline=f"begun: up to {size(plan)}; what was sent goes on in the cloud",
        counts={"pools": len(plan.items), "desktops": plan.desktops},
        run_id=run_id,
        digest=plan.digest,
        next=(f"wsops resume {run_id}",),
    ).model_copy(update={"ended_at": None})


def _kept(drive: Drive) -> str:
    return f"{drive.run_id}: how it went is shown above, and kept in the journal"


def _asks(bench: Workbench, plan: Plan) -> Confirmation:
    def act(approval: str) -> JobBoard:
        if bench.newest not in {"", plan.plan_id}:
            msg = f"another plan was made or tried since: this form is of {plan.plan_id}"
            raise NotApproved(msg, remedy="plan again, then run the cell of this form again")
        drive = begin(bench, plan, approval)
        board = JobBoard(drive)
        drive.start()
        return board

    return Confirmation(plan, act)


def _by_parameters(plan: Plan, max_desktops: int, expect_images: str) -> str:
    """Give the approval by numbers; "" where one is missing: the other is checked all the same."""
    images = read_images(expect_images)
    if max_desktops and images:
        return by_numbers(plan, max_desktops, images)
    if max_desktops or images:
        by_numbers(plan, max_desktops or plan.desktops, images or _any_image(plan))
    return ""


def _any_image(plan: Plan) -> dict[str, frozenset[str]]:
    return {item.pool_id: frozenset({item.image_id}) for item in plan.items}


def _run_to_follow(bench: Workbench, run_id: str) -> RunRow | None:
    if run_id:
        with bench.journal() as journal:
            run = journal.run(run_id)
        check_here(run, bench.settings)
        return run
    with bench.journal_to_read() as journal:
        return to_follow(journal, bench.settings) if journal else None
