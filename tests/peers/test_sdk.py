"""The official SDK lists, pages, filters, rebuilds, follows and is refused like anybody else."""

from __future__ import annotations

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions as sdk_errors
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkworkspace.v2 import (
    BatchRebuildDesktopsSystemDiskRequest,
    CheckDesktopImagesReq,
    CheckDesktopImagesRequest,
    JobActionsReq,
    ListDesktopPoolsRequest,
    ListDesktopsDetailRequest,
    ListImagesRequest,
    ListItaSubJobsRequest,
    ListPoolDesktopsDetailRequest,
    RebuildDesktopPoolReq,
    RebuildDesktopPoolRequest,
    RebuildDesktopsReq,
    RunActionsOnWorkspaceJobRequest,
    SendDesktopPoolNotificationsReq,
    SendDesktopPoolNotificationsRequest,
    ShowDesktopPoolDetailRequest,
    ShowJobRequest,
    UpdateDesktopPoolAttributesReq,
    UpdateDesktopPoolRequest,
    WorkspaceClient,
)


@pytest.fixture
def simulation(served):
    return served("new")


@pytest.fixture
def client(sdk, simulation):
    return sdk(simulation)


@pytest.fixture
def pool(simulation, bad_pool):
    return bad_pool(simulation)


def rebuild(client, pool, **words):
    body = RebuildDesktopPoolReq(image_id=words.pop("image_id", pool.image_id), **words)
    return client.rebuild_desktop_pool(RebuildDesktopPoolRequest(pool_id=pool.id, body=body))


def refused(call):
    with pytest.raises(sdk_errors.ServiceResponseException) as caught:
        call()
    return caught.value


def test_pools_come_out_right(simulation, client) -> None:
    """Every pool has its name, image, size and kind."""
    found = client.list_desktop_pools(ListDesktopPoolsRequest())

    assert found.total_count == 3
    for shown, pool in zip(found.desktop_pools, simulation.cloud.pools.values(), strict=True):
        assert (shown.id, shown.name, shown.image_id, shown.type) == (
            pool.id,
            pool.name,
            pool.image_id,
            pool.row["type"],
        )
        assert shown.desktop_count == len(pool.desktops)
        assert (shown.status, shown.charging_mode) == ("STEADY", pool.row["charging_mode"])
        assert shown.product.product_id == pool.product_id
        assert shown.root_volume.size == 100


def test_one_pool_comes_out_right(client, pool) -> None:
    """The detail is the same pool."""
    shown = client.show_desktop_pool_detail(ShowDesktopPoolDetailRequest(pool_id=pool.id))

    assert (shown.name, shown.image_name, shown.enable_autoscale) == (
        pool.name,
        pool.row["image_name"],
        pool.row["enable_autoscale"],
    )


def test_desktops_come_out_right_page_by_page(client, pool) -> None:
    """Pages of seven give every desktop once, with its image among the metadata."""
    found = []
    for offset in range(0, len(pool.desktops), 7):
        page = client.list_pool_desktops_detail(
            ListPoolDesktopsDetailRequest(pool_id=pool.id, limit=7, offset=offset)
        )
        assert page.total_count == len(pool.desktops)
        found += page.pool_desktops

    for shown, one in zip(found, pool.desktops, strict=True):
        assert (shown.desktop_id, shown.computer_name, shown.status, shown.login_status) == (
            one.id,
            one.name,
            one.status,
            one.login_status,
        )
        assert shown.metadata["metering.image_id"] == one.image_id
        assert shown.inconsistent_types == ([] if one.image_id == pool.image_id else ["IMAGE_ID"])
        assert (shown.task_status, shown.process, shown.user_name) == ("", None, one.user)


def test_without_a_limit_ten_desktops_come(client, pool) -> None:
    """The SDK sends no limit by itself."""
    page = client.list_pool_desktops_detail(ListPoolDesktopsDetailRequest(pool_id=pool.id))

    assert len(page.pool_desktops) == 10 < page.total_count


def test_desktops_of_the_project_come_out_right(simulation, client, pool) -> None:
    """desktops/detail counts all, or those of a pool."""
    everything = client.list_desktops_detail(ListDesktopsDetailRequest())
    some = client.list_desktops_detail(ListDesktopsDetailRequest(pool_id=pool.id))

    assert everything.total_count == len(simulation.cloud.desktops)
    assert [one.desktop_id for one in some.desktops] == [one.id for one in pool.desktops]


