"""The image picker: what fits comes first, and what does not says why."""

import pytest

from wsops.errors import PlanError
from wsops.forms import ImagePicker


@pytest.fixture
def windows(pool):
    """Give a pool that takes Windows on x86 with 100 GB."""
    return pool(
        1,
        image_os_type="Windows",
        product={"product_id": "f", "architecture": "x86"},
        root_volume={"type": "SSD", "size": 100},
    )


@pytest.fixture
def images(image):
    """Give images of which only the last one fits the pool."""
    return (
        image("a-linux", os_type="Linux", architecture="x86"),
        image("b-arm", architecture="arm"),
        image("c-large", architecture="x86", min_disk=200),
        image("d-fits", architecture="x86", product_code="P"),
    )


def test_images_that_fit_come_first(windows, images):
    """The drop-down begins with what can be taken; a billed image says so."""
    form = ImagePicker(images, [windows])

    assert [value for _, value in form._list.options] == [
        "",
        "d-fits",
        "a-linux",
        "b-arm",
        "c-large",
    ]
    assert "billed" in form._list.options[1][0]
    assert (form.value, form.problem) == ({}, "no image is chosen")


@pytest.mark.parametrize(
    ("image_id", "complaint"),
    [
        ("a-linux", "the image is for Linux, the pool for Windows"),
        ("b-arm", "the image is for arm, the pool for x86"),
        ("c-large", "needs a disk of 200 GB, the pool has 100 GB"),
        ("nowhere", "not among the images of the project"),
        ("d-fits", ""),
    ],
)
def test_an_image_that_does_not_fit_says_why(windows, images, image_id, complaint):
    """Chosen by parameter or by hand, with the pool's name; the value is what was chosen."""
    form = ImagePicker(images, [windows], image_id)

    assert form.value == {"*": image_id}
    assert complaint in form.problem
    assert bool(form.problem) == bool(complaint)
    assert not complaint or (f"eng-01: {form.problem[8:]}" == form.problem)
    assert form.problem[:40] in form._remark.value


def test_only_the_first_pools_that_do_not_fit_are_named(pool, images):
    """A picker over many pools has one line for them all."""
    pools = [pool(n, image_os_type="Linux") for n in range(9)]

    assert ImagePicker(images, pools, "d-fits").problem.endswith(" and 6 more pools")


def test_a_map_leaves_nothing_to_choose(windows, images):
    """Old to new by pairs; with an image besides it is a contradiction, and says so."""
    form = ImagePicker(images, [windows], "", {"new": "d-fits"})
    both = ImagePicker(images, [windows], "d-fits", {"new": "d-fits"})

    assert (form.value, form.problem, form._list.disabled) == ({"new": "d-fits"}, "", True)
    assert "becomes d-fits (d-fits)" in form.html()
    assert both.problem == "give either image_id or image_map, not both"
    assert both.problem in both.html()
    with pytest.raises(PlanError, match="not both"):
        _ = both.value


def test_what_was_picked_is_kept_while_the_pools_are_the_same(windows, pool, images):
    """Other pools, or another image in the parameters, forget it; so does a vanished image."""
    ImagePicker(images, [windows])._list.value = "d-fits"

    assert ImagePicker(images, [windows]).value == {"*": "d-fits"}
    assert ImagePicker(images[:3], [windows]).value == {}
    assert ImagePicker(images, [windows, pool(2)]).value == {}
    assert ImagePicker(images, [windows], "c-large").value == {"*": "c-large"}


def test_without_pools_or_images_nothing_is_wrong(images):
    """An empty fleet has no image to choose for."""
    assert ImagePicker(images, []).problem == ""
    assert ImagePicker((), []).value == {}


def test_hostile_names_of_images_stay_text(pool, image, hostile, assert_inert):
    """In the list, in the remark and on the page."""
    images = [
        image(f"i{n}", name=name, os_type=name, architecture=name, created_at=name)
        for n, name in enumerate(hostile)
    ]
    for n, name in enumerate(hostile):
        form = ImagePicker(images, [pool(n, name=name, image_os_type="Windows")], f"i{n}")
        assert_inert(form)
        assert not set("\x1b\u202e") & set("".join(label for label, _ in form._list.options))
