"""`wsops simulate`: a service of one's own, as a process."""

import json
import signal
import socket
import urllib.request

import pytest

KEYS = {
    "endpoint",
    "iam_endpoint",
    "project_id",
    "token",
    "user",
    "password",
    "domain",
    "ak",
    "sk",
}


def test_it_says_one_line_and_serves(start):
    """One JSON line with all that a client needs, then it serves until it is stopped."""
    child = start("simulate", "--json", "--pools", "2", "--desktops", "3")
    ready = json.loads(child.stdout.readline())
    assert ready.keys() >= KEYS
    assert ready["endpoint"].startswith("http://127.0.0.1:")
    request = urllib.request.Request(
        f"{ready['endpoint']}/v2/{ready['project_id']}/desktop-pools",
        headers={"X-Auth-Token": ready["token"]},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert json.load(answer)["total_count"] == 2
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=10)
    assert (child.returncode, out, err) == (0, "", "")


def test_a_person_gets_lines_to_copy(start):
    """Without --json it prints what to export in another shell."""
    child = start("simulate", "--pools", "0")
    lines = [child.stdout.readline() for _ in range(6)]
    assert "Ctrl-C stops it" in lines[0]
    assert any("export WSOPS_TOKEN=" in line for line in lines)
    child.terminate()
    child.communicate(timeout=10)
    assert child.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "70000"),
        ("--port", "-1"),
        ("--pools", "-1"),
        ("--pools", "20001"),
        ("--desktops", "10001"),
        ("--mismatch", "1.1"),
        ("--mismatch", "nan"),
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--speed", "1e-9"),
        ("--region", "middle"),
        ("--fault", "lost"),
        ("--fault", "lost=often"),
        ("--fault", "lost=2"),
        ("--fault", "lost=nan"),
        ("--fault", "gremlins=0.1"),
        ("--fleet", "no-such-file.json"),
        ("--seed", "x"),
    ],
)
def test_a_bad_option_is_a_usage_error(wsops, options):
    """Values outside their range end with 2 and a sentence, before anything is served."""
    done = wsops("simulate", "--json", *options, code=2)
    assert "Error:" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "pools": 3}', "[" * 100_000]
)
def test_a_bad_fleet_file_is_a_usage_error(wsops, tmp_path, content):
    """What is not a fleet is refused in one sentence."""
    (tmp_path / "fleet.json").write_text(content)
    assert "fleet" in wsops("simulate", "--fleet", tmp_path / "fleet.json", code=2).err


def test_a_taken_port_is_said(wsops):
    """Another program on the port is one sentence, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert (
            f"port {port} on 127.0.0.1 cannot be used"
            in wsops("simulate", "--port", port, code=1).err
        )
