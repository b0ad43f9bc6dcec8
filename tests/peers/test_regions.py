"""What tells the two generations apart, seen by the SDK; every check fails when swapped."""

from __future__ import annotations

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkworkspace.v2 import (
    ListInconsistentStaticsRequest,
    ListPoolDesktopsDetailRequest,
    RebuildDesktopPoolReq,
    RebuildDesktopPoolRequest,
    ShowJobRequest,
)


def filtered(client, pool, word):
    request = ListPoolDesktopsDetailRequest(pool_id=pool.id, inconsistent_type=word, limit=100)
    return client.list_pool_desktops_detail(request).pool_desktops


def rebuilt(client, pool, **words):
    body = RebuildDesktopPoolReq(image_id=pool.image_id, **words)
    job_id = client.rebuild_desktop_pool(
        RebuildDesktopPoolRequest(pool_id=pool.id, body=body)
    ).job_id
    job = client.show_job(ShowJobRequest(job_id=job_id))
    return {sub.entities.desktop_id for sub in job.sub_jobs}


def bad(pool):
    return {one.id for one in pool.desktops if one.image_id != pool.image_id}


def use(pool):
    for one in pool.desktops:
        one.login_status = "REGISTERED"
    pool.desktops[0].login_status = "CONNECTED"
    return {one.id for one in pool.desktops[1:]}


def old_filters_by_image(client, pool) -> None:
    rows = filtered(client, pool, "IMAGE")
    assert {row.desktop_id for row in rows} == bad(pool)
    assert all(row.inconsistent_types == ["IMAGE"] for row in rows)


def old_has_no_statistics(client, pool) -> None:
    with pytest.raises(ServiceResponseException) as caught:
        client.list_inconsistent_statics(ListInconsistentStaticsRequest(pool_id=pool.id))
    assert (caught.value.status_code, caught.value.error_code) == (404, "APIGW.0101")


def old_refuses_the_newer_word(client, pool) -> None:
    with pytest.raises(ServiceResponseException) as caught:
        filtered(client, pool, "IMAGE_ID")
    assert caught.value.status_code == 400


def old_ignores_named_desktops(client, pool) -> None:
    whole = {one.id for one in pool.desktops}
    assert rebuilt(client, pool, desktop_ids=[pool.desktops[0].id]) == whole


def old_ignores_handle_type(client, pool) -> None:
    use(pool)
    whole = {one.id for one in pool.desktops}
    assert rebuilt(client, pool, handle_type="FOR_EXPAND_AND_IDLE") == whole


def new_filters_by_image_id(client, pool) -> None:
    rows = filtered(client, pool, "IMAGE_ID")
    assert {row.desktop_id for row in rows} == bad(pool)
    assert all(row.inconsistent_types == ["IMAGE_ID"] for row in rows)


def new_counts_differences(client, pool) -> None:
    found = client.list_inconsistent_statics(ListInconsistentStaticsRequest(pool_id=pool.id))
    assert (found.image_id, found.product_id) == (len(bad(pool)), 0)


def new_refuses_the_older_word(client, pool) -> None:
    with pytest.raises(ServiceResponseException) as caught:
        filtered(client, pool, "IMAGE")
    assert caught.value.status_code == 400


def new_honours_named_desktops(client, pool) -> None:
    assert rebuilt(client, pool, desktop_ids=[pool.desktops[0].id]) == {pool.desktops[0].id}


def new_honours_handle_type(client, pool) -> None:
    assert rebuilt(client, pool, handle_type="FOR_EXPAND_AND_IDLE") == use(pool)


def new_checks_handle_type(client, pool) -> None:
    with pytest.raises(ServiceResponseException) as caught:
        rebuilt(client, pool, handle_type="FOR_NOBODY")
    assert caught.value.status_code == 400


CHECKS = [
    ("old", old_filters_by_image),
    ("old", old_has_no_statistics),
    ("old", old_refuses_the_newer_word),
    ("old", old_ignores_named_desktops),
    ("old", old_ignores_handle_type),
    ("new", new_filters_by_image_id),
    ("new", new_counts_differences),
    ("new", new_refuses_the_older_word),
    ("new", new_honours_named_desktops),
    ("new", new_honours_handle_type),
    ("new", new_checks_handle_type),
]
OTHER = {"old": "new", "new": "old"}


def run(check, simulation, sdk, bad_pool) -> None:
    pool = bad_pool(simulation)
    if check is new_honours_handle_type:
        use(pool)
    check(sdk(simulation), pool)


@pytest.mark.parametrize(("region", "check"), CHECKS, ids=lambda v: getattr(v, "__name__", v))
def test_a_generation_is_as_it_is(served, sdk, bad_pool, region, check) -> None:
    """The check holds in its own generation."""
    run(check, served(region), sdk, bad_pool)


@pytest.mark.parametrize(("region", "check"), CHECKS, ids=lambda v: getattr(v, "__name__", v))
def test_a_check_fails_in_the_other_generation(served, sdk, bad_pool, region, check) -> None:
    """A check that also holds with the regions swapped would prove nothing."""
    with pytest.raises((AssertionError, ServiceResponseException, pytest.fail.Exception)):
        run(check, served(OTHER[region]), sdk, bad_pool)
