"""The image picker: only what fits the chosen pools can be taken, and what does not says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets

from wsops.draft import misfit
from wsops.errors import PlanError
from wsops.forms.form import (
    STYLE,
    Form,
    facts,
    heading,
    keep,
    kept,
    plain,
    remark,
    say,
    stacked,
    wide,
)
from wsops.markup import Markup
from wsops.models import Image, Pool
from wsops.summary import Place

_FEW = 3


class ImagePicker(Form[Mapping[str, str]]):
    """Chooses the image that pools shall get; the value maps old image to new, "*" is any.

    Args:
        images: the images of the project.
        pools: the pools that are to be rebuilt: an image is checked against each.
        image_id: what is chosen at first.
        image_map: OLD=NEW pairs, instead of one image for all; then nothing is left to choose.
        place: where they are; a choice is kept for one place only.
    """

    def __init__(
        self,
        images: Sequence[Image],
        pools: Sequence[Pool],
        image_id: str = "",
        image_map: Mapping[str, str] | None = None,
        *,
        place: Place | None = None,
    ) -> None:
        self._images = {image.id: image for image in images}
        self._pools = tuple(pools)
        self._map = dict(image_map or {})
        self._both = bool(self._map and image_id)
        self._key = ("image", place, image_id, tuple(sorted(pool.id for pool in pools)))
        # An ID that is not listed is shown as asked for: it is wrong, and says so.
        asked = {image_id: image_id} if image_id and image_id not in self._images else {}
        labels = {image.id: self._label(image) for image in self._offered()}
        chosen = kept(self._key, image_id)
        self._list = widgets.Dropdown(
            options=[("choose an image …", ""), *((v, k) for k, v in (labels | asked).items())],
            value=chosen if chosen in labels or chosen in asked else "",
            description="New image",
            layout=wide(),
            style=STYLE,
            disabled=bool(self._map),
        )
        self._remark = remark()
        title = heading("From which image? Those that fit all chosen pools come first.")
        self.widget = stacked(title, self._list, self._remark)
        self._list.observe(lambda _: self._changed(), "value")
        self._tell()

    @property
    def value(self) -> Mapping[str, str]:
        """The new image by the present one.

        Nothing where no image is chosen yet.

        Raises:
            PlanError: both an image and a map are given.
        """
        if self._both:
            msg = "give either image_id or image_map, not both"
            raise PlanError(msg)
        if self._map:
            return self._map
        return {"*": self._list.value} if self._list.value else {}

    @property
    def problem(self) -> str:
        """Says what is not chosen, not known, or does not fit a pool."""
        try:
            mapping = self.value
        except PlanError as error:
            return str(error)
        if not mapping:
            return "no image is chosen" if self._pools else ""
        wrong = [
            f"{plain(pool.name)}: {reason}"
            for pool in self._pools
            if (new := mapping.get(pool.image_id, mapping.get("*", "")))
            and (reason := misfit(pool, self._images.get(new), new))
        ]
        more = f" and {len(wrong) - _FEW} more pools" if len(wrong) > _FEW else ""
        return "; ".join(wrong[:_FEW]) + more

    def html(self) -> Markup:
        """Give the image, or the map, in words."""
        try:
            mapping = self.value
        except PlanError:
            mapping = {}
        rows: dict[str, object] = {
            "any image" if old == "*" else self._name(old): f"becomes {self._name(new)}"
            for old, new in mapping.items()
        }
        return facts((rows or {"image": "none"}) | self._problem_row())

    def _problem_row(self) -> dict[str, object]:
        return {"problem": f"✗ {self.problem}"} if self.problem else {}

    def _name(self, image_id: str) -> str:
        image = self._images.get(image_id)
        return f"{image.name} ({image_id})" if image else image_id

    def _offered(self) -> list[Image]:
        """Give the images, those that fit every pool first."""

        def rank(image: Image) -> tuple[bool, str]:
            return not self._fits(image), image.name

        return sorted(self._images.values(), key=rank)

    def _fits(self, image: Image) -> bool:
        return not any(misfit(pool, image, image.id) for pool in self._pools)

    def _label(self, image: Image) -> str:
        return _label(image) + ("" if self._fits(image) else "   ✗ does not fit")

    def _changed(self) -> None:
        keep(self._key, self._list.value)
        self._tell()

    def _tell(self) -> None:
        image = self._images.get(self._list.value)
        words = (
            f"{image.os_type} {image.architecture}, created {image.created_at[:10]}"
            if image
            else ""
        )
        say(self._remark, words, self.problem)


def _label(image: Image) -> str:
    billed = ", billed" if image.product_code else ""
    return plain(
        f"{image.name}   ({image.image_type}, {image.os_type}, {image.architecture}, "
        f"{image.min_disk} GB{billed})"
    )
