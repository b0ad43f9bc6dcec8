"""How a choice becomes a plan: the rules on which desktops may be touched, and by which request.

Pure, as the plan is: no clock, no network.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from wsops.audited import differs
from wsops.choice import Choice, check_choice
from wsops.errors import NothingToDo, PlanError
from wsops.models import Desktop, Image, Job, Pool
from wsops.plan import (
    EVERYONE,
    IDLE_ONLY,
    Item,
    Plan,
    Reading,
    Region,
    Skipped,
    Target,
    check_ceiling,
)
from wsops.settings import Settings
from wsops.text import count


@dataclass(frozen=True)
class Order:
    """What was asked for, and under which circumstances.

    `settings` give profile, limits and project; `plan_id` is new each time; `now` is the present
    instant.
    """

    choice: Choice
    region: Region
    settings: Settings
    plan_id: str
    now: datetime


def make_plan(
    order: Order,
    readings: Sequence[Reading],
    images: Mapping[str, Image],
    unread: Sequence[Skipped] = (),
    notes: Sequence[str] = (),
) -> Plan:
    """Make the plan of a choice over pools as just read.

    Args:
        order: what was asked for.
        readings: the pools, in the order in which they would be sent; the first is the canary.
        images: the images by ID, as listed.
        unread: pools that were asked for and could not be read.
        notes: what else could not be seen.

    Raises:
        PlanError: a limit is broken, or nothing is left to do.
        BlastRadius: more desktops than the profile's ceiling.
    """
    choice, limits = order.choice, order.settings.limits
    check_choice(choice, limits)
    _check_orders(choice, readings)
    items: list[Item] = []
    skipped = list(unread)
    for reading in readings:
        draft = _Draft(order, reading, images)
        reason = draft.reason_to_skip()
        if reason is None:
            items.append(draft.item(f"{order.plan_id}-{len(items) + 1:02d}"))
        else:
            skipped.append(draft.skipped(reason))
    if not items:
        raise _nothing_to_do(skipped)
    return _seal(order, choice.kind, items, skipped, notes)


def make_retry(order: Order, job: Job, reading: Reading) -> Plan:
    """Make the plan of retrying a job: its targets are the desktops whose sub-jobs failed.

    Raises:
        PlanError: the job has not ended, nothing of it failed, or some that is not in the pool.
        BlastRadius: more desktops than the profile's ceiling.
    """
    failed = {sub.desktop_id for sub in job.failed}
    targets = [desktop for desktop in reading.desktops if desktop.desktop_id in failed]
    strange = len(failed) - len(targets)
    if not job.finished or not targets or strange:
        why = f"failed at {count(strange, 'desktop')} that this pool does not have"
        why = why if failed else "has no failed desktop left in the pool"
        msg = f"job {job.id} {why if job.finished else 'has not ended'}"
        instead = "a retry runs all that failed: make a repair plan instead" if strange else None
        raise PlanError(msg, remedy=instead)
    pool = reading.pool
    item = Item(
        item_id=f"{order.plan_id}-01",
        pool_id=pool.id,
        pool_name=pool.name,
        pool_type=pool.type,
        pool_image_id=pool.image_id,
        image_id=pool.image_id,
        image_name=pool.image_name,
        path=f"/v2/{order.settings.project_id}/workspace-jobs/{job.id}/actions",
        body=json.dumps({"op_type": "retry"}),
        retries=job.id,
        notes=("what a retry runs again is not published",),
        **_headcount(reading, targets),
    )
    return _seal(order, "retry", [item], [])


def _seal(
    order: Order,
    kind: Literal["repair", "rebuild", "retry"],
    items: Sequence[Item],
    skipped: Sequence[Skipped],
    notes: Sequence[str] = (),
) -> Plan:
    """Put items into a plan, and its digest onto it.

    Raises:
        BlastRadius: more desktops than the profile's ceiling.
    """
    settings = order.settings
    desktops = sum(len(item.targets) for item in items)
    check_ceiling(desktops, settings.limits)
    plan = Plan(
        plan_id=order.plan_id,
        kind=kind,
        created_at=order.now,
        expires_at=order.now + timedelta(hours=settings.limits.plan_hours),
        profile=settings.profile,
        environment=settings.environment,
        region=settings.region,
        project_id=settings.project_id,
        endpoint=settings.endpoint,
        operator=settings.operator,
        change=order.choice.change,
        knows_handle_type=order.region.knows_handle_type,
        include_in_use=order.choice.include_in_use,
        max_errors_share=settings.limits.max_errors_share,
        max_errors_least=settings.limits.max_errors_least,
        desktops=desktops,
        items=tuple(items),
        skipped=tuple(skipped),
        notes=tuple(notes),
    )
    return plan.model_copy(update={"digest": plan.computed_digest()})


def _headcount(reading: Reading, targets: Sequence[Desktop]) -> dict[str, Any]:
    """Give the fields of an item that say whom it may touch, and how they are now."""
    return {
        "targets": tuple(Target.of(desktop) for desktop in targets),
        "total": len(reading.desktops),
        "in_use": sum(1 for d in targets if d.in_use),
        "off": sum(1 for d in targets if d.off),
        "frozen": sum(1 for d in targets if d.is_freeze),
        "bound_users": sum(1 for d in targets if d.users and not d.in_use),
        "autoscale": bool(reading.pool.enable_autoscale),
    }


class _Draft:
    """An item in the making: one pool, one choice, and the rules between them."""

    def __init__(self, order: Order, reading: Reading, images: Mapping[str, Image]) -> None:
        self.choice, self.region = order.choice, order.region
        self.reading = reading
        self.pool = reading.pool
        self.project_id = order.settings.project_id
        self.image_id = self._wanted_image()
        self.image = images.get(self.image_id)
        self.named = self.region.honours_desktop_ids
        self.idle_only = self.region.knows_handle_type and not self.choice.include_in_use
        self.concerned = self._concerned()
        self.targets = self._targets()

    def reason_to_skip(self) -> str | None:
        """Say why this pool is not in the plan; None where it is."""
        return next((reason for wrong, reason in self._obstacles() if wrong), None)

    def _obstacles(self) -> Iterable[tuple[bool, str]]:
        """Give what may stand in the way, and whether it does; the first one counts."""
        yield not self.image_id, "no new image is given for its present one"
        yield not self.reading.steady, "its list of desktops changed while it was read"
        yield not self.concerned, "nothing to do: all its desktops run the image"
        yield bool(self.reading.busy_jobs), "a rebuild of it is under way"
        single = self.choice.desktops and self.named
        free = "none of the chosen desktops differs and is free"
        yield not self.targets, free if single else "all desktops concerned are in use"
        in_use = sum(1 for desktop in self.targets if desktop.in_use)
        unprotected = not self.region.knows_handle_type and not self.choice.include_in_use
        yield (
            bool(in_use) and unprotected,
            f"{in_use} are in use and cannot be left out here; --include-in-use takes them",
        )
        yield (
            self._needs_order() and not self._order(),
            "a billed image on a yearly pool needs an order (--order POOL=ID)",
        )
        misfit = self._misfit()
        yield bool(misfit), misfit

    def skipped(self, reason: str) -> Skipped:
        """Make the record of a pool that is left out."""
        names = tuple(d.computer_name for d in self.concerned if d.in_use)
        return Skipped(
            pool_id=self.pool.id, pool_name=self.pool.name, reason=reason, desktops=names
        )

    def item(self, item_id: str) -> Item:
        """Make the item: the request, whom it may touch, and what to know before."""
        taken = {desktop.desktop_id for desktop in self.targets}
        left = [d for d in self.concerned if d.desktop_id not in taken]
        old = {d.image_id for d in self.targets}
        living = self.reading.living_images
        return Item(
            item_id=item_id,
            pool_id=self.pool.id,
            pool_name=self.pool.name,
            pool_type=self.pool.type,
            pool_image_id=self.pool.image_id,
            image_id=self.image_id,
            image_name=self.image.name if self.image else self._name_on_record(),
            path=f"/v2/{self.project_id}/desktop-pools/{self.pool.id}/rebuild",
            body=json.dumps(self._body(), ensure_ascii=False),
            left_out=tuple(Target.of(desktop) for desktop in left),
            order_id=self._order(),
            named=self.named,
            idle_only=self.idle_only,
            old_image_exists=None if living is None else old <= set(living),
            known_jobs=self.reading.known_jobs,
            origins=f"image_type {self._image_type()[1]}, os_type {self._os_type()[1]}",
            notes=tuple(self._notes()),
            **_headcount(self.reading, self.targets),
        )

    def _wanted_image(self) -> str:
        if self.choice.kind == "repair":
            return self.pool.image_id
        mapping = self.choice.image_map
        return mapping.get(self.pool.image_id, mapping.get("*", ""))

    def _concerned(self) -> list[Desktop]:
        """Give the desktops that should get the image."""
        if self.choice.kind == "repair":
            return [d for d in self.reading.desktops if differs(self.pool, d)]
        fine = self.pool.image_id == self.image_id
        behind = [d for d in self.reading.desktops if d.image_id != self.image_id]
        # A rebuild of a pool wipes all its desktops, also those that run the image already.
        whole = behind or not fine
        return list(self.reading.desktops) if whole and not self.named else behind

    def _targets(self) -> list[Desktop]:
        """Give the desktops that the request may touch, sorted by ID."""
        taken = self.concerned
        if self.named and self.choice.desktops:
            taken = [d for d in taken if d.desktop_id in self.choice.desktops]
        if self.named and not self.choice.include_in_use:
            taken = [d for d in taken if not d.in_use]
        return sorted(taken, key=lambda desktop: desktop.desktop_id)

    def _body(self) -> dict[str, Any]:
        """Make the request in the published order of fields; only what is given is sent."""
        body: dict[str, Any] = {
            "image_type": self._image_type()[0],
            "image_id": self.image_id,
            "os_type": self._os_type()[0],
            "delay_time": self.choice.delay_time,
            "message": self.choice.message,
            "order_id": self._order(),
            "is_fix": self.choice.kind == "repair",
            "handle_type": self._handle_type(),
            "desktop_ids": [d.desktop_id for d in self.targets] if self.named else None,
        }
        return {key: value for key, value in body.items() if value is not None and value != ""}

    def _handle_type(self) -> str | None:
        if not self.region.knows_handle_type:
            return None
        return EVERYONE if self.choice.include_in_use else IDLE_ONLY

    def _image_type(self) -> tuple[str, str]:
        """Give the type, and where it comes from."""
        if self.choice.image_type:
            return self.choice.image_type, "as asked for"
        if self.image and self.image.image_type:
            return self.image.image_type, "from the image"
        return "", "unknown and not sent"

    def _os_type(self) -> tuple[str, str]:
        """Give the type, and where it comes from."""
        if self.choice.os_type:
            return self.choice.os_type, "as asked for"
        if self.image and self.image.os_type:
            return self.image.os_type, "from the image"
        if self.pool.image_os_type:
            return self.pool.image_os_type, "from the pool"
        return "", "unknown and not sent"

    def _order(self) -> str:
        return self.choice.orders.get(self.pool.id) or self.choice.orders.get(self.pool.name) or ""

    def _needs_order(self) -> bool:
        billed = self.image.product_code if self.image else self.pool.image_product_code
        return self.pool.yearly and bool(billed)

    def _name_on_record(self) -> str:
        return self.pool.image_name if self.image_id == self.pool.image_id else ""

    def _misfit(self) -> str:
        return "" if self.choice.kind == "repair" else misfit(self.pool, self.image, self.image_id)

    def _notes(self) -> Iterable[str]:
        if self.image is None:
            yield "the image is not in the list of images"
        asked = self.choice.desktops
        others = [d.computer_name for d in self.targets if asked and d.desktop_id not in asked]
        if others:
            yield f"the region takes no single desktops: {_few(others)} are recomposed, too"
        again = sum(1 for d in self.targets if d.image_id == self.image_id)
        if again:
            yield f"{again} desktops already run the image and would be wiped needlessly"
        if self.pool.type != "DYNAMIC":
            owners = Counter(user for d in self.targets for user in d.users)
            yield f"{self.pool.type or 'unknown type'}: these desktops belong to {_few(owners)}"
        if self.pool.enable_autoscale:
            yield "autoscale may add or remove desktops before the plan is applied"


def misfit(pool: Pool, image: Image | None, image_id: str) -> str:
    """Say how a new image does not fit a pool: OS, architecture, disk; "" where it does."""
    if image is None:
        return f"the image {image_id} is not among the images of the project"
    has = pool.product.architecture if pool.product else ""
    disk = pool.root_volume.size if pool.root_volume else 0
    if pool.image_os_type and image.os_type != pool.image_os_type:
        return f"the image is for {image.os_type}, the pool for {pool.image_os_type}"
    if has and image.architecture and has != image.architecture:
        return f"the image is for {image.architecture}, the pool for {has}"
    if disk and image.min_disk > disk:
        return f"the image needs a disk of {image.min_disk} GB, the pool has {disk} GB"
    return ""


def _check_orders(choice: Choice, readings: Sequence[Reading]) -> None:
    known = {name for r in readings for name in (r.pool.id, r.pool.name)}
    strange = set(choice.orders) - known
    if strange:
        msg = f"an order is given for {', '.join(sorted(strange))}, which is not among the pools"
        raise PlanError(msg)


def _nothing_to_do(skipped: Sequence[Skipped]) -> NothingToDo:
    reasons = "; ".join(f"{s.pool_name}: {s.reason}" for s in skipped[:5])
    msg = f"nothing to do ({reasons})" if reasons else "nothing to do: no pool was chosen"
    return NothingToDo(msg, remedy="look at `wsops audit`, or choose other pools")


def _few(names: Iterable[str], most: int = 5) -> str:
    names = sorted(names)
    shown = ", ".join(names[:most]) or "nobody named"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
