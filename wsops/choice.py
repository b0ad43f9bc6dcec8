"""What a person asks for, before anything was read, and the limits on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from wsops.errors import PlanError
from wsops.models import Record
from wsops.settings import Limits


class Choice(Record):
    """What a person asks for, before anything was read.

    `delay_time` in minutes; `orders` maps a pool's name or ID to its order; `image_map` maps the
    image a pool has to the image it shall get ("*" stands for any). `desktops` are the IDs that a
    repair is meant for: where the region takes single desktops, only they; else their pools.
    """

    kind: Literal["repair", "rebuild"] = "repair"
    image_map: Mapping[str, str] = Field(default_factory=dict)
    image_type: str = ""
    os_type: str = ""
    delay_time: int | None = None
    message: str = ""
    orders: Mapping[str, str] = Field(default_factory=dict)
    include_in_use: bool = False
    desktops: tuple[str, ...] = ()
    change: str = ""


def check_choice(choice: Choice, limits: Limits) -> None:
    """Refuse a choice that breaks a limit of the profile.

    The limits are from the API definitions of 2025: delay_time 0-15 minutes, message up to 400
    characters, image_id required.

    Raises:
        PlanError: it does; names the value and the limit.
    """
    delay = choice.delay_time
    if delay is not None and not 0 <= delay <= limits.delay_max:
        msg = f"delay_time {delay} is not between 0 and {limits.delay_max} minutes"
        raise PlanError(msg)
    if len(choice.message) > limits.message_max:
        msg = f"message has {len(choice.message)} characters; the limit is {limits.message_max}"
        raise PlanError(msg)
    if choice.kind == "rebuild" and not choice.image_map:
        msg = "a rebuild needs an image: one for all pools, or a new one by the present one"
        raise PlanError(msg)
    if choice.include_in_use and not (choice.message and delay):
        msg = "taking desktops in use wants a delay (such as 15) and a message to their users"
        raise PlanError(msg)
