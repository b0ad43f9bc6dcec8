"""The records: tolerant of new fields, strict about what counts as finished and as in use."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wsops.audited import differs
from wsops.models import Desktop, Job, Pool, SubJob, checked_id

KNOWN_FINAL = {"SUCCESS", "COMPLETE", "FAIL", "FAILED"}


def desktop(**fields):
    return Desktop.model_validate({"desktop_id": "d1", **fields})


def sub(status, desktop_id="d1"):
    return {"id": f"s-{desktop_id}", "status": status, "entities": {"desktop_id": desktop_id}}


def test_unknown_fields_are_dropped_and_nulls_are_read_as_nothing():
    """A field that the API adds, or a null, does not break a record."""
    pool = Pool.model_validate({"id": "p", "name": None, "desktop_count": None, "brand_new": 1})

    assert (pool.name, pool.desktop_count) == ("", 0)
    assert not hasattr(pool, "brand_new")


NULLABLE = [(kind, name) for kind in (Pool, Desktop, Job, SubJob) for name in kind.model_fields]


@pytest.mark.parametrize(("kind", "name"), NULLABLE)
def test_a_null_is_as_good_as_no_field_at_all(kind, name):
    """In every field but an ID a null reads as if the field were not there, in JSON as well."""
    needed = {key: "x" for key, field in kind.model_fields.items() if field.is_required()}
    if name in needed:
        with pytest.raises(ValidationError):
            kind.model_validate(needed | {name: None})
        return
    without = kind.model_validate(needed)

    assert kind.model_validate(needed | {name: None}) == without
    assert kind.model_validate_json(json.dumps(needed | {name: None})) == without
    assert kind.model_validate_json(without.model_dump_json(by_alias=True)) == without


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"status": 5}, ("status",)),
        ({"user_list": ["one", 2]}, ("user_list", 1)),
        ({"user_list": "one"}, ("user_list",)),
        ({"metadata": "image"}, ("metadata",)),
        ({"metadata": {"image_name": []}}, ("metadata", "image_name")),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_its_place(fields, place):
    """What is neither the field's kind nor null is one error, which says where it is."""
    with pytest.raises(ValidationError) as refused:
        desktop(**fields)

    (error,) = refused.value.errors()
    assert error["loc"] == place


def test_a_record_cannot_be_changed():
    """What was shown before a send is what is sent."""
    with pytest.raises(ValidationError):
        Pool(id="p").name = "other"


def test_the_image_of_a_desktop_is_in_its_metadata():
    """metadata["metering.image_id"] is the image that it runs; without it, it differs."""
    pool = Pool(id="p", image_id="i1")

    assert not differs(pool, desktop(metadata={"metering.image_id": "i1"}))
    assert differs(pool, desktop(metadata={"metering.image_id": "i2"}))
    assert differs(pool, desktop(metadata=None))


@pytest.mark.parametrize(
    ("fields", "in_use"),
    [
        ({"login_status": "UNREGISTER"}, False),
        ({"login_status": "REGISTERED"}, False),
        ({"login_status": "CONNECTED"}, True),
        ({"login_status": "DISCONNECTED"}, True),
        ({"login_status": "REGISTERED", "status": "HIBERNATED"}, True),
        ({"login_status": "SOMETHING_NEW"}, True),
        ({"login_status": None}, True),
        ({}, True),
    ],
)
def test_in_use_is_whatever_may_hold_unsaved_work(fields, in_use):
    """Connected, disconnected, hibernated and unknown all count as in use."""
    assert desktop(**fields).in_use is in_use


@given(st.text(max_size=30))
def test_an_unknown_status_word_never_ends_a_job(word):
    """Only the four known final words end a job or a sub-job."""
    job = Job(status=word)

    assert job.finished is (word in KNOWN_FINAL)
    assert SubJob(status=word).final is (word in KNOWN_FINAL)


@pytest.mark.parametrize("parent", ["SUCCESS", "COMPLETE", "FAIL", "RUNNING"])
@pytest.mark.parametrize("child", ["SUCCESS", "FAILED", "FAIL", "RUNNING", "WAITING", "INIT", "X"])
@pytest.mark.parametrize("how_many", [0, 1, 3])
def test_a_job_is_finished_only_with_all_its_sub_jobs(parent, child, how_many):
    """A final word of the parent does not end a job whose sub-jobs go on."""
    children = [sub(child, f"d{n}") for n in range(how_many)]
    children += [sub("SUCCESS", f"e{n}") for n in range(3 - how_many)]
    job = Job.model_validate({"id": "j", "status": parent, "sub_jobs": children})

    over = parent in KNOWN_FINAL and (how_many == 0 or child in KNOWN_FINAL)
    assert job.finished is over
    assert len(job.failed) == (how_many if child in {"FAILED", "FAIL"} else 0)


def test_the_share_of_a_job_comes_from_its_sub_jobs():
    """Ended parts count whole, running ones by their process, missing ones not at all."""
    rows = [sub("SUCCESS", "a"), {**sub("RUNNING", "b"), "process": 50}]

    assert Job.model_validate({"sub_jobs": rows, "sub_jobs_total": 4}).share == pytest.approx(0.375)
    assert Job().share == 0


@pytest.mark.parametrize(
    "bad", ["", "..", "a/b", "a%2fb", "a?b", "a#b", "a b", "a\n", "x" * 256, None]
)
def test_an_id_that_could_leave_its_place_in_a_path_is_refused(bad):
    """No dot, slash, percent, question mark, space or control enters a path."""
    with pytest.raises(ValueError, match="is not an ID"):
        checked_id(bad, "pool")
