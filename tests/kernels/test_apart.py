"""Runs know nothing of each other: not what one leaves behind, nor that it dies."""

import json
import threading
import time
from pathlib import Path

import psutil
import pytest

from wsops.kernels import nursery
from wsops.report import ending_of

LEAVE = """
import builtins, os, random, sys, threading
import matplotlib, numpy, pandas
mine = builtins.mine = 1
os.environ["MINE"] = "1"
pandas.set_option("display.max_rows", 3)
matplotlib.rcParams["figure.dpi"] = 7
import this_never_was_imported
threading.excepthook = print
sys.path.insert(0, "/mine")
numpy.random.seed(1)
random.seed(1)
os.chdir("/")
"""

LOOK = """
import builtins, json, os, random, sys, threading
import matplotlib, numpy, pandas
print(json.dumps([
    "mine" in globals(), hasattr(builtins, "mine"), "MINE" in os.environ, os.getcwd(),
    pandas.get_option("display.max_rows"), matplotlib.rcParams["figure.dpi"],
    "this_never_was_imported" in sys.modules, threading.excepthook is print, "/mine" in sys.path,
]))
print(json.dumps([random.random(), numpy.random.rand(), os.getpid()]))
"""

WAIT = """
import pathlib, time
while not pathlib.Path({!r}).exists():
    time.sleep(0.02)
print('on')
"""


@pytest.fixture
def beside(run, tmp_path):
    """Give a function that runs something while another run waits; gives both."""

    def both(*cells, **how):
        gate, other = tmp_path / "gate", []
        wait = threading.Thread(target=lambda: other.append(run(WAIT.format(str(gate)))))
        wait.start()
        try:
            one = run(*cells, **how)
        finally:
            gate.touch()
            wait.join()
        return one, other[0]

    return both


def test_nothing_is_carried_from_run_to_run(run, tmp_path):
    """Globals, builtins, environment, place, options, modules, hooks, paths: new each time."""
    (tmp_path / "this_never_was_imported.py").touch()
    left = run(LEAVE)
    clean, again = (run(LOOK).said[0].splitlines() for _ in range(2))

    assert left.error == ""
    assert json.loads(clean[0]) == [
        *(False, False, False, str(tmp_path), 60, 100.0, False, False, False)
    ]
    assert clean[0] == again[0]


def test_chance_is_another_in_each_run(run):
    """The generators of Python and of numpy begin anew, in processes of their own."""
    runs = [json.loads(run(LOOK).said[0].splitlines()[1]) for _ in range(3)]

    for drawn in zip(*runs, strict=True):
        assert len(set(drawn)) == len(runs)


@pytest.mark.parametrize(
    ("death", "code", "said"),
    [
        ("os._exit(7)", 7, "its kernel died: exit code 7"),
        ("os.kill(os.getpid(), 9)", -9, "its kernel died: SIGKILL"),
    ],
    ids=["exits", "is killed"],
)
def test_a_death_concerns_one_run(beside, death, code, said):
    """The one has died, with its exit code and what it said before; the other goes on."""
    text = f"import os, time\nprint('before', flush=True)\ntime.sleep(0.3)\n{death}"
    began = time.monotonic()
    dead, other = beside("1", text, "print('never')")
    cells = dead.written.cells

    assert (dead.error, dead.code, dead.message) == ("died", code, said)
    assert "before" in dead.said[1]
    assert [cell.metadata.papermill.status for cell in cells] == ["completed", "failed", "pending"]
    assert cells[2].execution_count is None
    assert (ending_of(dead.written).verdict, ending_of(dead.written).at) == ("unfinished", 2)
    assert time.monotonic() - began < 10
    assert (other.error, other.said) == ("", ["on\n"])


def test_a_limit_of_memory_concerns_one_run(beside):
    """It is an error of the cell that asks for too much."""
    greedy, other = beside("kept = b'.' * (4 << 30)", memory=2500)

    assert (greedy.error, greedy.message) == ("cell", "MemoryError: ")
    assert other.error == ""


def test_what_a_kernel_has_started_ends_with_it(run, children):
    """Also where the kernel went first."""
    left = run("import os, subprocess\nsubprocess.Popen(['sleep', '60'])\nos._exit(0)")
    end = time.monotonic() + 3
    while any("sleep" in one.name() for one in children()) and time.monotonic() < end:
        time.sleep(0.02)

    assert left.error == "died"
    assert not any("sleep" in one.name() for one in children())


def test_a_zygote_holds_nothing_that_a_fork_would_carry_over(run):
    """One thread, no socket but the coordinator's, nothing of zmq, and in the end no kernel."""
    run("1")
    zygote = psutil.Process(nursery().zygote)
    held = [str(path.readlink()) for path in Path(f"/proc/{zygote.pid}/fd").iterdir()]

    assert zygote.num_threads() == 1
    assert len([name for name in held if name.startswith("socket:")]) == 1
    assert not [name for name in held if name.startswith("anon_inode:")]
    assert zygote.children() == []


def test_a_kernel_is_small(run):
    """What it shares with the others it need not have itself."""
    text = "import pandas\nimport psutil\nprint(psutil.Process().memory_full_info().uss >> 20)"
    warm, fresh = (int(run(text, warm=warm).said[0]) for warm in (True, False))

    assert warm < 45
    assert warm < fresh / 2