def test_images_come_out_right(simulation, client) -> None:
    """Names and kinds are those of the fleet."""
    found = client.list_images(ListImagesRequest()).images

    assert [(one.id, one.name, one.image_type) for one in found] == [
        (one.id, one.name, one.row["image_type"]) for one in simulation.cloud.images.values()
    ]


def test_images_of_desktops_come_out_right(client, pool) -> None:
    """check-images names the image of a desktop."""
    one = next(d for d in pool.desktops if d.image_id == pool.image_id)
    found = client.check_desktop_images(
        CheckDesktopImagesRequest(body=CheckDesktopImagesReq(desktop_ids=[one.id]))
    )

    assert [(i.desktop_id, i.image_id, i.image_name) for i in found.image_infos] == [
        (one.id, pool.image_id, one.image_name)
    ]


def test_a_repair_is_followed_to_its_end(simulation, client, pool) -> None:
    """Rebuild, RUNNING, the list of sub-jobs, the end, and the images read back."""
    bad = {one.id for one in pool.desktops if one.image_id != pool.image_id}
    job_id = rebuild(client, pool, is_fix=True, delay_time=1, message="Please save.").job_id
    simulation.cloud.advance(60)
    job = client.show_job(ShowJobRequest(job_id=job_id))
    listed = client.list_ita_sub_jobs(
        ListItaSubJobsRequest(desktop_pool_id=pool.id, job_type="rebuildDesktopPool", limit=1000)
    )

    assert (job.id, job.status, job.sub_jobs_total) == (job_id, "RUNNING", len(bad))
    assert {sub.entities.desktop_id for sub in job.sub_jobs} == bad
    assert {sub.job_id for sub in listed.jobs} == {job_id}
    assert {sub.status for sub in listed.jobs} <= {"WAITING", "RUNNING"}
    simulation.cloud.advance(600)
    job = client.show_job(ShowJobRequest(job_id=job_id))
    assert job.status in ("SUCCESS", "COMPLETE")
    assert {(sub.status, sub.process) for sub in job.sub_jobs} == {("SUCCESS", 100)}
    page = client.list_pool_desktops_detail(
        ListPoolDesktopsDetailRequest(pool_id=pool.id, limit=100)
    )
    assert {one.metadata["metering.image_id"] for one in page.pool_desktops} == {pool.image_id}


def test_failed_desktops_come_out_right(simulation, client, pool) -> None:
    """Code and reason of a failed desktop arrive."""
    simulation.cloud.faults.add(
        "desktop_fails",
        args={"desktop_ids": [pool.desktops[0].id], "code": "WKS.9", "reason": "because"},
    )
    job_id = rebuild(client, pool).job_id
    simulation.cloud.advance(600)
    job = client.show_job(ShowJobRequest(job_id=job_id))

    assert [
        (s.entities.desktop_id, s.error_code, s.fail_reason)
        for s in job.sub_jobs
        if s.status == "FAILED"
    ] == [(pool.desktops[0].id, "WKS.9", "because")]


def test_named_desktops_are_rebuilt(simulation, client, pool) -> None:
    """desktops/rebuild answers with a job of exactly those."""
    chosen = [one.id for one in pool.desktops[:2]]
    image = simulation.cloud.images[pool.image_id]
    body = RebuildDesktopsReq(
        desktop_ids=chosen, image_type=image.row["image_type"], image_id=image.id
    )
    answer = client.batch_rebuild_desktops_system_disk(
        BatchRebuildDesktopsSystemDiskRequest(body=body)
    )
    job = client.show_job(ShowJobRequest(job_id=answer.job_id))

    assert [sub.entities.desktop_id for sub in job.sub_jobs] == chosen
    assert job.job_type == "rebuildDesktops"


def test_retry_is_refused_or_runs_again(served, sdk, bad_pool) -> None:
    """The action is a 400 by default; switched on it answers with the job."""
    for allowed in (False, True):
        simulation = served("new", retry_rebuilds=allowed)
        simulation.cloud.faults.add("desktop_fails", times=1)
        client, pool = sdk(simulation), bad_pool(simulation)
        job_id = rebuild(client, pool).job_id
        simulation.cloud.advance(600)
        request = RunActionsOnWorkspaceJobRequest(
            job_id=job_id, body=JobActionsReq(op_type="retry")
        )
        if allowed:
            assert client.run_actions_on_workspace_job(request).job_id == job_id
        else:
            assert refused(lambda: client.run_actions_on_workspace_job(request)).status_code == 400  # noqa: B023


