"""Parameters of notebooks, as they are written."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsops.errors import PlanError
from wsops.parameters import read_flag, read_images, read_list, read_pairs


@pytest.mark.parametrize("value", ["True", "False", "", "no", 0, 1, None, 0.0, [], "0"])
def test_what_is_neither_true_nor_false_means_neither(value):
    """A parameter that came as text must not mean yes."""
    assert read_flag(value=True, what="apply") is True
    assert read_flag(value=False, what="apply") is False
    with pytest.raises(PlanError, match=r"apply is .* neither True nor False"):
        read_flag(value, "apply")


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=1,a=2", "a=1,,b", " = ", "a = 1, a = 1"])
def test_pairs_that_are_none_are_refused(text):
    """A parameter of pairs takes KEY=VALUE, each key once."""
    with pytest.raises(PlanError, match="orders wants KEY=ID"):
        read_pairs(text, "orders")


def test_parameters_of_several_values_are_read_with_their_spaces():
    """Lists, pairs and images come from one line of text each."""
    assert read_list(" eng-*, sales-1 ,") == ("eng-*", "sales-1")
    assert read_pairs("a=1, b = 2,", "orders") == {"a": "1", "b": "2"}
    assert read_images("i1, p=i2, i3, p = i4") == {"*": {"i1", "i3"}, "p": {"i2", "i4"}}
    for nothing in ("", " ", ",", " , ,"):
        assert (read_list(nothing), read_pairs(nothing, "x"), read_images(nothing)) == ((), {}, {})


@pytest.mark.parametrize("text", ["p=", "=i", "=", "i1,p=", " = i"])
def test_an_image_that_is_none_is_refused(text):
    """A pool without its image expects nothing."""
    with pytest.raises(PlanError, match="expect_images wants"):
        read_images(text)


@given(st.text(st.sampled_from("ab=, *"), max_size=12))
@example("=,")
def test_whatever_is_given_is_read_or_refused(text):
    """No parameter is half understood: no key and no image is ever empty."""
    try:
        images = read_images(text)
    except PlanError:
        return
    assert all(pool and image for pool, found in images.items() for image in found)
    assert all(images.values())
