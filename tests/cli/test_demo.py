"""`wsops demo`: the whole story, once."""

import csv
import io
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

FILES = {
    "audit.json",
    "handover.csv",
    "journal.sqlite",
    "journal.sqlite-locks",
    "mismatches-after.csv",
    "notebooks",
    "reports",
    "wsops",
}


def descendants(pid):
    """Give the processes below a process, as the kernel lists them."""
    found = []
    with suppress(OSError):  # it may end while one looks
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text().split():
                found += [child, *descendants(child)]
    return found


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def secrets_in(pid):
    """Give the token that a process has in its environment, if it has one."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return {pair.partition(b"=")[2] for pair in pairs if pair.startswith(b"WSOPS_TOKEN=")}


def test_the_demo_tells_the_whole_story(start, tmp_path):
    """Audit, repair batch, index, handover: its files are there, and the two failures are named.

    No process that takes part shows the token among its arguments.
    """
    child = start("demo", "--dir", tmp_path / "demo", "--speed", "400")
    tokens, arguments = set(), []
    while child.poll() is None:
        for pid in descendants(child.pid):
            try:
                tokens |= secrets_in(pid)
                arguments.append(Path(f"/proc/{pid}/cmdline").read_bytes())
            except OSError:
                continue
        time.sleep(0.2)
    out, err = child.communicate()
    assert child.returncode == 0, err
    (folder,) = (tmp_path / "demo").iterdir()
    assert {path.name for path in folder.iterdir()} == FILES
    assert str(folder) in out

    differing = json.loads((folder / "audit.json").read_text())["mismatches"]
    rows = table(folder / "handover.csv")
    failed = [row["desktop"] for row in rows if row["state"] == "failed"]
    audited, repaired = sorted((folder / "reports/runs").iterdir())
    summary = json.loads((repaired / "summary.json").read_text())
    assert json.loads((audited / "summary.json").read_text())["verdict"] == "done"
    assert len(differing) == len(rows) == sum(summary["totals"].values())
    assert len(failed) == summary["totals"]["failed"] == 2
    index = (repaired / "index.html").read_text()
    assert all(name in index for name in failed)
    assert "no capacity in the zone" in index
    assert all((repaired / run["report"]).is_file() for run in summary["runs"])
    assert str(repaired / "index.html") in out
    assert "In need of help: 2 desktops" in out

    assert len(tokens) == 1
    (token,) = tokens
    assert not any(token in one for one in arguments)
    assert token.decode() not in out + err
    assert not any(token in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_demo_can_be_interrupted(start, until, tmp_path):
    """Ctrl-C ends it with 130 and leaves no simulator behind."""
    child = start("demo", "--dir", tmp_path / "demo", start_new_session=True)
    until(lambda: len(descendants(child.pid)) > 1)
    below = descendants(child.pid)
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == 130
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
