"""The glance at a page of desktops: quicker than the records, and never of another opinion."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wsops.audited import Mismatch
from wsops.errors import BadAnswer, CloudRefused
from wsops.glance import glance
from wsops.listing import page_of
from wsops.models import Desktop, Pool

IMAGE = "metering.image_id"


def row(number=1, **fields):
    return {"desktop_id": f"d{number}", "metadata": {IMAGE: "good"}} | fields


def body(*rows, **fields):
    return json.dumps({"pool_desktops": rows, "total_count": len(rows)} | fields)


def wrong_image(desktop):
    return desktop if desktop.image_id != "good" else None


def read(sim, ws, answer, take=wrong_image):
    args = {"body": answer, "content_type": "application/json"}
    sim.cloud.faults.add("strange_200", operation="ListPoolDesktopsDetail", args=args)
    if take is None:
        return ws.pool_desktops("some-pool")
    return ws.glance_at_desktops("some-pool", take)


BAD_ROWS = {
    "no ID": {"metadata": {IMAGE: "good"}},
    "an ID that is null": row(desktop_id=None),
    "an ID that is a number": row(desktop_id=7),
    "an image that is a number": row(metadata={IMAGE: 7}),
    "an image that is a list": row(metadata={IMAGE: ["good"]}),
    "metadata that are text": row(metadata="good"),
    "flags that are text": row(inconsistent_types="IMAGE"),
    "a flag that is a number": row(inconsistent_types=[7]),
    "a user that is a number": row(user_list=["ann", 7]),
    "a state that is a number": row(status=5),
    "no object": "d1",
}


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
@pytest.mark.parametrize("take", [None, wrong_image], ids=["whole", "glance"])
def test_a_row_that_is_not_in_the_contract_is_a_bad_answer(sim, ws, bad, take):
    """Whether it is glanced at or read whole, the error says which row and field it is."""
    with pytest.raises(BadAnswer, match=r"does not fit the contract: \w+\.1"):
        read(sim, ws, body(row(0), bad), take)


BAD_BODIES = {
    "cut off": body(row())[:-9],
    "empty": "",
    "a list": "[]",
    "no rows": '{"total_count": 0}',
    "rows that are no list": '{"pool_desktops": {}, "total_count": 0}',
    "a total that is text": body(total_count="many"),
    "too deep": '{"pool_desktops": ' + "[" * 200_000,
}


@pytest.mark.parametrize("bad", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_no_page_is_a_bad_answer(sim, ws, bad):
    """It never passes for a pool without desktops."""
    with pytest.raises(BadAnswer):
        read(sim, ws, bad)


@pytest.mark.parametrize("error", [{"error_code": "WKS.1"}, {"error": {"code": "WKS.1"}}])
def test_an_error_beside_rows_is_an_error(sim, ws, error):
    """A 200 that carries an error is no success, though it is a whole page as well."""
    with pytest.raises(CloudRefused, match=r"WKS\.1"):
        read(sim, ws, body(row(), **error))


def test_what_a_glance_does_not_show_is_not_checked(sim, ws):
    """A field that no audit looks at may be of another kind; whoever reads it whole is told."""
    page = body(row(1, isolated="?"), row(2, metadata={IMAGE: "bad"}))
    listing = read(sim, ws, page)

    assert ([one.id for one in listing.rows], listing.seen, listing.steady) == (["d2"], 2, True)
    with pytest.raises(BadAnswer, match=r"0\.isolated"):
        read(sim, ws, page, take=None)


@pytest.mark.parametrize("metadata", [None, {}, {IMAGE: None}, {"image_name": "good"}])
def test_a_desktop_without_an_image_is_found(sim, ws, metadata):
    """Its image is unknown, so that it differs; its page is left to the records."""
    page = body(row(1), row(2, metadata=metadata))
    listing = read(sim, ws, page)

    assert glance(page.encode(), wrong_image) is None
    assert [(one.id, one.image_id) for one in listing.rows] == [("d2", "")]
    assert listing.seen == 2


def test_a_row_that_comes_twice_counts_once(sim, ws):
    """The listing has it once, and is not called steady."""
    listing = read(sim, ws, body(row(1), row(1), row(2)), lambda desktop: desktop)

    assert ([one.id for one in listing.rows], listing.seen) == (["d1", "d2"], 2)
    assert not listing.steady


texts = st.sampled_from(["good", "bad", "", None, 1, [], "\ud800", "é"])
flags = st.sampled_from([[], ["IMAGE"], None, "IMAGE", [None]])
metadata = st.none() | st.dictionaries(st.sampled_from([IMAGE, "image_id", "image_name"]), texts)
SHOWN = ("computer_name", "user_name", "status", "login_status", "availability_zone", "os_version")
PAGE = page_of("pool_desktops", Desktop)

rows = st.fixed_dictionaries(
    {"desktop_id": st.sampled_from(["d1", "d2", "d3", None])},
    optional=dict.fromkeys(SHOWN, texts)
    | {"metadata": metadata, "inconsistent_types": flags, "user_list": flags, "new": texts},
)
ends = st.fixed_dictionaries(
    {},
    optional={
        "total_count": st.sampled_from([1, 1.0, "1", None]),
        "error": st.none(),
        "desktop_pools": st.just([]),
    },
)


@given(st.lists(rows, max_size=4), ends)
def test_a_glance_and_the_records_are_of_one_opinion(some, end):
    """What a glance makes of a page, if anything, is what the records make of it."""
    content = json.dumps({"pool_desktops": some} | end).encode()
    part = glance(content, shown)
    try:
        page = PAGE.model_validate_json(content)
    except ValidationError:
        assert part is None
        return

    assert part is None or list(part.rows) == [*map(shown, page.rows)]
    known = all((one.get("metadata") or {}).get(IMAGE) is not None for one in some)
    assert part is not None or not known or not isinstance(end.get("total_count", 1), int | None)


def shown(one):
    mismatch = Mismatch.of(Pool(id="p"), one)
    return mismatch, one.task_status or "", tuple(one.inconsistent_types or ())
