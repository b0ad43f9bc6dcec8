"""The recipes of docs/recipes.md, as far as they run without what they are recipes for."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.conftest import NOTEBOOKS

ROOT = NOTEBOOKS.parent
TEXT = (ROOT / "docs/recipes.md").read_text()
ROWS = "name: audit\nrows:\n  - pools: '*'\n"


def block(heading, language):
    """Give the first block of a language below a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", part, re.DOTALL)[1]


@pytest.fixture
def server(tmp_path, fleet_to_repair, monkeypatch):
    """Give a folder that is laid out as the recipes say, and the environment of its profile."""
    fleet = fleet_to_repair()
    folder = tmp_path / "srv"
    (folder / "notebooks/batches").mkdir(parents=True)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/wsops").symlink_to(Path(sys.executable).with_name("wsops"))
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        (folder / "notebooks" / notebook.name).symlink_to(notebook)
    (folder / "notebooks/batches/audit_by_department.yaml").write_text(ROWS)
    keys = ("endpoint", "iam_endpoint", "project_id", "token")
    lines = [f'{key} = "{getattr(fleet.sim, key)}"' for key in keys]
    lines += ['region = "sim-region-1"', f'journal = "{tmp_path}/journal.sqlite"']
    (folder / "wsops.toml").write_text("[profiles.prod]\n" + "\n".join(lines) + "\n")
    (folder / "wsops.toml").chmod(0o600)
    for name in [name for name in os.environ if name.startswith("WSOPS_")]:
        monkeypatch.delenv(name)
    return folder


def shell(command, folder, program="sh", **environment):
    """Run a command as cron does: with next to no environment."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        [f"/bin/{program}", "-c", command],
        cwd="/",
        env=bare | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_line_for_cron_runs_with_next_to_no_environment(server):
    """It writes the document, mails nothing, and ends well."""
    line = block("cron", "cron").strip().splitlines()[-1]
    command = line.split(None, 5)[5].replace("/srv/wsops", str(server))
    done = shell(command, server)
    document = json.loads((server / "audit-last.json").read_text())

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert document["verdict"] == "done"
    assert (server / "audit-last.json").stat().st_mode & 0o777 == 0o600


def test_the_command_for_airflow_prints_one_document_and_an_exit_code(server):
    """As BashOperator runs it, which retries nothing."""
    tree = ast.parse(block("Airflow", "python"))
    given = {
        word.arg: word.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "BashOperator"
        for word in call.keywords
    }
    command = ast.literal_eval(given["bash_command"]).replace("/srv/wsops", str(server))
    done = shell(command, server, "bash")

    assert ast.literal_eval(given["retries"]) == 0
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "done"


def test_a_notebook_of_one_cell_starts_a_batch(server, wsops, monkeypatch, book):
    """As jupyter-scheduler would run it: a batch below a notebook is a batch of its own."""
    cell = block("jupyter-scheduler", "python").strip()
    monkeypatch.chdir(server / "notebooks")
    (server / "notebooks/wsops.toml").symlink_to(server / "wsops.toml")
    monkeypatch.setenv("PATH", f"{server}/.venv/bin:{os.environ['PATH']}")
    run = ("batch", "run", book(cell), "--profile", "prod", "--json")
    document = wsops(*run).document
    executed = Path(document["runs"][0]["notebook"])
    [outer] = Path("reports/runs").glob(f"*-try/{executed}")

    assert "done" in outer.read_text()
    assert len(wsops("batch", "list", "--profile", "prod", "--json").document["batches"]) == 2


def test_every_exit_code_of_a_batch_is_explained():
    """The table has what the command line says of itself."""
    rows = re.findall(r"^\| ([0-9, ]+) \|", TEXT, re.MULTILINE)

    assert {int(code) for row in rows for code in row.split(",")} == {0, 1, 2, 3, 4, 5, 130, 143}
