"""What the two generations of a region do differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The kinds of difference between a desktop and its pool, by the names of the statistics.
KINDS = ("product_id", "image_id", "disk_num", "disk_size")


@dataclass(frozen=True, slots=True)
class Region:
    """One generation: the words it knows and the calls it has."""

    generation: str
    filters: Mapping[str, str]  # query word -> kind of difference
    marks: Mapping[str, str]  # kind of difference -> word in inconsistent_types
    modern: bool  # knows handle_type, desktop_ids and inconsistent-statics


OLD = Region(
    generation="old",
    filters={"PRODUCT": "product_id", "IMAGE": "image_id"},
    marks={"product_id": "PRODUCT", "image_id": "IMAGE"},
    modern=False,
)
NEW = Region(
    generation="new",
    filters={kind.upper(): kind for kind in KINDS},
    marks={kind: kind.upper() for kind in KINDS},
    modern=True,
)
REGIONS = {"old": OLD, "new": NEW}
