"""The last lines before the button, in words: what is done, to how many, to whom, until when.

A terminal and a notebook show the same ones, each in its own dress.
"""

from __future__ import annotations

from wsops.plan import Plan
from wsops.text import count

_DOING = {
    "repair": "Repair (is_fix): only desktops that differ from their pool are recomposed",
    "rebuild": "Rebuild: the pools are recomposed from another image",
    "retry": "Retry: the service runs the failed part of a job again",
}


def doing(plan: Plan) -> str:
    """Say what the plan does."""
    return _DOING[plan.kind]


def size(plan: Plan) -> str:
    """Say how much it may touch."""
    return f"{count(plan.desktops, 'desktop')} in {count(len(plan.items), 'pool')}"


def danger(plan: Plan) -> str:
    """Say what it costs."""
    return f"up to {size(plan)}: system disks are WIPED, and nothing can cancel it"


def in_use(plan: Plan) -> tuple[str, ...]:
    """Say what becomes of desktops that someone uses, a line each."""
    sessions = sum(target.session for item in plan.items for target in item.targets)
    asleep = sum(item.in_use for item in plan.items) - sessions
    spared = all(item.idle_only for item in plan.items)
    use = f"{count(sessions, 'session')}: {'left alone' if spared else 'WIPED, too'}"
    risk = f"{asleep} asleep (hibernated, or of unknown state) may be taken for idle"
    return (use if sessions else "nobody is logged in", *((risk,) if asleep else ()))


def promise(plan: Plan) -> str:
    """Say for which change and by whom it was planned."""
    ticket = f"change {plan.change}, " if plan.change else ""
    return f"{ticket}planned by {plan.operator}"
