"""Which desktops, by which requests, under which digest: no clock, no network, no pandas.

A plan is a value. It holds the exact bytes of every request, the desktops that each may touch and
the image each of them runs now. Its digest covers all of it, so what was read is what is sent.
"""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from wsops.audited import differs
from wsops.errors import BlastRadius, NotApproved, PlanError, PlanExpired, StalePlan
from wsops.models import ID_PATTERN, SESSIONS, Desktop, Pool, Record
from wsops.settings import Limits, Settings
from wsops.text import count

SCHEMA = 1
IDLE_ONLY = "FOR_EXPAND_AND_IDLE"
EVERYONE = "FOR_EXPAND_AND_ALL"

_LONGEST_LIFE = timedelta(hours=12)
_CLOCKS_DIFFER = timedelta(minutes=10)
_SHOWN = 4  # names of pools that may be meant
_FREE = frozenset({"image_type", "os_type", "delay_time", "message", "desktop_ids"})


class Region(Record):
    """What is known of the region, as far as a request depends on it."""

    knows_handle_type: bool
    honours_desktop_ids: bool = False


class Reading(Record):
    """A pool and all its desktops as just read; `known_jobs` are the rebuild jobs it has.

    `busy_jobs` are those of them that have not ended. `living_images` are the images of its
    desktops that still exist; None where that was not asked.
    """

    pool: Pool
    desktops: tuple[Desktop, ...]
    steady: bool = True
    known_jobs: tuple[str, ...] = ()
    busy_jobs: tuple[str, ...] = ()
    living_images: tuple[str, ...] | None = None


class Target(Record):
    """A desktop that a request may touch, with the image that it runs when the plan is made."""

    desktop_id: str
    desktop_name: str
    image_id: str
    image_name: str = ""
    user_name: str = ""
    in_use: bool = False
    session: bool = False

    @classmethod
    def of(cls, desktop: Desktop) -> Target:
        """Take it from a desktop as read."""
        return cls(
            desktop_id=desktop.desktop_id,
            desktop_name=desktop.computer_name,
            image_id=desktop.image_id,
            image_name=desktop.metadata.image_name,
            user_name=", ".join(desktop.users),
            in_use=desktop.in_use,
            session=desktop.login_status in SESSIONS,
        )


class Item(Record):
    """One request of a plan, to one pool; `body` is the exact text that is sent.

    `retries` is the job that it retries, "" for a rebuild; `named` says that the request names its
    desktops; `idle_only` that the service is asked to leave desktops in use alone.
    """

    item_id: str
    pool_id: str
    pool_name: str
    pool_type: str
    pool_image_id: str
    image_id: str
    image_name: str
    path: str
    body: str
    targets: tuple[Target, ...]
    left_out: tuple[Target, ...] = ()
    total: int
    in_use: int
    off: int
    frozen: int
    bound_users: int
    autoscale: bool
    order_id: str = ""
    retries: str = ""
    named: bool = False
    idle_only: bool = False
    old_image_exists: bool | None = None
    known_jobs: tuple[str, ...] = ()
    origins: str = ""
    notes: tuple[str, ...] = ()

    @property
    def delay_minutes(self) -> int:
        """Minutes that users get before the work begins."""
        return int(json.loads(self.body).get("delay_time") or 0)

    @property
    def is_fix(self) -> bool:
        """Whether the service itself picks the desktops that differ."""
        return bool(json.loads(self.body).get("is_fix"))


class Skipped(Record):
    """A pool that was asked for and is not in the plan, with the reason."""

    pool_id: str
    pool_name: str
    reason: str
    desktops: tuple[str, ...] = ()


