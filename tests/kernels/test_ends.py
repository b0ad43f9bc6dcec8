"""Every way to end a run from outside, and every way not to begin."""

import json
import sys
import threading
import time

import pytest

from wsops.kernels import Handle
from wsops.report import ending_of

SLEEP = "import time\nprint('begun', flush=True)\ntime.sleep(60)"
BEGUN = "begun\\n"  # as JSON has it
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + SLEEP


@pytest.fixture
def soon():
    """Give a function that calls something when a file holds a word."""
    threads = []

    def when(path, word, call):
        def wait():
            end = time.monotonic() + 20
            while time.monotonic() < end:
                if path.exists() and word in path.read_text():
                    call()
                    break
                time.sleep(0.02)

        threads.append(threading.Thread(target=wait))
        threads[-1].start()

    yield when
    for thread in threads:
        thread.join()


def test_a_deadline_interrupts(run):
    """The cell ends by KeyboardInterrupt, no other runs, and the run is overdue."""
    run("1")
    late = run("1", SLEEP, "print('never')", deadline=1.5)
    [error] = [o for o in late.cells[1].outputs if o.output_type == "error"]

    assert (late.error, late.code) == ("overdue", None)
    assert late.message == "its time was over: it was ended"
    assert error.ename == "KeyboardInterrupt"
    assert late.cells[2].execution_count is None


def test_who_takes_no_notice_is_ended_by_force(run):
    """A cell that ignores the interrupt has its grace, then it is killed."""
    late = run(DEAF, deadline=4, grace=0.3)

    assert (late.error, late.code) == ("overdue", -9)
    assert late.message == "its time was over: it was ended, by force"
    assert "begun" in late.said[0]


def test_who_swallows_the_interrupt_and_ends_well_is_overdue_all_the_same(run):
    """What it did in its last moment is not what it was to do."""
    text = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('cut')"
    late = run(text, deadline=4)

    assert (late.error, late.said) == ("overdue", ["cut\n"])


def test_a_run_that_is_done_in_time_is_not_overdue(run):
    """Nor is anything left that would end it later."""
    done = run("print(1)", deadline=60)

    assert (done.error, done.said) == ("", ["1\n"])


def test_another_thread_may_interrupt(run, soon, tmp_path):
    """As a deadline does; that what runs is in the file shows when."""
    handle, target = Handle(), tmp_path / "out.ipynb"
    soon(target, BEGUN, handle.interrupt)
    ended = run(SLEEP, "print('never')", handle=handle, target=target)

    assert (ended.error, ended.message, ended.code) == ("interrupted", "it was interrupted", None)
    assert ended.cells[0].outputs[-1].ename == "KeyboardInterrupt"
    handle.interrupt()
    handle.kill()


def test_another_thread_may_kill(run, soon, tmp_path):
    """Also one that was interrupted in vain."""
    handle, target = Handle(), tmp_path / "out.ipynb"

    def both():
        handle.interrupt()
        handle.kill()

    soon(target, BEGUN, both)
    ended = run(DEAF, handle=handle, target=target)

    assert (ended.error, ended.code) == ("interrupted", -9)
    assert ended.message == "it was interrupted, by force"


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_a_run_that_was_ended_before_it_began_runs_no_cell(run, how, tmp_path):
    """Whichever way it was ended."""
    handle = Handle()
    getattr(handle, how)()
    ended = run("import pathlib\npathlib.Path('ran').touch()", handle=handle)

    assert ended.error == "interrupted"
    assert not (tmp_path / "ran").exists()


def test_an_interrupt_between_cells_is_not_lost(run, soon, tmp_path):
    """A cell that swallows it does not let the next one run."""
    swallow = "try:\n    " + SLEEP.replace("\n", "\n    ") + "\nexcept KeyboardInterrupt:\n    pass"
    handle, target = Handle(), tmp_path / "out.ipynb"
    soon(target, BEGUN, handle.interrupt)
    ended = run(swallow, "print('never')", handle=handle, target=target)

    assert ended.error == "interrupted"
    assert ended.said[1] == ""


def test_a_failing_cell_is_named_and_ends_the_run(run):
    """With papermill's notes at the top of the record, which reports know."""
    failed = run("1", "1 / 0", "2")

    assert (failed.error, failed.message) == ("cell", "ZeroDivisionError: division by zero")
    assert (failed.code, failed.played.unsaved) == (None, "")
    assert failed.written.cells[0].metadata.tags == ["papermill-error-cell-tag"]
    assert [cell.execution_count for cell in failed.cells] == [1, 2, None]
    assert (ending_of(failed.written).verdict, ending_of(failed.written).at) == ("failed", 2)


def test_a_cell_that_leaves_is_no_success(run):
    """For papermill `sys.exit()` is an end like any other, though cells did not run."""
    left = run("import sys\nsys.exit()", "print('never')")

    assert (left.error, left.message) == ("cell", "SystemExit: ")


@pytest.fixture
def kernelspec(tmp_path, monkeypatch):
    """Give a function that installs a kernel by its command."""

    def install(name, *argv):
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        return {"name": name, "language": "python", "display_name": name}

    return install


def test_a_kernel_that_does_not_start_is_tried_twice(run, book, kernelspec, tmp_path):
    """It says why, and what the kernel said; no cell ran."""
    text = "import sys; print('tried', file=open('tries', 'a')); sys.exit('cannot')"
    kernel = kernelspec("broken", sys.executable, "-c", text)
    failed = run(book("1", kernel=kernel))

    assert failed.error == "start"
    assert failed.message == "the kernel ended; it said: cannot\ncannot"
    assert (tmp_path / "tries").read_text() == "tried\n" * 2
    assert failed.written.cells[0].execution_count is None


def test_a_kernel_that_starts_in_the_second_attempt_is_good(run, book, kernelspec, tmp_path):
    """A failed start is no failed run."""
    text = (
        "import os, sys\n"
        "if not os.path.exists('tried'):\n    sys.exit(bool(open('tried', 'w')))\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'ipykernel_launcher', *sys.argv[1:]])"
    )
    kernel = kernelspec("slow", sys.executable, "-c", text, "-f", "{connection_file}")
    done = run(book("print('ran')", kernel=kernel))

    assert (done.error, done.said, done.played.warm) == ("", ["ran\n"], False)


def test_a_command_that_is_not_there_is_told(run, book, kernelspec):
    """By what the system says of it."""
    failed = run(book("1", kernel=kernelspec("none", "/does/not/exist")))

    assert failed.error == "start"
    assert "No such file or directory" in failed.message


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: path.write_text("{"), "is not a notebook"),
        (lambda path: path.write_text(path.read_text().replace("python3", "nobody")), "nobody"),
    ],
    ids=["missing", "broken", "unknown kernel"],
)
def test_what_is_no_notebook_is_told(run, book, spoil, said):
    """An error of the start, in words."""
    source = book("1")
    spoil(source)
    failed = run(source)

    assert failed.error == "start"
    assert said in failed.message


@pytest.mark.parametrize("warm", [True, False])
def test_what_a_kernel_has_opened_it_closes(run, tmp_path, warm):
    """Asked to end it does what Python does at its end: temporary folders go, others are told."""
    told = tmp_path / "told"
    cell = (
        "import atexit, tempfile\n"
        f"folder = tempfile.TemporaryDirectory(dir={str(tmp_path)!r}, prefix='left-')\n"
        f"atexit.register(open({str(told)!r}, 'w').close)"
    )
    ended = run(cell, warm=warm)

    assert ended.error == ""
    assert told.exists()
    assert not list(tmp_path.glob("left-*"))
