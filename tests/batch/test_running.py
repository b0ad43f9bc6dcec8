"""Batches that read: rows, verdicts, files, limits, and runs that concern nobody else."""

import json
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from io import StringIO
from multiprocessing import get_context

import nbformat
import pytest
from rich.console import Console

from tests.batch.conftest import NOTEBOOKS, below, words
from wsops.batch.again import begin
from wsops.batch.driving import drive
from wsops.batch.folder import make
from wsops.batch.hands import Hands
from wsops.batch.index import read_carried
from wsops.batch.spec import Asked, plan_spec
from wsops.kernels import nursery
from wsops.settings import load

BREAKS = "if n == 2:\n    raise ValueError(f'no {n}')"


def test_each_row_ends_as_a_notebook_and_a_report_and_one_index_tells_of_all(
    book, numbers, ran, wsops, folder
):
    """One row fails: its cell, error and reason are named, the others are done, the code is 4."""
    notebook = book("print('this is', n)", BREAKS, "n * 10")
    document = ran(notebook, "--params", numbers(3), code=4)
    here = folder()
    two = document["runs"][1]

    assert words(document) == ["done", "failed", "done"]
    assert (two["cell"], two["error"], two["reason"]) == (4, "ValueError", "no 2")
    assert document["counts"] == {"failed": 1, "done": 2}
    for run in document["runs"]:
        executed = nbformat.read(here / run["notebook"], as_version=4)
        assert f"this is {run['row']}" in str(executed)
        assert (here / run["report"]).is_file()
    index = (here / "index.html").read_text()
    assert "ValueError" in index
    assert json.loads((here / "summary.json").read_text()) == document
    assert (here / "junit.xml").read_text().count("<testcase") == 3
    assert wsops("batch", "status", "--json", code=4).document == document
    [listed] = wsops("batch", "list", "--json").document["batches"]
    assert (listed["batch_id"], listed["verdict"]) == (document["batch_id"], "partial")


def test_all_that_a_batch_writes_is_private(book, numbers, ran, folder):
    """Files are 0600 and folders 0700, whatever the umask says."""
    before = os.umask(0)
    try:
        ran(book("n"), "--params", numbers(2))
    finally:
        os.umask(before)
    here = folder()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (here, *here.rglob("*"))}

    assert {modes[path] for path in modes if path.is_dir()} == {0o700}
    assert {modes[path] for path in modes if path.is_file()} == {0o600}


def test_a_notebook_without_rows_runs_once(book, ran):
    """By its defaults, and by what --set says."""
    document = ran(book("print(n)"), "--set", "n=7")

    assert words(document) == ["done"]
    assert document["runs"][0]["parameters"] == {"n": 7}


def test_a_dry_run_shows_the_rows_and_makes_nothing(book, numbers, wsops, tmp_path):
    """No folder, no journal, no kernel."""
    shown = wsops("batch", "run", book("n"), "--params", numbers(3), "--dry-run")

    assert "dry run of 3 rows" in shown.out
    assert not (tmp_path / "reports").exists()
    assert not (tmp_path / "journal.sqlite").exists()


def test_a_run_that_dies_hangs_or_eats_memory_concerns_itself_alone(book, numbers, ran):
    """Each says what became of it; the one beside them is done."""
    notebook = book(
        "import os, time",
        "if n == 1:\n    os._exit(3)",
        "if n == 2:\n    time.sleep(600)",
        "if n == 3:\n    hog = bytearray(8 << 30)",
        "n",
    )
    began = time.monotonic()
    document = ran(notebook, "--params", numbers(4), "--deadline", "10", "--memory", "4000", code=4)
    died, overdue, hungry, fine = document["runs"]

    assert words(document) == ["died", "overdue", "failed", "done"]
    assert (died["cell"], overdue["cell"]) == (4, 5)
    assert hungry["error"] == "MemoryError"
    assert fine["cell"] == 0
    assert time.monotonic() - began < 120


