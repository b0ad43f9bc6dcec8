"""Server text is data: nothing that it says can steer a terminal."""

import json
import os
import pty
import subprocess
import sys
import unicodedata

import pytest

NAMES = [
    "\x1b[2J\x1b[Hcleared",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[31mred\x1b[0m",
    "\x9b31mc1",
    "\x9d0;title\x9c",
    "back\b\b\b\bspace",
    "over\rwritten",
    "two\nlines",
    "bell\x07",
    "nul\x00byte",
    "delete\x7f",
    "vertical\x0btab\x0cfeed",
    "right\u202eto left",
    "isolate\u2066d\u2069",
    "mark\u200e\u200f",
    "zero\u200bwidth\u200d",
    "line\u2028separator\u2029",
    "tag\U000e0041\U000e007f",
    "soft\u00adhyphen",
    "[red]markup[/red]",
    "[/]",
    "[/bold]",
    "[link=http://evil.example]x[/link]",
    "[bold",
    ":bug: emoji",
    "trailing\\",
]
ALLOWED = {"\n"}


def raw(text):
    """Give the characters of an output that could steer a terminal or the reader."""
    return {
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in ALLOWED
    }


def rename(place, name):
    """Give a name to everything that has one."""
    for number, desktop in enumerate(place.cloud.desktops.values()):
        desktop.name, desktop.core, desktop.image_name = f"{number}{name}", None, name
        desktop.user = name
    for number, pool in enumerate(place.cloud.pools.values()):
        pool.row["name"] = f"{number}{name}"
        pool.row["image_name"] = name
    for image in place.cloud.images.values():
        image.row["name"] = name


def harmless(done):
    assert raw(done.stdout) == set()
    assert raw(done.stderr) == set()


@pytest.fixture
def small(fleet, at):
    """Give a place of two pools with three desktops each, none of them as it should be."""
    place = fleet(pools=2, desktops=3, mismatch=1.0)
    at(place.endpoint, project_id=place.project_id, WSOPS_TOKEN=place.token)
    return place


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_steers_the_terminal(small, wsops, applied, name):
    """A name of a pool, a desktop, a user or an image is shown as text, and kept as it is."""
    rename(small, name)
    for done in (wsops("audit", code=0), wsops("doctor", code=0), *applied()):
        harmless(done)
    told = wsops("audit", "--full", "--json", code=0)
    harmless(told)
    assert all(row["pool_name"].endswith(name) for row in json.loads(told.stdout)["mismatches"])


@pytest.mark.parametrize("group", range(3))
def test_no_command_passes_such_names_on(small, wsops, tmp_path, group):
    """The same names, several at once, through every command and both faces."""
    name = " ".join(NAMES[group::3])
    rename(small, name)
    plan = tmp_path / "plan.json"
    harmless(wsops("plan", "repair", "-o", plan, "--change", name, code=0))
    content = json.loads(plan.read_text())
    target = content["items"][0]["targets"][0]["desktop_id"]
    fault = {"desktop_ids": [target], "code": name[:9], "reason": name}
    small.cloud.faults.add("desktop_fails", args=fault)
    harmless(wsops("apply", plan, code=0))
    harmless(wsops("apply", plan, "--yes", "--digest", content["digest"], code=4))
    job = next(iter(small.cloud.jobs))
    for command in (
        ("status",),
        ("history",),
        ("handover", "-o", tmp_path / "h.csv"),
        ("job", "show", job),
        ("job", "watch", job),
        ("job", "retry", job),
        ("resume",),
    ):
        harmless(wsops(*command))
        harmless(wsops(*command, "--json"))


@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_no_error_steers_the_terminal(place, wsops, text):
    """What the service says of an error is shown as text, too."""
    args = {"status": 400, "code": text[:9], "message": text, "detail": text}
    place.cloud.faults.add("error", args=args)
    for command in (("audit",), ("audit", "--json"), ("doctor",), ("job", "show", "x")):
        harmless(wsops(*command, code=1))


@pytest.mark.parametrize("status", ["\x1b[2J", "[/]", "\u202eSSECCUS"])
def test_no_status_word_steers_the_terminal(place, wsops, applied, status):
    """An unknown status word of a job is shown as text while it is followed."""
    place.cloud.faults.add("strange_status", args={"status": status}, times=3)
    for done in applied("fin-office-01"):
        harmless(done)


def test_a_real_terminal_gets_only_our_own_sequences(place, tmp_path):
    """On a terminal, with colours and live bars, a name's sequences arrive as text."""
    rename(place, "\x1b]0;evil\x07\x1b[2J[/]\x9b31m")
    keys, slave = pty.openpty()
    environment = dict(os.environ) | {"TERM": "xterm-256color", "COLUMNS": "200"}
    command = [sys.executable, "-m", "wsops", "audit"]
    child = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True
    )
    os.close(slave)
    screen = b""
    while True:
        try:
            piece = os.read(keys, 65536)
        except OSError:
            break
        if not piece:
            break
        screen += piece
    os.close(keys)
    assert child.wait(20) == 0
    assert b"\\u001b]0;evil\\u0007" in screen
    for bad in (b"\x1b]", b"\x07", b"\x1b[2J\\u", b"\x1b[2J[/]", "\x9b".encode()):
        assert bad not in screen