def test_maintenance_mode_and_messages(client, pool) -> None:
    """A pool is changed and its users are told."""
    client.update_desktop_pool(
        UpdateDesktopPoolRequest(
            pool_id=pool.id, body=UpdateDesktopPoolAttributesReq(in_maintenance_mode=True)
        )
    )
    told = client.send_desktop_pool_notifications(
        SendDesktopPoolNotificationsRequest(
            pool_id=pool.id, body=SendDesktopPoolNotificationsReq(notifications="save")
        )
    )

    shown = client.show_desktop_pool_detail(ShowDesktopPoolDetailRequest(pool_id=pool.id))
    assert shown.in_maintenance_mode is True
    assert told.job_id


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ({"delay_time": 16}, 400, "WKS.0001"),
        ({"message": "m" * 401}, 400, "WKS.0001"),
        ({"image_id": "none"}, 400, "WKS.0001"),
        ({"desktop_ids": ["none"]}, 500, "WKS.0202"),
    ],
    ids=str,
)
def test_refusals_arrive_with_their_code(client, pool, words, status, code) -> None:
    """Status, code, message and request ID of a refusal are in the SDK's exception."""
    error = refused(lambda: rebuild(client, pool, **words))

    assert (error.status_code, error.error_code) == (status, code)
    assert error.error_msg
    assert len(error.request_id) == 32


def test_a_busy_pool_is_a_conflict(client, pool) -> None:
    """The second rebuild is a 409."""
    rebuild(client, pool)
    error = refused(lambda: rebuild(client, pool))

    assert (error.status_code, error.error_code) == (409, "WKS.00010032")


def test_a_denied_action_brings_the_encrypted_reason(simulation, client, pool) -> None:
    """The SDK hands on encoded_authorization_message."""
    simulation.cloud.denied.add("RebuildDesktopPool")
    error = refused(lambda: rebuild(client, pool))

    assert error.status_code == 403
    assert error.encoded_auth_msg


def test_missing_things(client) -> None:
    """A pool is a 400, a job a 404."""
    assert (
        refused(
            lambda: client.show_desktop_pool_detail(ShowDesktopPoolDetailRequest(pool_id="none"))
        ).error_code
        == "WKS.0001"
    )
    assert refused(lambda: client.show_job(ShowJobRequest(job_id="none"))).status_code == 404


@pytest.mark.parametrize("kind", ["cut", "lost"])
def test_a_broken_connection_is_one(simulation, client, pool, kind) -> None:
    """The SDK sees a connection error; the ledger knows whether it was executed."""
    simulation.cloud.faults.add(kind, times=1)
    with pytest.raises(sdk_errors.ConnectionException):
        rebuild(client, pool)

    assert [entry.executed for entry in simulation.ledger] == [kind == "lost"]


def test_a_throttled_request_is_a_429(simulation, client) -> None:
    """The SDK puts a code of its own in the place of APIGW.0308."""
    simulation.cloud.faults.add("throttle", times=1)
    error = refused(lambda: client.list_images(ListImagesRequest()))

    assert error.status_code == 429
    assert [entry.status for entry in simulation.ledger] == [429]


def test_a_wrong_key_is_refused_and_locked(simulation, sdk, client) -> None:
    """Six bad signatures lock out the right key too, for five minutes."""
    bad = sdk(simulation, sk="wrong")
    errors = [refused(lambda: bad.list_images(ListImagesRequest())) for _ in range(6)]

    assert {(e.status_code, e.error_code) for e in errors} == {(401, "APIGW.0301")}
    assert "limit" in refused(lambda: client.list_images(ListImagesRequest())).error_msg
    simulation.cloud.advance(301)
    assert client.list_images(ListImagesRequest()).total_count > 0


def test_the_project_is_found_by_the_region(simulation) -> None:
    """Without a project ID the SDK asks IAM, signed as well."""
    config = HttpConfig.get_default_config()
    credentials = BasicCredentials(simulation.ak, simulation.sk).with_iam_endpoint(
        simulation.iam_endpoint
    )
    client = (
        WorkspaceClient.new_builder()
        .with_http_config(config)
        .with_credentials(credentials)
        .with_region(Region(simulation.cloud.region_name, simulation.endpoint))
        .build()
    )

    assert client.list_images(ListImagesRequest()).total_count > 0
    assert [(e.operation, e.who) for e in simulation.ledger] == [
        ("KeystoneListProjects", "aksk"),
        ("ListImages", "aksk"),
    ]
