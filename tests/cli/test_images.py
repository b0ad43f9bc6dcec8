"""`wsops images`: the IDs that a rebuild needs."""


def test_images_are_listed_with_their_ids(place, wsops):
    """Every image of the project, for people and for scripts."""
    document = wsops("images", "--json").document
    known = {image.id for image in place.cloud.images.values()}
    assert {image["id"] for image in document["images"]} == known
    shown = wsops("images").out
    assert all(image in shown for image in known)
