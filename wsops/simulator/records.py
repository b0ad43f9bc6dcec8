"""The things a Workspace holds: images, pools and desktops."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsops.simulator.jobs import Job, SubJob

Row = dict[str, Any]  # one JSON object of the contract

IN_USE = frozenset({"CONNECTED", "DISCONNECTED"})


@dataclass(frozen=True)
class Shared:
    """The part of a desktop's wire row that rarely changes; one object serves a whole pool."""

    fields: Row

    @cached_property
    def tail(self) -> bytes:
        """Return the fields as JSON without the opening brace and the closing one."""
        return json.dumps(
            {k: v for k, v in self.fields.items() if k != "metadata"}, separators=(",", ":")
        ).encode()[1:-1]

    @cached_property
    def said(self) -> frozenset[str]:
        """Return the names in `tail`."""
        return frozenset(self.fields.keys() - {"metadata"})

    @cached_property
    def metadata(self) -> Row:
        """Return the metadata besides the image, which belongs to the desktop."""
        return dict(self.fields.get("metadata") or {})

    @cached_property
    def disks(self) -> tuple[int, ...]:
        """Return the sizes of the data disks in GB."""
        return disk_sizes(self.fields.get("data_volumes"))


def disk_sizes(volumes: list[Row] | None) -> tuple[int, ...]:
    """Return the sizes of these volumes in GB, largest first."""
    return tuple(sorted((int(v.get("size") or 0) for v in volumes or ()), reverse=True))


@dataclass(frozen=True, slots=True)
class Image:
    """One image; `row` is its ImageInfo of the contract."""

    row: Row

    @property
    def id(self) -> str:
        """Return the image's identifier."""
        return str(self.row["id"])

    @property
    def name(self) -> str:
        """Return the image's name."""
        return str(self.row.get("name") or "")

    @property
    def os_version(self) -> str:
        """Return the version of the operating system in the image."""
        return str(self.row.get("os_version") or "")

    @property
    def billed(self) -> bool:
        """Return whether using the image costs money (market images with a product code)."""
        return bool(self.row.get("product_code"))


@dataclass(slots=True)
class Desktop:
    """One desktop; the fields a rebuild may change, and the shared rest."""

    id: str
    name: str
    pool_id: str
    image_id: str
    image_name: str
    shared: Shared
    os_version: str = ""
    user: str = ""
    status: str = "ACTIVE"
    login_status: str = "REGISTERED"
    ip: str = ""
    product_id: str = ""
    frozen: bool = False
    isolated: bool = False
    maintenance: bool = False
    sub: SubJob | None = None  # what is being done to it
    core: bytes | None = None  # its rendered row, while nothing changes

    @property
    def in_use(self) -> bool:
        """Return whether the service takes the desktop for used (CONNECTED or DISCONNECTED)."""
        return self.login_status in IN_USE


@dataclass(slots=True)
class Pool:
    """One pool: its wire row without what is counted, its desktops and its running jobs."""

    row: Row
    desktops: list[Desktop] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return the pool's identifier."""
        return str(self.row["id"])

    @property
    def name(self) -> str:
        """Return the pool's name."""
        return str(self.row["name"])

    @property
    def image_id(self) -> str:
        """Return the image that the pool's desktops should run."""
        return str(self.row.get("image_id") or "")

    @property
    def product_id(self) -> str:
        """Return the product (package) that the pool's desktops should be of."""
        return str((self.row.get("product") or {}).get("product_id") or "")

    @property
    def yearly(self) -> bool:
        """Return whether the pool is billed by the month or year (charging_mode "0")."""
        return self.row.get("charging_mode") == "0"

    def take_image(self, image: Image) -> None:
        """Make this the image that the pool's desktops should run."""
        self.row |= {
            "image_id": image.id,
            "image_name": image.name,
            "image_os_type": image.row.get("os_type"),
            "image_os_version": image.os_version,
            "image_os_platform": image.row.get("os_type"),
            "image_product_code": image.row.get("product_code"),
        }

    def busy(self, now: float) -> bool:
        """Return whether a job still works on the pool at this time."""
        if self.jobs:
            self.jobs = [job for job in self.jobs if now < job.ended_at]
        return bool(self.jobs)


@dataclass(slots=True)
class Fleet:
    """What a simulated region starts with."""

    images: list[Image]
    pools: list[Pool]
    region: str = "sim-region-1"
    generation: str = "new"
    taken_at: str = ""
