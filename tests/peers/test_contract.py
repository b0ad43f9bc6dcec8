"""Every answer against the OpenAPI file: names, types and limits as published."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml

from wsops.simulator.app import PATHS

CONTRACT = yaml.safe_load((Path(__file__).parent / "workspace-v2.openapi.yaml").read_text())
DECLARED = {
    call["operationId"]: (method.upper(), path, call)
    for path, calls in CONTRACT["paths"].items()
    for method, call in calls.items()
}


def lenient(schema):
    """Allow nulls, as the service sends them, and no field that the contract does not name."""
    if isinstance(schema, list):
        return [lenient(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: lenient(value) for key, value in schema.items()}
    if isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    if isinstance(changed.get("enum"), list):
        changed["enum"] = [*changed["enum"], None]
    if "properties" in changed and isinstance(schema.get("type"), str):
        changed.setdefault("additionalProperties", False)
    return changed


COMPONENTS = {name: lenient(schema) for name, schema in CONTRACT["components"]["schemas"].items()}


def check(operation, answer) -> None:
    """Validate an answer against what the contract declares for its status."""
    declared = DECLARED[operation][2]["responses"].get(str(answer.status_code), {})
    wanted = {"$ref": "#/components/schemas/ErrorResponse"}
    if answer.status_code == 200:
        wanted = declared.get("content", {}).get("application/json", {}).get("schema")
    if wanted is not None:
        document = wanted | {"components": {"schemas": COMPONENTS}}
        jsonschema.validate(answer.json(), document)


@pytest.fixture
def world(served, bad_pool):
    """Return a simulation in which a rebuild is under way, and the words to speak of it."""
    simulation = served("new")
    pool = bad_pool(simulation)
    words = {"pool_id": pool.id, "project_id": simulation.project_id, "job_id": "none"}
    return simulation, pool, words


def send(simulation, words, operation, body=None, **query):
    method, path, _ = DECLARED[operation]
    return httpx.request(
        method,
        simulation.endpoint + path.format(**words),
        params=query,
        trust_env=False,
        headers={"X-Auth-Token": simulation.token},
        content=None if body is None else json.dumps(body),
    )


def bodies(pool):
    one = pool.desktops[0]
    return {
        "RebuildDesktopPool": {"image_id": pool.image_id, "is_fix": True},
        "BatchRebuildDesktopsSystemDisk": {
            "desktop_ids": [one.id],
            "image_id": pool.image_id,
            "image_type": None,
        },
        "UpdateDesktopPool": {"description": "x"},
        "SendDesktopPoolNotifications": {"notifications": "x"},
        "CheckDesktopImages": {"desktop_ids": [one.id]},
        "RunActionsOnWorkspaceJob": {"op_type": "retry"},
    }


def test_every_operation_of_the_contract_is_served() -> None:
    """Method and path of each operationId are those of the contract."""
    served = {name: place for name, place in PATHS.items() if not name.startswith("Keystone")}

    assert served == {name: (method, path) for name, (method, path, _) in DECLARED.items()}


@pytest.mark.parametrize("operation", sorted(DECLARED))
@pytest.mark.parametrize("seconds", [0, 60, 150, 3600])
def test_good_answers_are_as_published(world, operation, seconds) -> None:
    """Each operation's answer validates before, during and after a rebuild."""
    simulation, pool, words = world
    simulation.cloud.options = type(simulation.options)(
        **vars(simulation.options) | {"retry_rebuilds": True}
    )
    simulation.cloud.faults.add("desktop_fails", times=1)
    answer = send(
        simulation, words, "RebuildDesktopPool", {"image_id": pool.image_id, "is_fix": True}
    )
    check("RebuildDesktopPool", answer)
    words["job_id"] = answer.json()["job_id"]
    simulation.cloud.clock.advance(seconds)
    body = bodies(pool)
    body["BatchRebuildDesktopsSystemDisk"]["image_type"] = simulation.cloud.images[
        pool.image_id
    ].row["image_type"]
    answer = send(simulation, words, operation, body.get(operation))

    check(operation, answer)
    busy = seconds < 3600 and operation in (
        "RebuildDesktopPool",
        "BatchRebuildDesktopsSystemDisk",
        "RunActionsOnWorkspaceJob",
    )
    assert answer.status_code == (409 if busy else 200)


@pytest.mark.parametrize("operation", sorted(DECLARED))
def test_refusals_are_as_published(world, operation) -> None:
    """Missing things, odd limits and rights that are not there answer with ErrorResponse."""
    simulation, pool, words = world
    tries = [
        send(simulation, words | {"pool_id": "none"}, operation, {"op_type": "x"}, limit="x"),
        send(simulation, words | {"project_id": "other"}, operation),
    ]
    simulation.cloud.denied.add(operation)
    tries.append(send(simulation, words, operation, bodies(pool).get(operation)))

    for answer in tries:
        if answer.status_code != 200:
            check(operation, answer)
    assert [answer.status_code for answer in tries[1:]] == [403, 403]


def test_the_check_itself_notices_errors(world) -> None:
    """A wrong type and an unknown field are found."""
    simulation, _, words = world
    answer = send(simulation, words, "ShowDesktopPoolDetail")
    for change in ({"name": 3}, {"nome": "x"}, {"status": "ODD"}):
        with pytest.raises(jsonschema.ValidationError):
            check("ShowDesktopPoolDetail", httpx.Response(200, json=answer.json() | change))
