"""What an audit sees of a fleet: desktops at a glance, and which run another image than wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wsops.models import Pool, Record, in_use


class Glance(Protocol):
    """What a glance at a desktop shows: a whole record has it, and more.

    Texts may be None, as the service sends them.
    """

    @property
    def id(self) -> str:
        """The ID under the name that all records share."""

    @property
    def image_id(self) -> str:
        """The image that the desktop runs, "" where the service does not say."""

    @property
    def image_name(self) -> str | None:
        """The name of that image."""

    @property
    def inconsistent_types(self) -> tuple[str, ...] | None:
        """The service's own words for what differs from the pool."""

    @property
    def computer_name(self) -> str | None:
        """The name of the desktop."""

    @property
    def users(self) -> tuple[str, ...]:
        """The people bound to it."""

    @property
    def status(self) -> str | None:
        """The service's word for its power state."""

    @property
    def task_status(self) -> str | None:
        """What it is being worked on for, nothing where it is not."""

    @property
    def login_status(self) -> str | None:
        """The service's word for who is logged in."""

    @property
    def availability_zone(self) -> str | None:
        """Where it runs."""

    @property
    def os_version(self) -> str | None:
        """The system that it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A desktop whose image differs from its pool's; an audit may have a hundred thousand."""

    pool_id: str
    pool_name: str
    pool_image_id: str
    desktop_id: str
    desktop_name: str
    desktop_image_id: str
    desktop_image_name: str = ""
    user_name: str
    status: str
    login_status: str
    in_use: bool = False
    availability_zone: str = ""
    os_version: str = ""

    @classmethod
    def of(cls, pool: Pool, desktop: Glance) -> Mismatch:
        """Make the row of a pool and one of its desktops, which were checked when they came."""
        return cls(
            pool_id=pool.id,
            pool_name=pool.name,
            pool_image_id=pool.image_id,
            desktop_id=desktop.id,
            desktop_name=desktop.computer_name or "",
            desktop_image_id=desktop.image_id,
            desktop_image_name=desktop.image_name or "",
            user_name=", ".join(desktop.users),
            status=desktop.status or "",
            login_status=desktop.login_status or "",
            in_use=in_use(desktop.status, desktop.login_status),
            availability_zone=desktop.availability_zone or "",
            os_version=desktop.os_version or "",
        )

    @property
    def id(self) -> str:
        """The ID of the desktop under the name that all records share."""
        return self.desktop_id


class Audit(Record):
    """What an audit saw: pools, mismatches, counts, and what it could not vouch for.

    `desktops` is the number of desktops of the pools that were read; `notes` are sentences on
    lists that changed while they were read and on pools that could not be read.
    """

    taken_at: datetime
    region: str = ""
    project_id: str = ""
    pools: tuple[Pool, ...]
    desktops: int
    mismatches: tuple[Mismatch, ...]
    full: bool = False
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """IDs of the pools that could not be read."""
    unsteady: tuple[str, ...] = ()
    """IDs of the pools whose list of desktops changed while it was read: one may be missing."""
    disagreements: int = 0
    """Desktops of which the service's own flag says otherwise than our comparison."""


def differs(pool: Pool, desktop: Glance) -> bool:
    """Tell whether a desktop runs another image than its pool; an unknown image differs."""
    return desktop.image_id != pool.image_id