def test_nothing_is_carried_from_run_to_run(book, numbers, ran, folder):
    """Each row has a fresh kernel: variables, modules and chance are its own."""
    notebook = book(
        "import random, sys, os",
        "print('seen', 'left_behind' in globals(), 'json.tool' in sys.modules)",
        "left_behind = 1\nimport json.tool",
        "print('dice', random.random(), os.getpid())",
    )
    document = ran(notebook, "--params", numbers(4), "--workers", "2")
    texts = [str(nbformat.read(folder() / one["notebook"], 4)) for one in document["runs"]]
    dice = {text.partition("dice")[2].split("\\n")[0] for text in texts}

    assert all("seen False False" in text for text in texts)
    assert len(dice) == 4


@pytest.mark.parametrize("kernels", ["warm", "fresh"])
def test_both_kinds_of_kernels_run_a_notebook_of_ours(kernels, fleet_to_repair, ran):
    """The audit notebook finds the same, forked or started anew."""
    fleet = fleet_to_repair()
    document = ran(_notebook("10_fleet_audit"), "--kernels", kernels)

    assert words(document) == ["done"]
    assert document["runs"][0]["counts"]["mismatches"] == fleet.total


def test_a_row_for_each_pool_comes_from_an_audit(fleet_to_repair, ran, audited):
    """Small pools first; without --apply their plans are shown and nothing is sent."""
    fleet = fleet_to_repair()
    document = ran(_notebook("20_repair_mismatches"), "--from-audit", audited())

    assert [run["label"] for run in document["runs"]] == [pool.name for pool in fleet.pools]
    assert set(words(document)) == {"planned"}
    assert fleet.posts == []


def test_a_secret_in_an_output_is_in_no_file(fleet_to_repair, book, ran, folder):
    """What a cell prints of a token is masked, also of one that the kernel itself has fetched."""
    sim = fleet_to_repair().sim
    token, (fetched, _) = sim.token, sim.cloud.access.issue()
    halves = f"{fetched[:90]!r}, {fetched[90:]!r}"
    notebook = book(
        "import os\nprint('it is', os.environ['WSOPS_TOKEN'])",
        "os.system('env >&2')",
        f"print(''.join([{halves}]))",
    )
    ran(notebook)

    written = [path.read_bytes() for path in folder().rglob("*") if path.is_file()]
    assert any(b"it is ***" in content for content in written)
    assert not any(token.encode() in content for content in written)
    assert not any(fetched.encode() in content for content in written)


def test_labels_choose_no_path(book, ran, folder, tmp_path):
    """Names made to lead elsewhere lead into the batch's folder."""
    names = ["../../x", "{pool}", "http://x", "CON", "a" * 300, "s3://b/c", "\u202eevil", "."]
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([{"pool": name} for name in names]))
    notebook = book("print(pool)", parameters="pool: str = ''  # the pool")
    document = ran(notebook, "--params", rows)
    here = folder()

    assert set(words(document)) == {"done"}
    assert len(list((here / "runs").iterdir())) == len(names)
    assert all((here / run["report"]).resolve().is_relative_to(here) for run in document["runs"])


def test_two_batches_of_one_name_have_two_folders(tmp_path):
    """Also in the same second; neither overwrites the other."""
    now = datetime.now().astimezone()
    made = [make(tmp_path, "same", "n.ipynb", b"{}", now) for _ in range(3)]

    assert len({path.name for path in made}) == 3
    assert all((path / "n.ipynb").is_file() for path in made)


def test_a_folder_that_cannot_be_made_is_said(book, numbers, wsops, tmp_path):
    """One sentence with what to do; no kernel was started, nothing was written down."""
    (tmp_path / "taken").write_text("a file")
    told = wsops("batch", "run", book("n"), "--params", numbers(2), "--out", "taken/there", code=5)

    assert "no folder can be made below taken/there" in told.err
    assert "to do: " in told.err
    wsops("batch", "status", code=5)


def test_the_index_carries_the_whole_spec(book, numbers, ran, folder):
    """Read back it is what was asked for."""
    document = ran(book("n"), "--params", numbers(3))
    carried = read_carried(folder() / "index.html")

    assert carried.batch_id == document["batch_id"]
    assert carried.words == {1: "done", 2: "done", 3: "done"}
    assert [row.parameters for row in carried.spec.rows] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_no_kernel_is_left_after_a_batch(book, numbers, ran, until):
    """What was forked has ended; the process that forks waits for the next batch."""
    ran(book("n"), "--params", numbers(6))
    until(lambda: len(below(os.getpid())) <= 1 + len(_others()))
    nursery().close()
    until(lambda: below(os.getpid()) == _others())


