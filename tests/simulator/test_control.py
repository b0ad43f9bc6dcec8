from __future__ import annotations

import pytest

from wsops.simulator import Cloud, Options


def test_the_ledger_is_read_over_http(simulation, web) -> None:
    """Entries come in order, since a number or of one operation."""
    web("GET", "/images", params={"limit": 1})
    web("GET", "/desktop-pools")
    entries = web("GET", "/_sim/ledger").json()["entries"]

    assert [(e["seq"], e["operation"], e["status"], e["who"]) for e in entries] == [
        (1, "ListImages", 200, "token"),
        (2, "ListDesktopPools", 200, "token"),
    ]
    assert entries[0]["query"] == "limit=1"
    assert entries[0]["request_id"]
    assert len(web("GET", "/_sim/ledger?since=1").json()["entries"]) == 1
    assert len(web("GET", "/_sim/ledger?operation=ListImages&since=x").json()["entries"]) == 1


def test_faults_are_scripted_over_http(web) -> None:
    """POST adds, DELETE clears."""
    added = web(
        "POST",
        "/_sim/faults",
        json={"kind": "error", "operation": "ListImages", "times": None, "args": {"status": 503}},
    )
    first = web("GET", "/images").status_code
    web("DELETE", "/_sim/faults")

    assert added.json() == {"kind": "error", "operations": ["ListImages"]}
    assert (first, web("GET", "/images").status_code) == (503, 200)
    assert web("POST", "/_sim/faults", json={"kind": "cut", "times": 0}).json()["operations"] == "*"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "none"}),
        ("faults", {}),
        ("faults", {"kind": "cut", "odd": 1}),
        ("faults", []),
        ("clock", {"advance": -1}),
        ("clock", {"advance": "x"}),
        ("clock", {}),
        ("clock", {"advance": 1e12}),
        ("state", {"do": "explode"}),
        ("state", {"do": "set_login"}),
        ("state", {"do": "set_login", "desktop_id": "none", "word": "CONNECTED"}),
    ],
    ids=str,
)
def test_nonsense_is_a_400_with_a_sentence(web, path, body) -> None:
    """Bad words to the doors of the simulation change nothing and say why."""
    answer = web("POST", f"/_sim/{path}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_no_json_is_a_400(web) -> None:
    """A body that is no JSON is refused too."""
    assert web("POST", "/_sim/clock", content=b"{").status_code == 400


def test_the_clock_moves_forward(simulation, web) -> None:
    """Date, tokens and timestamps follow."""
    before = web("GET", "/_sim/clock").json()["now"]
    after = web("POST", "/_sim/clock", json={"advance": 90_000}).json()["now"]

    assert 90_000 <= after - before < 90_010
    assert web("GET", "/images").status_code == 401
    assert simulation.cloud.now() - before >= 90_000


def test_the_state_can_be_changed(simulation, web, bad_pool) -> None:
    """Logins, images, desktops, tokens and rights are changed from outside."""
    cloud = simulation.cloud
    pool = bad_pool(cloud)
    one, other = pool.desktops[:2]

    def do(name, **args):
        answer = web("POST", "/_sim/state", json={"do": name, **args})
        assert answer.status_code == 200, answer.text
        return answer.json()

    do("set_login", desktop_id=one.id, word="CONNECTED", user="zoe")
    do("set_status", desktop_id=other.id, word="SHUTOFF")
    do("set_desktop_image", desktop_id=other.id, image_id="x")
    do("set_pool_image", pool_id=pool.id, image_id="y")
    added = do("add_desktop", pool_id=pool.id)["desktop_id"]
    do("remove_desktop", desktop_id=pool.desktops[2].id)
    do("deny", operation="ListImages")

    assert (one.login_status, one.user) == ("CONNECTED", "zoe")
    assert (other.status, other.image_id, pool.image_id) == ("SHUTOFF", "x", "y")
    assert pool.desktops[-1].id == added
    assert web("GET", "/images").status_code == 403
    do("allow", operation="ListImages")
    assert web("GET", "/images").status_code == 200
    do("revoke_token", token=simulation.token)
    assert web("GET", "/images").status_code == 401


def test_the_fleet_can_be_taken_home(simulation, web, tmp_path) -> None:
    """What /_sim/fleet gives is a fleet file."""
    path = tmp_path / "fleet.json"
    path.write_text(web("GET", "/_sim/fleet").text)

    assert Cloud(Options(fleet=path)).desktops.keys() == simulation.cloud.desktops.keys()
