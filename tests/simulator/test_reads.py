from __future__ import annotations

import json

import pytest


def ids(page, key="desktop_id"):
    rows = next(value for value in page.values() if isinstance(value, list))
    return [row[key] for row in rows]


def test_ten_desktops_come_unless_more_are_asked_for(make, told) -> None:
    """The default page looks complete and is not."""
    cloud = make(pools=1, desktops=25)
    page = told(cloud, "ListPoolDesktopsDetail", pool_id=next(iter(cloud.pools)))

    assert (len(page["pool_desktops"]), page["total_count"]) == (10, 25)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 99, 100, 101])
def test_pages_add_up_to_the_pool(make, told, count) -> None:
    """Reading with limit and offset gives every desktop once."""
    cloud = make(pools=1, desktops=count)
    pool = next(iter(cloud.pools.values()))
    found = []
    for offset in range(0, count + 1, 100):
        found += ids(
            told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, limit=100, offset=offset)
        )

    assert found == [one.id for one in pool.desktops]


@pytest.mark.parametrize(
    ("operation", "top", "deepest"),
    [
        ("ListDesktopPools", 1000, 20_000),
        ("ListPoolDesktopsDetail", 100, 10_000),
        ("ListDesktopsDetail", 1000, 2_147_483_647),
        ("ListImages", 100, 5000),
        ("ListItaSubJobs", 1000, 10_000),
    ],
)
def test_limits_are_those_of_the_contract(cloud, ask, operation, top, deepest) -> None:
    """The maximum is served, anything beyond, negative or odd is a 400, and 0 is an empty page."""
    pool = next(iter(cloud.pools))
    statuses = [
        ask(cloud, operation, pool_id=pool, limit=limit).status
        for limit in (top, 0, top + 1, -1, "ten", "", "1e2", "\u0661")
    ]
    empty = json.loads(ask(cloud, operation, pool_id=pool, limit=0).body)

    assert statuses == [200, 200, 400, 400, 400, 400, 400, 400]
    assert [] in empty.values()
    assert ask(cloud, operation, pool_id=pool, offset=deepest).status == 200
    assert ask(cloud, operation, pool_id=pool, offset=deepest + 1).status == 400


def test_a_missing_pool_is_a_400(cloud, ask) -> None:
    """WKS.0001 as a 400 is what a missing pool answers, whatever is asked of it."""
    for operation in (
        "ShowDesktopPoolDetail",
        "ListPoolDesktopsDetail",
        "ListInconsistentStatics",
        "RebuildDesktopPool",
        "UpdateDesktopPool",
        "SendDesktopPoolNotifications",
    ):
        answer = ask(cloud, operation, {"image_id": "x"}, pool_id="nowhere")

        assert (answer.status, json.loads(answer.body)["error_code"]) == (400, "WKS.0001")


def test_filters_of_desktops_leave_what_fits(cloud, told, bad_pool) -> None:
    """Each filter of a pool's desktops keeps exactly the desktops that fit."""
    pool = bad_pool(cloud)
    one = pool.desktops[0]
    one.isolated, one.user, one.status = True, "zoe", "ERROR"
    for words in (
        {"isolated": "true"},
        {"user_name": "zoe"},
        {"status": "ERROR"},
        {"computer_name": one.name},
    ):
        assert ids(told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, **words)) == [one.id]
    assert (
        ids(told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, in_maintenance_mode="true"))
        == []
    )
    page = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, image_id=pool.image_id, limit=100)
    assert ids(page) == [d.id for d in pool.desktops if d.image_id == pool.image_id]


def test_a_truth_value_is_true_or_false(cloud, ask) -> None:
    """Another word for a boolean is a 400."""
    pool = next(iter(cloud.pools))

    assert ask(cloud, "ListPoolDesktopsDetail", pool_id=pool, isolated="yes").status == 400


def test_desktops_can_be_sorted(cloud, told) -> None:
    """sort_field and sort_type order the list before it is cut into pages."""
    pool = next(iter(cloud.pools.values()))
    page = told(
        cloud,
        "ListPoolDesktopsDetail",
        pool_id=pool.id,
        limit=100,
        sort_field="computer_name",
        sort_type="DESC",
    )

    assert ids(page, "computer_name") == sorted((d.name for d in pool.desktops), reverse=True)


