from __future__ import annotations

import hashlib

import httpx
import pytest


def test_the_door_is_closed_without_credentials(simulation) -> None:
    """Neither a missing nor a wrong token opens it; the ledger knows that nobody came."""
    url = f"{simulation.endpoint}/v2/{simulation.project_id}/desktop-pools"
    for headers in ({}, {"X-Auth-Token": "x"}, {"Authorization": "Bearer x"}):
        answer = httpx.get(url, headers=headers, trust_env=False)

        assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
    assert {entry.who for entry in simulation.ledger} == {"none"}


def test_another_project_is_forbidden(simulation, web) -> None:
    """A 403 with the encrypted reason."""
    answer = httpx.get(
        f"{simulation.endpoint}/v2/other/desktop-pools",
        trust_env=False,
        headers={"X-Auth-Token": simulation.token},
    )

    assert answer.status_code == 403
    assert answer.json()["encoded_authorization_message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("DELETE", "/desktop-pools"),
        ("PATCH", "/images"),
        ("GET", "/desktop-pools/a/b/c"),
        ("POST", "/desktop-pools/../rebuild"),
    ],
)
def test_an_unpublished_path_or_method_is_the_gateways_404(simulation, web, method, path) -> None:
    """APIGW.0101, and the ledger has it without an operation."""
    answer = web(method, path)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
    assert list(simulation.ledger)[-1].operation is None


def test_every_request_has_an_id_a_date_and_an_entry(simulation, web, bad_pool) -> None:
    """The request ID of the answer is the one in the ledger, beside the exact body."""
    pool = bad_pool(simulation.cloud)
    body = b'{ "image_id":"' + pool.image_id.encode() + b'" }'
    answer = web("POST", f"/desktop-pools/{pool.id}/rebuild", content=body)
    entry = list(simulation.ledger)[-1]

    assert answer.headers["X-Request-Id"] == entry.request_id
    assert answer.headers["Date"].endswith("GMT")
    assert (entry.pool_id, entry.body, entry.status) == (pool.id, {"image_id": pool.image_id}, 200)
    assert entry.body_sha256 == hashlib.sha256(body).hexdigest()
    assert (entry.job_id, entry.executed) == (answer.json()["job_id"], True)


def test_a_body_that_is_no_json_is_kept_as_text(simulation, web) -> None:
    """The ledger shows what came."""
    web("POST", "/desktops/check-images", content=b"{oops")

    assert list(simulation.ledger)[-1].body == "{oops"
