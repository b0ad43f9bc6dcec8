"""What a rebuild order means: the image, the desktops it is about, and when it is refused."""

from __future__ import annotations

import math

from wsops.simulator.answers import bad_request, conflict
from wsops.simulator.checks import RebuildOrder
from wsops.simulator.cloud import Cloud
from wsops.simulator.records import Desktop, Image, Pool


def fitting_image(cloud: Cloud, order: RebuildOrder, pools: list[Pool]) -> Image:
    """Return the image to build from; raises Refusal (400) when it does not fit the pools."""
    image = cloud.images.get(order.image_id)
    if image is None:
        msg = f"The image {order.image_id} does not exist."
        raise bad_request(msg)
    for name, said in (("image_type", order.image_type), ("os_type", order.os_type)):
        if said is not None and said != image.row.get(name):
            msg = f"The image {image.id} is not of the {name} {said}."
            raise bad_request(msg)
    for pool in pools:
        _fits(image, pool)
        if image.billed and pool.yearly and not order.order_id:
            msg = (
                "The parameter order_id is required for a billed image on yearly/monthly desktops."
            )
            raise bad_request(msg)
    return image


def _fits(image: Image, pool: Pool) -> None:
    disk = (pool.row.get("root_volume") or {}).get("size") or math.inf
    if (image.row.get("min_disk") or 0) > disk:
        msg = f"The image {image.id} needs a system disk of {image.row['min_disk']} GB."
        raise bad_request(msg)
    chip, wanted = (
        (pool.row.get("product") or {}).get("architecture"),
        image.row.get("architecture"),
    )
    if chip and wanted and chip != wanted:
        msg = f"The image {image.id} is for {wanted}, the desktop pool for {chip}."
        raise bad_request(msg)


def refuse_busy(cloud: Cloud, pools: list[Pool]) -> None:
    """Raise Refusal (409) when one of the pools is at work or frozen."""
    now = cloud.now()
    for pool in pools:
        if pool.busy(now) or pool.row.get("status") == "EXIST_FROZEN":
            msg = f"The present state of the desktop pool {pool.name} forbids the operation."
            raise conflict(msg)


def chosen_desktops(cloud: Cloud, order: RebuildOrder, pool: Pool) -> list[Desktop]:
    """Return the desktops that the order is about, before looking at who uses them."""
    chosen = pool.desktops
    if order.desktop_ids is not None and cloud.options.honour_desktop_ids:
        if order.desktop_ids:
            named = {cloud.desktop(one).id for one in order.desktop_ids}
            chosen = [one for one in chosen if one.id in named]
            if len(chosen) != len(named):
                msg = "The parameter desktop_ids names desktops of another desktop pool."
                raise bad_request(msg)
        elif cloud.options.empty_desktop_ids == "refuse":
            msg = "The parameter desktop_ids must not be empty."
            raise bad_request(msg)
    return (
        [one for one in chosen if one.image_id != pool.image_id] if order.is_fix else list(chosen)
    )


def handled_desktops(cloud: Cloud, order: RebuildOrder, chosen: list[Desktop]) -> list[Desktop]:
    """Leave out what handle_type leaves out; an old region knows no handle_type."""
    handling = order.handle_type or cloud.options.unsaid_handle_type
    if not cloud.region.modern:
        handling = "FOR_EXPAND_AND_ALL"
    if handling == "ONLY_FOR_EXPAND":
        return []
    return (
        [one for one in chosen if not one.in_use] if handling == "FOR_EXPAND_AND_IDLE" else chosen
    )
