"""Processes that die: no kernel is left, no file is torn, and what comes after works."""

import gc
import itertools
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from wsops.errors import WsopsError
from wsops.kernels import Terms, execute, nursery
from wsops.kernels.folder import Folder, reap

NAPS = itertools.count()
LISTED = """import psutil
found = [one.cmdline()[1] for one in psutil.process_iter() if one.name() == 'sleep']
print(found, flush=True)
time.sleep(0.5)"""
BEAT = (
    "import os, time\nbeat = open('beat', 'a')\nprint('begun')\n"
    "while True:\n    print(os.getpid(), file=beat, flush=True)\n    time.sleep(0.01)"
)
COORDINATOR = """
import os, sys, threading
from pathlib import Path
from wsops.kernels import Terms, execute
folder = Path(sys.argv[1])
def one(n):
    out = folder / f"out-{n}.ipynb"
    terms = Terms(warm=n < 3, cwd=folder, env=os.environ, log=folder / "log")
    execute(folder / "book.ipynb", out, {}, terms)
runs = [threading.Thread(target=one, args=(n,)) for n in range(4)]
for run in runs:
    run.start()
for run in runs:
    run.join()
"""


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def beating(folder):
    path = folder / "beat"
    return {int(pid) for pid in path.read_text().split()} if path.exists() else set()


def living(pids):
    return {pid for pid in pids if psutil.pid_exists(pid)}


