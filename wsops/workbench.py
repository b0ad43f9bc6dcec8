"""What a notebook works at: a connection, the place it leads to, and the newest plan made there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from wsops.advice import next_commands
from wsops.audit import audit
from wsops.audited import Audit
from wsops.choice import Choice, check_choice
from wsops.client import Workspace, connect
from wsops.errors import NothingToDo, PlanError
from wsops.history import Past, since
from wsops.injected import cells_run, check_injected
from wsops.journal import Journal
from wsops.live import counting
from wsops.models import Image, local_now
from wsops.outcome import open_runs, standing
from wsops.parameters import read_list
from wsops.plan import Plan
from wsops.planning import plan_for
from wsops.preview import Proposal
from wsops.readings import images_by_id
from wsops.settings import Limits, Settings
from wsops.summary import Place, Summary
from wsops.text import count

_NONE = "none"  # no plan has this name


class Workbench:
    """A connection with its place, for the cells of one notebook; made by `open_workbench`.

    Shown as the card of where one is: SIMULATOR or PRODUCTION, region, project, profile.
    """

    def __init__(self, ws: Workspace, change: str = "") -> None:
        check_injected(cells_run())
        self.ws = ws
        self.settings = ws.resolved
        self.change = change
        self.started_at = local_now()
        self.newest = ""
        self.doubts: tuple[str, ...] = ()
        """What the last audit could not vouch for."""
        self.place = Place(
            environment=self.settings.environment,
            region=self.settings.region,
            project_id=self.settings.project_id,
            profile=self.settings.profile,
            endpoint=self.settings.endpoint,
        )

    def audit(self, pools: str = "*", *, full: bool = False) -> Audit:
        """Read the pools and give their mismatches, counting pools while they are read.

        Args:
            pools: names, patterns or IDs, separated by commas; empty or "*" is all of them.
            full: read all desktops, not only those that the region's filter gives.

        Raises:
            PlanError: a pattern matches no pool.
            CloudError: the service could not be read.
        """
        seen = audit(self.ws, _patterns(pools), full=full, tell=counting("pools read"))
        self.doubts = seen.notes
        return seen

    def images(self) -> tuple[Image, ...]:
        """Read the images that desktops may be built from, by name."""
        return tuple(sorted(images_by_id(self.ws).values(), key=lambda image: image.name))

    def propose(
        self, choice: Choice, pools: tuple[str, ...], image_map: Mapping[str, str] | None = None
    ) -> Proposal:
        """Read the chosen pools again and make the plan of a choice over them.

        Args:
            choice: what is asked for.
            pools: IDs of pools; none is a proposal to do nothing.
            image_map: the new image by the present one, "*" is any; for a rebuild.

        Raises:
            PlanError: a limit is broken, a pool is not there any more, or another pool bears the
                ID of a chosen one as its name.
        """
        # Until this one is made no plan is the newest: one from before must not be asked for again.
        self.newest = _NONE
        if not pools:
            reason = "; ".join(("no pool is chosen: there is nothing to do", *self.doubts))
            return Proposal(None, reason, fine=not self.doubts, kind=choice.kind)
        more = {"change": choice.change or self.change, "image_map": image_map or choice.image_map}
        asked = choice.model_copy(update=more)
        check_choice(asked, self.settings.limits)
        try:
            plan, _ = plan_for(self.ws, asked, pools, counting("pools read"))
        except NothingToDo as nothing:
            return Proposal(None, str(nothing), fine=nothing.fine, kind=choice.kind)
        _check_pools(plan, pools)
        return self.proposed(plan)

    def proposed(self, plan: Plan) -> Proposal:
        """Give a plan as the newest proposal: an older one is no longer asked for."""
        self.newest = plan.plan_id
        return Proposal(plan, kind=plan.kind)

    @property
    def limits(self) -> Limits:
        """The limits of the profile."""
        return self.settings.limits

    def journal(self, *, create: bool = False) -> Journal:
        """Open the journal; with `create` it is made where there is none.

        Raises:
            JournalError: there is none, and `create` is False.
        """
        place = self.settings.journal_place
        return Journal.open(place) if create else Journal.known(place)

    def journal_to_read(self) -> AbstractContextManager[Journal | None]:
        """Open the journal for a block; None where nothing was ever kept."""
        return Journal.find(self.settings.journal_place) or nullcontext()

    def record(self, seen: Audit) -> None:
        """Keep an audit in the journal, so that later ones know since when a desktop differs."""
        with self.journal(create=True) as journal:
            journal.keep_audit(seen, self.settings.endpoint, self.settings.profile)

    def since(self, seen: Audit) -> Mapping[str, datetime]:
        """Give, by desktop ID, since when recorded audits know each mismatch."""
        with self.journal_to_read() as journal:
            if journal is None:
                return {}
            kept = journal.audits(self.settings.endpoint, self.settings.project_id)
        return since(seen, kept)

    def past(self) -> Past:
        """Read what was done here before: runs, their items and the recorded audits."""
        here = (self.settings.endpoint, self.settings.project_id)
        with self.journal_to_read() as journal:
            if journal is None:
                return Past()
            found = [standing(journal, run.run_id) for run in journal.runs(at=here)]
            kept = journal.audits(*here)
        return Past(
            runs=tuple(one.run for one in found),
            verdicts={one.run.run_id: one.verdict for one in found},
            items=tuple(row for one in found for row in one.items),
            audits=kept,
        )

    def unfinished(self) -> tuple[str, ...]:
        """Give, for each run that has something to follow or to send, how it stands."""
        with self.journal_to_read() as journal:
            return tuple(_unfinished(journal, self.settings)) if journal else ()

    def summary(self, **said: Any) -> Summary:  # noqa: ANN401  (the fields of a summary)
        """Give a summary that ends now, of this place and change."""
        return Summary(
            place=self.place,
            operator=self.settings.operator,
            change=self.change,
            started_at=self.started_at,
            ended_at=local_now(),
            **said,
        )

    def audited(self, seen: Audit) -> Summary:
        """Give the summary of an audit."""
        mismatches = len(seen.mismatches)
        differ = "does not run its" if mismatches == 1 else "do not run their"
        in_use = sum(m.in_use for m in seen.mismatches)
        return self.summary(
            kind="audit",
            verdict="partial" if seen.unread else "done",
            headline=f"{mismatches:,} of {count(seen.desktops, 'desktop')} {differ} pool's image",
            counts={
                "pools": len(seen.pools),
                "desktops": seen.desktops,
                "mismatches": mismatches,
                "in use or asleep": in_use,
            },
            notes=seen.notes,
            next=("wsops plan repair -o plan.json",) if mismatches else (),
        )

    def looked_back(self, past: Past) -> Summary:
        """Give the summary of a look at the past."""
        return self.summary(
            kind="history",
            verdict="done",
            headline=f"{count(len(past.runs), 'run')} in the journal",
            counts={
                "runs": len(past.runs),
                "pools sent": sum(row.sent for row in past.items),
                "recorded audits": len(past.audits),
            },
            notes=self.unfinished(),
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Show the place, and the runs that are not finished."""
        said = self.summary(kind="connect", notes=self.unfinished())
        said = said.model_copy(update={"ended_at": None})
        return said._repr_mimebundle_()


def open_workbench(profile: str = "", change: str = "") -> Workbench:
    """Connect as `wsops` does: by profile, else by the environment.

    Raises:
        SettingsError: the settings or the credentials cannot be used.
        CloudError: the project could not be looked up.
    """
    return Workbench(connect(profile or None), change)


def _patterns(pools: str) -> tuple[str, ...]:
    patterns = read_list(pools)
    return () if patterns == ("*",) else patterns


def _unfinished(journal: Journal, settings: Settings) -> Iterator[str]:
    for run in open_runs(journal, settings):
        _, rows, verdict, reason = standing(journal, run.run_id)
        commands = next_commands(run, rows, verdict, None)  # it is not finished: no new plan yet
        yield "; ".join((f"{run.run_id} is {verdict}: {reason}", *commands))


def _check_pools(plan: Plan, pools: tuple[str, ...]) -> None:
    """Refuse a plan of a pool that was not chosen: its name may read like the ID of another."""
    strange = [item.pool_name for item in plan.items if item.pool_id not in pools]
    if strange:
        msg = f"not chosen, but named like the ID of a chosen one: {', '.join(strange)}"
        raise PlanError(msg, remedy="rename that pool in the console, then plan again")
