"""The screen before the button, in a notebook: the exact requests, whom they touch, where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wsops import tables
from wsops.markup import Markup, element, face, join
from wsops.plan import Plan
from wsops.summary import Place, place_badge
from wsops.text import count, instant, visible

_DOING = {
    "repair": "Repair (is_fix): only desktops that differ from their pool are recomposed",
    "rebuild": "Rebuild: the pools are recomposed from another image",
    "retry": "Retry: the service runs the failed part of a job again",
}


@dataclass(frozen=True)
class Proposal:
    """What would be done: a plan as a person reads it before approving, or why there is none.

    `fine` says that there is none because all desktops are as wanted; `kind` is what was asked for.
    """

    plan: Plan | None
    reason: str = ""
    fine: bool = False
    kind: Literal["repair", "rebuild", "retry", "jobs"] = "repair"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Give the faces."""
        if self.plan is None:
            body = element("section", element("p", self.reason), class_="w-card")
            return {"text/html": face(body), "text/plain": visible(self.reason, 2000)}
        plain = f"{self.plan.kind} of up to {size(self.plan)}, digest {self.plan.digest}"
        page = face(_Page(self.plan).html())
        return {"text/html": page, "text/plain": visible(plain, 2000)}


@dataclass(frozen=True)
class _Page:
    """The page of a plan; what is shown is what is sent."""

    plan: Plan

    def html(self) -> Markup:
        """Give the pools, the people, what is left out, the requests, then the last lines."""
        plan = self.plan
        parts = [tables.items(plan).to_html()]
        people = tables.people(plan)
        if len(people):
            parts.append(people.to_html())
        if plan.skipped:
            parts.append(tables.skipped(plan).to_html())
        notes = [element("li", f"{i.pool_name}: {note}") for i in plan.items for note in i.notes]
        if notes:
            parts.append(element("ul", join(notes), class_="w-notes"))
        opened = element("summary", f"{count(len(plan.items), 'request')}, exactly as sent")
        parts.append(element("details", opened, tables.requests(plan).to_html()))
        return join([*parts, self.button()])

    def button(self) -> Markup:
        """Give the last lines before the button: place, what is done, to how many, until when."""
        plan = self.plan
        place = Place(environment=plan.environment)
        ticket = f"change {plan.change}, " if plan.change else ""
        where = {"region": plan.region, "project": plan.project_id, "profile": plan.profile}
        words = (element("span", f"{name} {value}") for name, value in where.items())
        facts = [element("p", place_badge(place), *words, class_="w-where")]
        facts.append(element("p", _DOING[plan.kind]))
        wiped = f"up to {size(plan)}: system disks are WIPED, and nothing can cancel it"
        facts.append(element("p", element("b", wiped), class_="w-danger"))
        facts += [element("p", line) for line in self.in_use()]
        until = f"{ticket}planned by {plan.operator}, good until {instant(plan.expires_at)}"
        facts.append(element("p", until, class_="w-facts"))
        digest = f"plan {plan.plan_id}, digest {plan.digest}"
        facts.append(element("p", digest, class_="w-facts"))
        return element("section", join(facts), class_="w-card")

    def in_use(self) -> list[str]:
        """Give what becomes of desktops that someone uses, a line each."""
        items = self.plan.items
        sessions = sum(target.session for item in items for target in item.targets)
        asleep = sum(item.in_use for item in items) - sessions
        spared = all(item.idle_only for item in items)
        use = f"{count(sessions, 'session')} in use: {'left alone' if spared else 'WIPED, too'}"
        lines = [use if sessions else "nobody is logged in"]
        if asleep:
            lines.append(f"{asleep} asleep (hibernated, or unknown) may be taken for idle")
        return lines


def size(plan: Plan) -> str:
    """Give how much a plan may touch, in words."""
    return f"{count(plan.desktops, 'desktop')} in {count(len(plan.items), 'pool')}"
