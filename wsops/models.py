"""The records that travel through wsops: frozen, tolerant of new fields, strict about types.

Unknown fields are dropped, so a new field of the API cannot break a tool at night. Unknown status
words are kept and mean "not finished". Names are the API's own; the meaning of each field comes
from the published definitions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from wsops.errors import BadId

GOOD_WORDS = frozenset({"SUCCESS", "COMPLETE"})
BAD_WORDS = frozenset({"FAIL", "FAILED"})
FINAL_WORDS = GOOD_WORDS | BAD_WORDS
"""Words that end a job or a sub-job; any other word, known or not, means *not finished*."""

SESSIONS = frozenset({"CONNECTED", "DISCONNECTED"})
_IDLE_LOGINS = frozenset({"UNREGISTER", "REGISTERED"})
_READY_LOGINS = frozenset({"REGISTERED", "CONNECTED", "DISCONNECTED"})

ID_PATTERN = re.compile(r"[0-9A-Za-z_-]{1,255}\Z")
"""What an ID may look like before it enters a path: no dot, slash, percent, space or control."""


@dataclass(frozen=True)
class _NullIs:
    """Reads null as nothing, of which the service knows both.

    A step of pydantic's core: a validator in Python would be called millions of times.
    """

    nothing: object

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        given = handler(source)
        instead = core_schema.with_default_schema(given, default=self.nothing, on_error="default")
        return core_schema.chain_schema([core_schema.nullable_schema(given), instead])


Text = Annotated[str, _NullIs("")]
Count = Annotated[int, _NullIs(0)]
Texts = Annotated[tuple[str, ...], _NullIs(())]


class Record(BaseModel):
    """Base of all records: frozen, unknown fields dropped, aliases and names both accepted."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )


class Volume(Record):
    """A disk; `size` in GB."""

    type: Text = ""
    size: Count = 0


class Product(Record):
    """The flavour of a desktop."""

    product_id: Text = ""
    architecture: Text = ""


class Pool(Record):
    """A group of desktops built from one image; `image_id` is the image it should run."""

    id: str
    name: Text = ""
    type: Text = ""
    charging_mode: Text = ""
    desktop_count: Count = 0
    desktop_used: Count = 0
    availability_zone: Text = ""
    image_id: Text = ""
    image_name: Text = ""
    image_os_type: Text = ""
    image_product_code: Text = ""
    product: Product | None = None
    root_volume: Volume | None = None
    enable_autoscale: bool | None = None
    status: Text = ""
    in_maintenance_mode: bool | None = None
    enterprise_project_id: Text = ""

    @property
    def yearly(self) -> bool:
        """Whether the pool is billed by the year or month (charging_mode "0")."""
        return self.charging_mode == "0"


class Metadata(Record):
    """The two keys of a desktop's metadata that say which image it runs."""

    image_id: Text = Field(default="", alias="metering.image_id")
    image_name: Text = ""


def in_use(status: str | None, login_status: str | None) -> bool:
    """Tell whether a desktop may hold unsaved work.

    It may while someone is connected or disconnected, while it hibernates, and where the service
    does not say.
    """
    return status == "HIBERNATED" or login_status not in _IDLE_LOGINS


class Desktop(Record):
    """A cloud desktop as the lists show it; `image_id` is the image that it runs."""

    desktop_id: str
    computer_name: Text = ""
    status: Text = ""
    task_status: Text = ""
    login_status: Text = ""
    user_name: Text = ""
    user_list: Texts = ()
    ip_addresses: Texts = ()
    availability_zone: Text = ""
    os_version: Text = ""
    metadata: Annotated[Metadata, _NullIs(Metadata())] = Metadata()
    process: int | None = None
    is_freeze: bool | None = None
    isolated: bool | None = None
    inconsistent_types: Texts = ()

    @property
    def id(self) -> str:
        """The ID under the name that all records share."""
        return self.desktop_id

    @property
    def image_id(self) -> str:
        """The image that the desktop runs, "" where the service does not say."""
        return self.metadata.image_id

    @property
    def image_name(self) -> str:
        """The name of that image."""
        return self.metadata.image_name

    @property
    def in_use(self) -> bool:
        """Whether it may hold unsaved work: connected, disconnected, hibernated or unknown."""
        return in_use(self.status, self.login_status)

    @property
    def off(self) -> bool:
        """Whether it is shut off."""
        return self.status == "SHUTOFF"

    @property
    def ready(self) -> bool:
        """Whether users can log in again (REGISTERED, CONNECTED or DISCONNECTED), with no task."""
        return self.login_status in _READY_LOGINS and not self.task_status

    @property
    def users(self) -> tuple[str, ...]:
        """The people bound to it."""
        return self.user_list or ((self.user_name,) if self.user_name else ())


