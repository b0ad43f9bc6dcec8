"""Approvals: the digest, the numbers or the typed words, and nothing else."""

import pytest

from wsops.approval import (
    by_digest,
    by_numbers,
    by_typing,
    wanted_words,
)
from wsops.choice import Choice
from wsops.errors import BlastRadius, NotApproved
from wsops.planning import plan_for


@pytest.fixture
def plan(ws):
    """Give a plan as it is made of a simulated fleet."""
    return plan_for(ws, Choice(), ())[0]


def images_of(plan):
    return {item.image_id for item in plan.items}


def test_the_approved_number_is_the_cap_and_the_images_must_be_expected(plan):
    """A run that plans and applies in one go says how many, and from which images."""
    images = images_of(plan)
    said = by_numbers(plan, plan.desktops, {"*": images})

    assert said == f"max_desktops {plan.desktops} and image {', '.join(sorted(images))}"
    assert by_numbers(plan, plan.desktops + 9, {"*": [*images, "another"]})
    for number in (plan.desktops - 1, 0, -1):
        with pytest.raises(BlastRadius, match=f"may touch {plan.desktops} desktops"):
            by_numbers(plan, number, {"*": images})
    for wrong in ({}, {"*": []}, {"*": ["another"]}):
        with pytest.raises(NotApproved, match="not expected"):
            by_numbers(plan, plan.desktops, wrong)


def test_an_expected_image_may_be_said_of_one_pool_only(plan):
    """An image that is expected for one pool is not expected for another."""
    by_name = {item.pool_name: [item.image_id] for item in plan.items}
    by_id = {item.pool_id: [item.image_id] for item in plan.items}

    assert by_numbers(plan, plan.desktops, by_name)
    assert by_numbers(plan, plan.desktops, by_id)
    for one in by_id:
        with pytest.raises(NotApproved):
            by_numbers(plan, plan.desktops, by_id | {one: ["another"]})
    with pytest.raises(NotApproved):
        by_numbers(plan, plan.desktops, {"another-pool": images_of(plan)})


def test_a_digest_approves_its_own_plan(plan):
    """Another one, cut or empty, does not."""
    assert by_digest(plan, plan.digest) == "digest"
    for wrong in ("", plan.digest[:-1], plan.digest.upper(), "sha256:" + "0" * 64):
        with pytest.raises(NotApproved, match="is not the plan's"):
            by_digest(plan, wrong)


def test_the_profile_and_the_number_are_typed(plan):
    """Blanks do not count; nothing typed is no approval; anything else is refused."""
    words = f"default {plan.desktops}"

    assert wanted_words(plan) == words
    assert by_typing(plan, f"  {words.replace(' ', '   ')}\t") == f"typed {words!r}"
    assert by_typing(plan, "  ") == ""
    for wrong in ("default", str(plan.desktops), words.upper(), words + " ", f"{words} now", "yes"):
        if wrong.strip() != words:
            with pytest.raises(NotApproved):
                by_typing(plan, wrong)


def test_what_is_asked_for_can_be_typed(plan):
    """A profile's name may have blanks of any number: the words are asked for as they are taken."""
    odd = plan.model_copy(update={"profile": "  my   prod "})

    assert wanted_words(odd) == f"my prod {plan.desktops}"
    assert by_typing(odd, wanted_words(odd))
