"""What counts as an approval of a plan: its numbers by option or parameter, or two words typed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from wsops.errors import BlastRadius, NotApproved
from wsops.parameters import ANY
from wsops.plan import Item, Plan


def by_digest(plan: Plan, digest: str) -> str:
    """Give the approval of whoever names the digest of the plan.

    Raises:
        NotApproved: it is another plan's.
    """
    if digest != plan.digest:
        msg = f"the approved digest {digest[:80]} is not the plan's {plan.digest}"
        raise NotApproved(msg)
    return "digest"


def by_numbers(plan: Plan, max_desktops: int, images: Mapping[str, Collection[str]]) -> str:
    """Give the approval of whoever names the number of desktops and the images.

    Args:
        plan: what would be done.
        max_desktops: the approved number.
        images: the images that may be built from, by a pool's name or ID; "*" is for every pool.

    Raises:
        BlastRadius: the plan may touch more desktops.
        NotApproved: it would build from another image.
    """
    if plan.desktops > max_desktops:
        msg = f"the plan may touch {plan.desktops} desktops; approved are {max_desktops}"
        raise BlastRadius(msg, remedy="read the plan; approve its number, or choose fewer pools")
    strange = {item.image_id for item in plan.items if not _expected(item, images)}
    if strange:
        msg = f"the plan would build from {', '.join(sorted(strange))}, which was not expected"
        raise NotApproved(msg)
    named = ", ".join(sorted({image for some in images.values() for image in some}))
    return f"max_desktops {max_desktops} and image {named}"


def wanted_words(plan: Plan) -> str:
    """Give what a person types to approve: the profile's name and the number of desktops."""
    return " ".join(f"{plan.profile} {plan.desktops}".split())


def by_typing(plan: Plan, answer: str) -> str:
    """Give the approval of whoever types the profile's name and the number; "" for no answer.

    Raises:
        NotApproved: something else was typed.
    """
    typed = " ".join(answer.split())
    if not typed:
        return ""
    if typed != wanted_words(plan):
        msg = f"{typed[:60]!r} is not the profile's name and the number of desktops"
        raise NotApproved(msg, remedy="apply again and type both, such as: staging 12")
    return f"typed {typed!r}"


def _expected(item: Item, images: Mapping[str, Collection[str]]) -> bool:
    return any(item.image_id in images.get(key, ()) for key in (ANY, item.pool_id, item.pool_name))