def test_pools_are_filtered_by_name_and_kind(cloud, told) -> None:
    """Name is a part of the name, type and project are whole words."""
    pools = list(cloud.pools.values())
    pools[0].row["in_maintenance_mode"] = True

    assert ids(told(cloud, "ListDesktopPools", name=pools[1].name[:-2]), "id") == [pools[1].id]
    assert ids(told(cloud, "ListDesktopPools", in_maintenance_mode="true"), "id") == [pools[0].id]
    assert told(cloud, "ListDesktopPools", type="DEDICATED")["total_count"] == 0
    assert told(cloud, "ListDesktopPools", enterprise_project_id="0")["total_count"] == 3


def test_desktops_of_several_pools_do_not_say_their_pool(cloud, told) -> None:
    """desktops/detail takes pools with commas; a row names no pool."""
    first, second, _ = cloud.pools.values()
    page = told(cloud, "ListDesktopsDetail", pool_id=f"{first.id},{second.id},none")

    assert ids(page) == [d.id for p in (first, second) for d in p.desktops]
    assert not any("pool_id" in row for row in page["desktops"])
    assert told(cloud, "ListDesktopsDetail")["total_count"] == len(cloud.desktops)
    assert ids(told(cloud, "ListDesktopsDetail", image_id="none")) == []
    assert ids(told(cloud, "ListDesktopsDetail", status="ERROR")) == []
    assert ids(told(cloud, "ListDesktopsDetail", desktop_type="SERVER")) == []


def test_only_desktops_whose_image_exists_come_back(cloud, told, ask) -> None:
    """check-images leaves out a desktop whose image is gone, and knows no missing desktop."""
    first, second = list(cloud.desktops.values())[:2]
    cloud.set_desktop_image(first.id, "withdrawn")
    infos = told(cloud, "CheckDesktopImages", {"desktop_ids": [first.id, second.id]})["image_infos"]

    assert [info["desktop_id"] for info in infos] == [second.id]
    assert infos[0]["image_name"] == second.image_name
    assert ask(cloud, "CheckDesktopImages", {"desktop_ids": ["none"]}).status == 500
    assert ask(cloud, "CheckDesktopImages", {"desktop_ids": []}).status == 400
    assert ask(cloud, "CheckDesktopImages").status == 400


def test_images_are_filtered(cloud, told) -> None:
    """Images are found by kind, system and identifier."""
    image = next(iter(cloud.images.values()))

    assert ids(told(cloud, "ListImages", image_id=image.id), "id") == [image.id]
    assert {
        row["image_type"] for row in told(cloud, "ListImages", image_type="gold")["images"]
    } == {"gold"}
    assert {row["os_type"] for row in told(cloud, "ListImages", os_type="Linux")["images"]} == {
        "Linux"
    }


@pytest.mark.parametrize("action", ["insert", "remove"])
def test_a_list_can_change_between_two_pages(make, told, action) -> None:
    """A row that is added or removed in front makes the second page overlap or skip."""
    cloud = make(pools=1, desktops=30)
    pool = next(iter(cloud.pools.values()))
    cloud.faults.add("shift_list", times=1, args={"action": action})
    before = [one.id for one in pool.desktops]
    first = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, limit=10)
    second = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id, limit=10, offset=10)

    assert ids(first) == before[:10]
    assert ids(second)[0] == before[9 if action == "insert" else 11]
    assert second["total_count"] == (31 if action == "insert" else 29)


def test_the_list_of_pools_can_change_too(cloud, told) -> None:
    """A pool that goes away between two pages takes its desktops with it."""
    cloud.faults.add("shift_list", times=1)
    told(cloud, "ListDesktopPools", limit=1)
    second = told(cloud, "ListDesktopPools", limit=1, offset=1)

    assert second["total_count"] == 2
    assert all(one.pool_id in cloud.pools for one in cloud.desktops.values())


def test_counts_follow_the_billing(cloud, told) -> None:
    """The numbers beside the rows say how the desktops are billed."""
    pool = next(iter(cloud.pools.values()))
    pool.row |= {"charging_mode": "0", "image_product_code": "X"}
    page = told(cloud, "ListPoolDesktopsDetail", pool_id=pool.id)

    assert page["period_charge_image_desktops_num"] == page["total_count"] == len(pool.desktops)
    assert page["on_demand_desktops_num"] == 0