def _others():
    """Give the processes below this one that are none of ours."""
    return [pid for pid in below(os.getpid()) if b"wsops.kernels" not in _command(pid)]


def _command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b"wsops.kernels"


def _notebook(stem):
    return NOTEBOOKS / f"{stem}.ipynb"


SECRETS = {
    "HUAWEICLOUD_SDK_AK": "AKIDCANARY0000000001",
    "HUAWEICLOUD_SDK_SK": "SKcanarySKcanarySKcanary0001",
    "HTTPS_PROXY": "http://ops:proxyPasswd9@proxy.example:3128",
}


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_what_a_cell_prints_of_its_environment_holds_no_secret(
    book, numbers, monkeypatch, tmp_path, executor
):
    """Nor where a worker of its own runs the row, which has never asked for credentials."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load(region="ap-southeast-3")
    spec, content = plan_spec(book("import os\nprint(dict(os.environ))"), Asked(params=numbers(1)))
    batch_id = begin(settings, spec, content, tmp_path / "runs")
    workers = {
        "threads": lambda: ThreadPoolExecutor(1),
        "processes": lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn")),
    }
    with workers[executor]() as pool:
        drove = drive(
            settings, batch_id, Hands(pool, 1, lambda **_: None), Console(file=StringIO())
        )
    files = [path.read_text() for path in (tmp_path / "runs").rglob("*") if path.is_file()]

    assert drove.code == 0
    assert any("HUAWEICLOUD_SDK_SK" in text for text in files)
    hidden = (SECRETS["HUAWEICLOUD_SDK_AK"], SECRETS["HUAWEICLOUD_SDK_SK"], "proxyPasswd9")
    assert [secret for secret in hidden for text in files if secret in text] == []


def test_any_executor_will_do(book, numbers, tmp_path):
    """A pool of processes, to which tasks travel as JSON: each row runs in one of them."""
    settings = load()
    spec, content = plan_spec(book("print(n)"), Asked(params=numbers(3)))
    batch_id = begin(settings, spec, content, tmp_path / "runs")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        hands = Hands(executor, 2, lambda **_: None)
        drove = drive(settings, batch_id, hands, Console(file=StringIO()))

    assert drove.code == 0
    assert [one.verdict for one in drove.batch.latest] == ["done"] * 3


def test_what_takes_a_second_and_nobody_asks_for_is_not_imported():
    """Rows are read and checked without the grammar of addresses that notebooks bring along."""
    notebook = NOTEBOOKS / "05_connect.ipynb"
    code = (
        "import sys; from click.testing import CliRunner; from wsops.cli import main\n"
        f"done = CliRunner().invoke(main, ['batch', 'run', {str(notebook)!r}, '--dry-run'])\n"
        "print(done.exit_code, {'lark', 'rfc3987_syntax', 'papermill'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "0 set()\n"


def test_what_lies_in_the_working_folder_is_no_library(book, ran, tmp_path):
    """The process that forks kernels imports nothing from where one works."""
    nursery().close()
    (tmp_path / "select.py").write_text("open('came', 'w').close()")
    (tmp_path / "resource.py").write_text("open('came', 'w').close()")

    assert words(ran(book("n"))) == ["done"]
    assert not (tmp_path / "came").exists()


def test_rows_may_have_any_name_where_their_form_is_said(book, wsops, tmp_path):
    """Without its form a file of that name is refused."""
    (tmp_path / "rows.txt").write_text("n\n1\n2\n")
    asked = ("batch", "run", book("n"), "--params", "rows.txt", "--dry-run", "--json")
    shown = wsops(*asked, "--form", "csv").document

    assert [row["parameters"] for row in shown["rows"]] == [{"n": 1}, {"n": 2}]
    assert wsops(*asked, code=2).document["error"]["type"] == "SpecError"
