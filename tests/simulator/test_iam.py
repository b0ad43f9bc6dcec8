from __future__ import annotations

import pytest


def login(simulation, **changes):
    words = {
        "user": simulation.user,
        "domain": simulation.domain,
        "password": simulation.password,
        "project": {"name": simulation.cloud.region_name},
        **changes,
    }
    return {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": words["user"],
                        "password": words["password"],
                        "domain": {"name": words["domain"]},
                    }
                },
            },
            "scope": {"project": words["project"]},
        }
    }


def test_a_password_buys_a_token(simulation, web) -> None:
    """201, the token in X-Subject-Token, its end a day later in the body; it opens the service."""
    answer = web("POST", "/v3/auth/tokens", json=login(simulation))
    token = answer.headers["X-Subject-Token"]

    assert answer.status_code == 201
    assert answer.json()["token"]["expires_at"].endswith("Z")
    assert answer.json()["token"]["project"]["id"] == simulation.project_id
    assert web("GET", "/desktop-pools", headers={"X-Auth-Token": token}).status_code == 200


def test_the_project_may_be_named_by_id(simulation, web) -> None:
    """The scope takes the identifier as well."""
    body = login(simulation, project={"id": simulation.project_id})

    assert web("POST", "/v3/auth/tokens", json=body).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"password": "x"},
        {"user": "x"},
        {"domain": "x"},
        {"project": {"name": "x"}},
        {"project": {"id": "x"}},
    ],
    ids=str,
)
def test_wrong_words_are_a_401(simulation, web, change) -> None:
    """A wrong name, password, domain or project buys nothing."""
    assert web("POST", "/v3/auth/tokens", json=login(simulation, **change)).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, [], {"auth": 1}, {"auth": {"identity": {"methods": ["token"]}}}], ids=str
)
def test_an_odd_body_is_a_400(web, body) -> None:
    """What is no request for a token is refused as such."""
    assert web("POST", "/v3/auth/tokens", json=body).status_code == 400


def test_the_ledger_keeps_no_password(simulation, web) -> None:
    """A request for a token is in the ledger without its body, and no token either."""
    web("POST", "/v3/auth/tokens", json=login(simulation))
    entry = simulation.ledger.entries("KeystoneCreateUserTokenByPassword")[0]
    everything = web("GET", "/_sim/ledger").text

    assert (entry.body, entry.body_sha256, entry.status) == (None, "", 201)
    for secret in (simulation.password, simulation.token, simulation.sk):
        assert secret not in everything


def test_the_project_is_found_by_the_regions_name(simulation, web) -> None:
    """Another name finds nothing."""
    found = web("GET", "/v3/projects", params={"name": "sim-region-1"}).json()["projects"]

    assert [row["id"] for row in found] == [simulation.project_id]
    assert web("GET", "/v3/projects", params={"name": "x"}).json()["projects"] == []
    assert web("GET", "/v3/projects", headers={"X-Auth-Token": "x"}).status_code == 401
