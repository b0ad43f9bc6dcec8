"""The screen before the button, in a notebook: the exact requests, whom they touch, where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from wsops import button, tables
from wsops.markup import Markup, bundle, element, join, text
from wsops.plan import Item, Plan
from wsops.summary import Place, place_badge
from wsops.text import count, instant


@dataclass(frozen=True)
class Proposal:
    """What would be done: a plan as a person reads it before approving, or why there is none.

    `fine` says that there is none because all desktops are as wanted; `kind` is what was asked for.
    """

    plan: Plan | None
    reason: str = ""
    fine: bool = False
    kind: Literal["repair", "rebuild", "retry"] = "repair"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Give the faces."""
        if self.plan is None:
            body = element("section", element("p", self.reason), class_="w-card")
            return bundle(body, self.reason)
        plain = f"{self.plan.kind} of up to {button.size(self.plan)}, digest {self.plan.digest}"
        return bundle(_Page(self.plan).html(), plain)


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
        notes = [
            element("li", f"{item.pool_name}: ", _marked(note, item))
            for item in plan.items
            for note in item.notes
        ]
        notes += [element("li", note) for note in plan.notes]
        if notes:
            parts.append(element("ul", join(notes), class_="w-notes"))
        opened = element(
            "summary", f"{count(len(plan.items), 'request')}, exactly as they would be sent"
        )
        parts.append(element("details", opened, tables.requests(plan).to_html()))
        return join([*parts, self.button()])

    def button(self) -> Markup:
        """Give the last lines before the button: place, what is done, to how many, until when."""
        plan = self.plan
        where = {"region": plan.region, "project": plan.project_id, "profile": plan.profile}
        words = (element("span", f"{name} {value}") for name, value in where.items())
        badge = place_badge(Place(environment=plan.environment))
        facts = [
            element("p", badge, *words, class_="w-where"),
            element("p", button.doing(plan)),
            element("p", element("b", button.danger(plan)), class_="w-danger"),
            *(element("p", line) for line in button.in_use(plan)),
            element("p", f"{button.promise(plan)}, good until {instant(plan.expires_at)}"),
            element("p", f"plan {plan.plan_id}, digest {plan.digest}", class_="w-facts"),
        ]
        return element("section", join(facts), class_="w-card")


def _marked(note: str, item: Item) -> Markup:
    """Give a note with the people and desktops in it marked, so that a shared report finds them."""
    kinds = {name: "user" for target in item.targets for name in target.user_name.split(", ")}
    kinds |= {target.desktop_name: "desktop" for target in item.targets}
    known = sorted(filter(None, kinds), key=len, reverse=True)
    if not known:
        return text(note)
    parts = re.split(f"({'|'.join(map(re.escape, known))})", note)
    return join(
        element("span", part, data_kind=kinds[part]) if part in kinds else part for part in parts
    )
