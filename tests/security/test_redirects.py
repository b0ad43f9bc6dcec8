"""Redirects to another origin are never followed: the thief gets no connection at all."""

import json

import pytest

STATUSES = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("operation", ["ListDesktopPools", "CheckDesktopImages"])
def test_a_read_is_not_redirected(place, thief, wsops, status, operation):
    """A redirected read ends with an error; nothing reaches the other host."""
    where = f"http://127.0.0.1:{thief.port}/"
    place.cloud.faults.add(
        "redirect", operation=operation, args={"status": status, "location": where}
    )
    done = wsops("plan", "repair")
    assert done.exit_code == 1 or operation == "CheckDesktopImages"
    assert thief.connections == 0


@pytest.mark.parametrize("status", STATUSES)
def test_a_send_is_not_redirected(place, thief, applied, tmp_path, status):
    """A redirected rebuild is an unknown outcome, sent once; nothing reaches the other host."""
    where = f"http://127.0.0.1:{thief.port}/"
    place.cloud.faults.add(
        "redirect", operation="RebuildDesktopPool", args={"status": status, "location": where}
    )
    done = applied("fin-office-01")[-1]
    assert done.exit_code == 3
    assert thief.connections == 0
    assert len(place.ledger.entries("RebuildDesktopPool")) == 1


@pytest.mark.parametrize("status", STATUSES)
def test_a_password_is_not_redirected(sim, at, thief, wsops, monkeypatch, status):
    """IAM cannot send a password on to another host."""
    at(sim.endpoint, project_id=sim.project_id, WSOPS_USER=sim.user, WSOPS_DOMAIN=sim.domain)
    monkeypatch.setenv("WSOPS_PASSWORD", sim.password)
    where = {"status": status, "location": f"http://127.0.0.1:{thief.port}/"}
    sim.cloud.faults.add("redirect", operation="KeystoneCreateUserTokenByPassword", args=where)
    done = wsops("audit", "--json", code=1)
    assert json.loads(done.stdout)["error"]["type"] == "BadAnswer"
    assert thief.connections == 0
    assert sim.password not in done.stdout + done.stderr


@pytest.mark.parametrize("status", STATUSES)
def test_a_signature_is_not_redirected(sim, at, thief, wsops, monkeypatch, status):
    """A signed request stays where it was signed for."""
    at(sim.endpoint, project_id=sim.project_id)
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", sim.ak)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", sim.sk)
    where = {"status": status, "location": f"http://127.0.0.1:{thief.port}/"}
    sim.cloud.faults.add("redirect", args=where)
    wsops("audit", code=1)
    assert thief.connections == 0
