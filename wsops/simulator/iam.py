"""The two calls of the identity service: a token for a password, and the project by its name."""

from __future__ import annotations

from typing import Any

from wsops.simulator.answers import Answer, dump
from wsops.simulator.call import Call
from wsops.simulator.clock import iso
from wsops.simulator.cloud import Cloud
from wsops.simulator.records import Row

CREATE_TOKEN = "KeystoneCreateUserTokenByPassword"  # noqa: S105 - the name of an operation
LIST_PROJECTS = "KeystoneListProjects"


def create_token(cloud: Cloud, call: Call) -> Answer:
    """Answer POST /v3/auth/tokens: 201, the token in X-Subject-Token, its end in the body."""
    try:
        auth = call.fields()["auth"]
        identity, scope = auth["identity"], auth.get("scope") or {}
        user = identity["password"]["user"]
        given = (user["name"], user["domain"]["name"], user["password"])
        project = scope.get("project") or {}
        ok = identity["methods"] == ["password"] and all(isinstance(one, str) for one in given)
    except Exception:  # noqa: BLE001 - whatever is odd about the body, the answer is the same
        ok = False
    if not ok:
        return _refuse(400, "Bad Request", "The request body is invalid.")
    if not cloud.access.knows_password(*given):
        return _refuse(401, "Unauthorized", "The username or password is wrong.")
    if project.get("id") not in (None, cloud.project_id) or project.get("name") not in (
        None,
        cloud.region_name,
    ):
        return _refuse(401, "Unauthorized", "The project of the scope does not exist.")
    token, expires = cloud.access.issue()
    return Answer(201, dump({"token": _token(cloud, expires)}), {"X-Subject-Token": token})


def _token(cloud: Cloud, expires: float) -> Row:
    domain = {"id": cloud.project_id[::-1], "name": cloud.identity.domain}
    return {
        "expires_at": iso(expires),
        "issued_at": iso(cloud.now()),
        "methods": ["password"],
        "catalog": [],
        "roles": [{"id": "0", "name": "te_admin"}],
        "project": {"id": cloud.project_id, "name": cloud.region_name, "domain": domain},
        "user": {
            "id": cloud.project_id[:8],
            "name": cloud.identity.user,
            "domain": domain,
            "password_expires_at": "",
        },
    }


def list_projects(cloud: Cloud, call: Call) -> Answer:
    """Answer GET /v3/projects: the one project, unless another name is asked for."""
    row: dict[str, Any] = {
        "id": cloud.project_id,
        "name": cloud.region_name,
        "domain_id": cloud.project_id[::-1],
        "parent_id": cloud.project_id[::-1],
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": {"self": f"/v3/projects/{cloud.project_id}"},
    }
    named = call.words.get("name", cloud.region_name) == cloud.region_name
    return Answer(
        200,
        dump(
            {
                "projects": [row] if named else [],
                "links": {"self": "/v3/projects", "previous": None, "next": None},
            }
        ),
    )


def _refuse(status: int, title: str, message: str) -> Answer:
    return Answer(status, dump({"error": {"code": status, "message": message, "title": title}}))