class Plan(Record):
    """What would be sent, to whom, until when; frozen, and approved by its digest.

    `desktops` is the number of desktops that may be touched in all: the approved number is the
    cap. `notes` say what could not be seen when it was made. `max_errors_share` and
    `max_errors_least` bound the failed desktops over the whole run.
    """

    version: int = Field(SCHEMA, alias="schema")
    plan_id: str
    kind: Literal["repair", "rebuild", "retry"]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    profile: str
    environment: str
    region: str
    project_id: str
    endpoint: str
    operator: str
    change: str
    knows_handle_type: bool
    include_in_use: bool
    max_errors_share: float
    max_errors_least: int
    desktops: int
    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    digest: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the content of a plan file."""
        return self.model_dump(mode="json", by_alias=True)

    def computed_digest(self) -> str:
        """Compute the digest of everything but the digest itself."""
        content = {key: value for key, value in self.as_json().items() if key != "digest"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def chosen(pools: Iterable[Pool], patterns: Sequence[str]) -> tuple[Pool, ...]:
    """Give the pools whose name matches a shell pattern, or whose ID is given; all without any.

    They come in the order of the patterns, small ones first: the first one sent is the canary.

    Raises:
        PlanError: a pattern matches no pool.
    """
    pools = tuple(pools)
    asked = tuple(patterns) or ("*",)
    for pattern in patterns:
        if not any(_matches(pool, pattern) for pool in pools):
            msg = f"no pool matches {pattern!r}; there {_such_as(pools, pattern)}"
            raise PlanError(msg, remedy="name one, give its ID, or quote a pattern: 'sales-*'")

    def order(pool: Pool) -> tuple[int, int, str]:
        first = next(n for n, pattern in enumerate(asked) if _matches(pool, pattern))
        return first, pool.desktop_count, pool.name

    return tuple(sorted((p for p in pools if any(_matches(p, a) for a in asked)), key=order))


def _such_as(pools: Sequence[Pool], pattern: str) -> str:
    """Say how many pools there are, and name those that may be meant."""
    names = sorted(pool.name for pool in pools)
    meant = difflib.get_close_matches(pattern.strip("*"), names, _SHOWN, 0.4) or names[:_SHOWN]
    are = "is" if len(names) == 1 else "are"
    return f"{are} {count(len(names), 'pool')}{', such as ' if meant else ''}{', '.join(meant)}"


def read_plan(text: str) -> Plan:
    """Read a plan file.

    Raises:
        PlanError: it is not a plan, of another schema, or was edited after it was made.
    """
    try:
        plan = Plan.model_validate_json(text)
    except (ValidationError, ValueError):
        msg = "this is not a plan file of wsops"
        raise PlanError(msg, remedy="give the file that `wsops plan … -o FILE` wrote") from None
    if plan.version != SCHEMA:
        msg = f"the plan has schema {plan.version}; this version of wsops reads {SCHEMA}"
        raise PlanError(msg, remedy="plan again with this version")
    if plan.digest != plan.computed_digest():
        msg = "the plan was changed after it was made: its digest does not fit its content"
        raise NotApproved(msg, remedy="make a new plan and read it; nothing was sent")
    ids = [item.pool_id for item in plan.items]
    if not ids or len(set(ids)) != len(ids) or not all(item.targets for item in plan.items):
        msg = "the plan is empty, or names a pool twice"
        raise PlanError(msg)
    names = [f"{plan.plan_id}-{number:02d}" for number in range(1, len(ids) + 1)]
    named = ID_PATTERN.match(plan.plan_id) and [item.item_id for item in plan.items] == names
    if not named or plan.expires_at - plan.created_at > _LONGEST_LIFE:
        msg = "the plan's names or times are not such as wsops gives"
        raise PlanError(msg)
    for item in plan.items:
        _check_request(plan, item)
    if plan.desktops != sum(len(item.targets) for item in plan.items):
        msg = "the plan's number of desktops is not the number of its targets"
        raise PlanError(msg)
    return plan


def check_place(plan: Plan, settings: Settings, now: datetime) -> None:
    """Refuse a plan that is for another place, or too old to start.

    Raises:
        StalePlan: another endpoint, project, profile or environment, or not made yet.
        BlastRadius: more desktops than the profile's ceiling.
        PlanExpired: it has expired.
    """
    for name, ours, theirs in (
        ("endpoint", settings.endpoint, plan.endpoint),
        ("project", settings.project_id, plan.project_id),
        ("profile", settings.profile, plan.profile),
        ("environment", settings.environment, plan.environment),
    ):
        if ours != theirs:
            msg = f"the plan is for {name} {theirs!r}; you are connected to {ours!r}"
            raise StalePlan(msg, remedy=f"connect to {theirs!r}, or plan again here")
    check_ceiling(plan.desktops, settings.limits)
    if plan.created_at > now + _CLOCKS_DIFFER:
        msg = f"the plan says that it will be made at {plan.created_at:%Y-%m-%d %H:%M} UTC"
        raise StalePlan(msg, remedy="set the clock, or plan again here")
    if now >= plan.expires_at:
        msg = f"the plan expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC"
        raise PlanExpired(msg)


def check_ceiling(desktops: int, limits: Limits) -> None:
    """Refuse to touch more desktops than a profile allows at all.

    Raises:
        BlastRadius: they are more than `limits.max_desktops`.
    """
    ceiling = limits.max_desktops
    if ceiling is not None and desktops > ceiling:
        msg = f"the plan may touch {desktops} desktops; the profile's ceiling is {ceiling}"
        raise BlastRadius(msg)


def drift(item: Item, reading: Reading) -> str:
    """Say how a pool, as just read, is not as approved; "" where it is.

    Without named desktops the call works on the pool, so the pool must hold exactly the approved
    set: no desktop more, none less, each with the image it had.
    """
    if reading.pool.image_id != item.pool_image_id:
        return f"the pool's image is now {reading.pool.image_id}, not {item.pool_image_id}"
    if not reading.steady:
        return "the list of its desktops changed while it was read"
    approved = {target.desktop_id: target.image_id for target in item.targets}
    present = {d.desktop_id: d.image_id for d in _touched(item, reading)}
    if item.named or item.retries:
        present = {i: image for i, image in present.items() if i in approved}
    if present == approved:
        return ""
    more = len(present.keys() - approved.keys())
    less = len(approved.keys() - present.keys())
    other = sum(1 for i in present.keys() & approved.keys() if present[i] != approved[i])
    return f"desktops are not as approved: {more} more, {less} less, {other} with another image"


def more_in_use(item: Item, reading: Reading) -> str:
    """Say that more of the targets are in use than approved; "" where not."""
    targets = {target.desktop_id for target in item.targets}
    now = sum(1 for d in reading.desktops if d.desktop_id in targets and d.in_use)
    return f"{now} desktops are in use; approved were {item.in_use}" if now > item.in_use else ""


def allowed_errors(attempted: int, share: float, least: int) -> int:
    """Give how many failed desktops a run may have before no further pool is sent."""
    return max(least, int(share * attempted))


def _touched(item: Item, reading: Reading) -> Iterable[Desktop]:
    """Give the desktops that the request would touch, by what was just read."""
    if item.is_fix:
        return (d for d in reading.desktops if differs(reading.pool, d))
    return reading.desktops


def _check_request(plan: Plan, item: Item) -> None:
    """Refuse a request that is not the one its item describes: a plan file may come from anywhere.

    A list of desktops equals the targets and is never empty: what an empty or absent list does is
    not published. A body has the one spelling that we give it, so that nobody reads it otherwise.
    """
    ids = ID_PATTERN.match(item.pool_id) and ID_PATTERN.match(item.retries or item.pool_id)
    try:
        body = json.loads(item.body)
        fits = _fits_retry(plan, item, body) if item.retries else _fits_rebuild(plan, item, body)
        spelt = json.dumps(body, ensure_ascii=False) == item.body
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        fits = spelt = False
    if not (ids and fits and spelt):
        msg = f"the request of {item.item_id} is not what its item says"
        raise PlanError(msg)


def _fits_rebuild(plan: Plan, item: Item, body: dict[str, Any]) -> bool:
    targets = sorted(target.desktop_id for target in item.targets)
    listed = body["desktop_ids"] == targets if item.named else "desktop_ids" not in body
    path = f"/v2/{plan.project_id}/desktop-pools/{item.pool_id}/rebuild"
    handling = EVERYONE if plan.include_in_use else IDLE_ONLY
    fixed = {
        "image_id": item.image_id,
        "order_id": item.order_id or None,
        "is_fix": plan.kind == "repair",
        "handle_type": handling if plan.knows_handle_type else None,
    }
    told = all(body.get(key) == value for key, value in fixed.items())
    told = told and item.in_use == sum(target.in_use for target in item.targets)
    told = told and plan.kind in {"repair", "rebuild"}
    told = told and item.idle_only == (plan.knows_handle_type and not plan.include_in_use)
    known = body.keys() <= fixed.keys() | _FREE
    return listed and told and known and item.path == path


def _fits_retry(plan: Plan, item: Item, body: dict[str, Any]) -> bool:
    path = f"/v2/{plan.project_id}/workspace-jobs/{item.retries}/actions"
    return plan.kind == "retry" and item.path == path and body == {"op_type": "retry"}


def _matches(pool: Pool, pattern: str) -> bool:
    return pool.id == pattern or fnmatch.fnmatchcase(pool.name, pattern)