@pytest.fixture
def short():
    """Give a folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_when_a_coordinator_is_killed_nothing_of_it_lives(
    book, kernel_env, tmp_path, children, short
):
    """No kernel does another thing, no process is left after 3 s, and every record is whole."""
    book(BEAT, name="book.ipynb")
    env = kernel_env | {"XDG_RUNTIME_DIR": str(short)}
    command = [sys.executable, "-c", COORDINATOR, str(tmp_path)]
    with subprocess.Popen(command, env=env) as coordinator:
        outs = [tmp_path / f"out-{n}.ipynb" for n in range(4)]
        begun = until(lambda: len(beating(tmp_path)) == 4, 60) and until(
            lambda: all(out.exists() and "begun\\n" in out.read_text() for out in outs)
        )
        family = {child.pid for child in children(coordinator.pid)}
        coordinator.kill()
    time.sleep(0.2)
    size = (tmp_path / "beat").stat().st_size
    gone = until(lambda: not living(family), 3)

    assert begun
    assert len(family) == 5
    assert gone
    assert (tmp_path / "beat").stat().st_size == size
    for out in outs:
        nbformat.validate(nbformat.read(out, as_version=4))
    [left] = (short / f"wsops-{os.geteuid()}").iterdir()
    assert left.name.startswith(f"{coordinator.pid}-")
    reap(left.parent)
    assert not left.exists()


def test_when_a_zygote_is_killed_its_runs_have_died_and_the_next_one_works(run, tmp_path):
    """What they had started is gone as well."""
    died = []
    text = BEAT.replace("print('begun')", "import subprocess; subprocess.Popen(['sleep', '60'])")
    runs = [threading.Thread(target=lambda: died.append(run(text))) for _ in range(2)]
    for one in runs:
        one.start()
    until(lambda: len(beating(tmp_path)) == 2)
    before = nursery().zygote
    kernels = psutil.Process(before).children()
    family = {one.pid for kernel in kernels for one in (kernel, *kernel.children())}
    os.kill(before, signal.SIGKILL)
    for one in runs:
        one.join()
    after = run("print('lives')")

    assert [(one.error, one.code) for one in died] == [("died", -9)] * 2
    assert len(family) == 4
    assert until(lambda: not living(family), 3)
    assert (after.error, after.said) == ("", ["lives\n"])
    assert nursery().zygote not in {0, before}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("last", ["", "os.kill(os.getpid(), 9)"], ids=["well", "killed"])
def test_what_leaves_its_session_ends_with_its_kernel(run, warm, last):
    """A child with a session of its own, and a daemon whose parent is gone, do not live on."""
    naps = [f"{600 + os.getpid()}.{next(NAPS)}" for _ in range(2)]
    text = (
        f"import os, subprocess, time\nsubprocess.Popen(['sleep', '{naps[0]}'], "
        f"start_new_session=True)\nsubprocess.run(['sh', '-c', 'setsid sleep {naps[1]} &'], "
        f"stdout=subprocess.DEVNULL)\ntime.sleep(0.3)\n{LISTED}\n{last}"
    )
    done = run(text, warm=warm)

    assert done.error == ("died" if last else "")
    assert all(nap in done.said[0] for nap in naps)
    assert until(lambda: not asleep(naps), 3)
    assert run("print('lives')").said == ["lives\n"]


def asleep(naps):
    found = []
    for one in psutil.process_iter(["cmdline"]):
        found += [nap for nap in naps if one.info["cmdline"] == ["sleep", nap]]
    return found


def test_a_zygote_that_always_dies_is_given_up(run, monkeypatch):
    """After five there is none any more, and the run says so."""
    nursery().close()
    monkeypatch.setattr("wsops.kernels.parent.zygote_env", lambda _: {"PYTHONHOME": "/nowhere"})
    failed = [run("1") for _ in range(3)]
    monkeypatch.undo()

    assert {one.error for one in failed} == {"start"}
    assert "has ended" in failed[0].message
    assert failed[2].message == "no kernel: the process that makes them has died 5 times"
    with pytest.raises(WsopsError):
        nursery().warm({})
    nursery().close()
    assert run("print(1)").said == ["1\n"]


def test_a_zygote_that_does_not_answer_is_ended(run, monkeypatch):
    """Nobody could end its kernels, so it must not live; the next run has a new one."""
    run("1")
    monkeypatch.setattr("wsops.kernels.provisioner._BORN_WITHIN", 0.3)
    before = nursery().zygote
    os.kill(before, signal.SIGSTOP)
    failed = run("1")
    monkeypatch.undo()

    assert failed.error == "start"
    assert failed.message == "no kernel: the process that makes them has not answered in 0.3 s"
    assert not psutil.pid_exists(before)
    assert run("print('lives')").said == ["lives\n"]


def test_a_zygote_that_does_not_even_listen_blocks_nobody(run, monkeypatch):
    """Once it takes no more messages it is ended, in place of waiting for ever to be heard."""
    nursery().close()
    monkeypatch.setattr("wsops.kernels.parent._HEARS_WITHIN", struct.pack("ll", 0, 300_000))
    run("1")
    before = nursery().zygote
    os.kill(before, signal.SIGSTOP)
    for _ in range(5000):
        nursery().warm({})
        if nursery().zygote != before:
            break

    assert nursery().zygote != before
    assert until(lambda: not psutil.pid_exists(before), 3)
    assert run("print('lives')").said == ["lives\n"]


def test_many_runs_leave_nothing_behind(run, book, kernel_env, tmp_path):
    """No file, no process, no descriptor, no thread; any number at once."""
    source = book("print(1)")
    run(source)

    def one(number):
        out = tmp_path / f"{number}.ipynb"
        terms = Terms(warm=True, cwd=tmp_path, env=kernel_env, log=tmp_path / "log")
        return execute(source, out, {}, terms).error

    def held():
        gc.collect()  # other tests have left something
        me = psutil.Process()
        return me.num_fds(), me.num_threads(), len(me.children(recursive=True))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    before = held()
    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(one, range(20)))

    assert errors == [""] * 20
    until(lambda: held() == before, 5)
    assert held() == before
    assert {path.name for path in nursery()._folder.path.iterdir()} == {"lock", "zygote.log"}


def test_a_fork_of_this_process_has_a_nursery_of_its_own(run):
    """It neither speaks to the other's zygote nor keeps it alive."""
    run("1")
    before = nursery().zygote
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(tell, str(nursery().zygote).encode())
        os._exit(0)
    os.waitpid(pid, 0)

    assert os.read(told, 10) == b"0"
    assert nursery().zygote == before
    assert run("print(1)").said == ["1\n"]
    os.close(told)
    os.close(tell)


def test_folders_of_the_dead_are_removed_and_those_of_the_living_stay(short, monkeypatch):
    """Whatever their names: the lock tells."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    mine = Folder()
    base = mine.path.parent
    dead = base / "1-abc"
    (dead / "1").mkdir(parents=True)
    (dead / "lock").touch()
    young, old = base / "2-abc", base / "3-abc"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    reap(base)

    assert sorted(base.iterdir()) == sorted([mine.path, young])
    assert mine.new().stat().st_mode & 0o777 == 0o700
    mine.remove()
    assert not mine.path.exists()


def test_a_place_that_others_could_look_into_is_not_taken(short, monkeypatch):
    """Nor one whose path is too long for a socket."""
    (short / f"wsops-{os.geteuid()}").mkdir(mode=0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    open_one = Folder()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / ("x" * 60)))
    long_one = Folder()

    for folder in (open_one, long_one):
        assert short not in folder.path.parents
        assert len(str(folder.path)) < 60
        folder.remove()
