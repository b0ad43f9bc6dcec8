from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("region", "known", "unknown"), [("old", "IMAGE", "IMAGE_ID"), ("new", "IMAGE_ID", "IMAGE")]
)
def test_each_generation_knows_only_its_words(
    make, told, ask, bad_pool, region, known, unknown
) -> None:
    """The filter works with one generation's word and is a 400 with the other's."""
    cloud = make(region=region)
    pool = bad_pool(cloud)
    page = told(
        cloud, "ListPoolDesktopsDetail", pool_id=pool.id, inconsistent_type=known, limit=100
    )

    assert [r["desktop_id"] for r in page["pool_desktops"]] == [
        d.id for d in pool.desktops if d.image_id != pool.image_id
    ]
    assert all(r["inconsistent_types"] == [known] for r in page["pool_desktops"])
    assert page["inconsistent_type"] == "image_id"
    assert (
        ask(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, inconsistent_type=unknown).status
        == 400
    )


def test_an_old_region_has_no_statistics(make, ask) -> None:
    """The gateway says that there is no such API."""
    cloud = make(region="old")
    answer = ask(cloud, "ListInconsistentStatics", pool_id=next(iter(cloud.pools)))

    assert (answer.status, json.loads(answer.body)["error_code"]) == (404, "APIGW.0101")


def test_a_new_region_counts_every_kind(cloud, told) -> None:
    """Product, image, number and size of disks are counted apart."""
    pool = next(iter(cloud.pools.values()))
    for one in pool.desktops:
        cloud.set_desktop_image(one.id, pool.image_id)
    pool.desktops[0].product_id = "another"
    cloud.set_desktop_image(pool.desktops[1].id, "another")
    pool.row["data_volumes"] = [{"size": 10}]

    assert told(cloud, "ListInconsistentStatics", pool_id=pool.id) == {
        "product_id": 1,
        "image_id": 1,
        "disk_num": len(pool.desktops),
        "disk_size": len(pool.desktops),
    }


def test_every_kind_can_be_filtered(cloud, told) -> None:
    """The filter PRODUCT_ID leaves the desktop of another product."""
    pool = next(iter(cloud.pools.values()))
    pool.desktops[0].product_id = "another"
    page = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, inconsistent_type="PRODUCT_ID")

    assert [row["desktop_id"] for row in page["pool_desktops"]] == [pool.desktops[0].id]


def test_a_region_may_reject_the_filter(make, ask) -> None:
    """Such a region answers 400 to a word that it ought to know."""
    cloud = make(filter_mode="reject")

    assert (
        ask(
            cloud,
            "ListPoolDesktopsDetail",
            pool_id=next(iter(cloud.pools)),
            inconsistent_type="IMAGE_ID",
        ).status
        == 400
    )


def test_a_region_may_ignore_the_filter(make, told) -> None:
    """Such a region returns all desktops, whatever is asked for."""
    cloud = make(filter_mode="ignore")
    pool = next(iter(cloud.pools.values()))
    page = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, inconsistent_type="IMAGE_ID")

    assert page["total_count"] == len(pool.desktops)
    assert page["inconsistent_type"] is None


@pytest.mark.parametrize(("kind", "status"), [("refuse_filter", 400), ("ignore_filter", 200)])
def test_a_filter_can_fail_once(cloud, ask, kind, status) -> None:
    """A script makes the filter fail for some requests only."""
    pool = next(iter(cloud.pools.values()))
    cloud.faults.add(kind, times=1)
    first, second = (
        ask(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, inconsistent_type="DISK_NUM")
        for _ in range(2)
    )

    assert first.status == status
    assert json.loads(second.body)["total_count"] == 0