class Image(Record):
    """An image that desktops may be built from; `min_disk` in GB."""

    id: str
    name: Text = ""
    image_type: Text = ""
    os_type: Text = ""
    architecture: Text = ""
    os_version: Text = ""
    min_disk: Count = 0
    product_code: Text = ""
    created_at: Text = ""


class DesktopImage(Record):
    """A row of check-images: an image that a desktop runs and that still exists."""

    desktop_id: str
    image_id: Text = ""
    image_name: Text = ""

    @property
    def id(self) -> str:
        """The ID under the name that all records share."""
        return self.desktop_id


class InconsistentCounts(Record):
    """How many desktops of a pool differ from it, by kind."""

    image_id: Count = 0
    product_id: Count = 0
    disk_num: Count = 0
    disk_size: Count = 0


class Entities(Record):
    """What a sub-job works on."""

    desktop_id: Text = ""
    desktop_name: Text = ""
    user_name: Text = ""


class SubJob(Record):
    """One desktop's part of a job; `process` is 0-100."""

    id: Text = ""
    job_id: Text = ""
    job_type: Text = ""
    status: Text = ""
    process: int | None = None
    begin_time: Text = ""
    end_time: Text = ""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: Annotated[Entities, BeforeValidator(lambda v: v or {})] = Entities()

    @property
    def final(self) -> bool:
        """Whether its word is one that ends it; an unknown word is not."""
        return self.status in FINAL_WORDS

    @property
    def good(self) -> bool:
        """Whether it ended well."""
        return self.status in GOOD_WORDS

    @property
    def desktop_id(self) -> str:
        """The desktop that it works on."""
        return self.entities.desktop_id


class Job(Record):
    """An asynchronous piece of work of the service, with its sub-jobs (one a desktop)."""

    id: Text = ""
    job_type: Text = ""
    begin_time: Text = ""
    end_time: Text = ""
    status: Text = ""
    job_error_code: Text = ""
    fail_reason: Text = ""
    sub_jobs_total: Count = 0
    sub_jobs: Annotated[tuple[SubJob, ...], _NullIs(())] = ()

    @property
    def finished(self) -> bool:
        """Whether the job and all its sub-jobs ended; a finished job is not a successful one."""
        return self.status in FINAL_WORDS and all(sub.final for sub in self.sub_jobs)

    @property
    def complete(self) -> bool:
        """Whether it comes with as many sub-jobs as it says that there are."""
        return len(self.sub_jobs) >= self.sub_jobs_total

    @property
    def failed(self) -> tuple[SubJob, ...]:
        """The sub-jobs that ended badly."""
        return tuple(sub for sub in self.sub_jobs if sub.final and not sub.good)

    @property
    def went_badly(self) -> bool:
        """Whether it, or a part of it, ended badly."""
        return bool(self.failed) or self.status in BAD_WORDS

    @property
    def share(self) -> float:
        """How much of it is done, 0-1, by its sub-jobs."""
        if not self.sub_jobs:
            return 1.0 if self.finished else 0.0
        done = sum(100 if sub.final else (sub.process or 0) for sub in self.sub_jobs)
        return min(1.0, done / (100 * max(len(self.sub_jobs), self.sub_jobs_total)))


class Project(Record):
    """A project of IAM."""

    id: str
    name: Text = ""


def names_of(pools: Iterable[Pool]) -> dict[str, str]:
    """Give the names of pools by ID, so that they can be told apart: with the ID where need be."""
    pools = tuple(pools)
    often = Counter(pool.name for pool in pools)
    return {
        pool.id: f"{pool.name} ({pool.id})" if often[pool.name] > 1 else pool.name for pool in pools
    }


def local_now() -> datetime:
    """Give the present instant with the offset of this place, to the second."""
    return datetime.now().astimezone().replace(microsecond=0)


def utc_now() -> datetime:
    """Give the present instant, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def checked_id(value: str, what: str) -> str:
    """Give the ID back if it may enter a path.

    Raises:
        BadId: it is empty, too long, or holds a dot, slash, percent or space.
    """
    if not isinstance(value, str) or not ID_PATTERN.match(value):
        shown = str(value)[:40]
        msg = f"{what} {shown!r} is not an ID: letters, digits, '-' and '_' only, 1 to 255 of them"
        raise BadId(msg)
    return value
