"""The small parts: imports, messages in pieces, and which kernel may be a fork."""

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq.asyncio
from nbformat.v4 import new_notebook

from wsops.kernels import manager
from wsops.kernels.played import _kernel_for
from wsops.kernels.warmth import fits, read_at_import
from wsops.kernels.wire import Ear, said

OWN = (sys.executable, "-m", "ipykernel_launcher", "-f", "x.json")


def imported(code, *names):
    """Run code in a Python of its own, without the grammar; give which modules it has imported."""
    light = "from wsops.kernels import light_imports\nwith light_imports():\n    "
    text = f"import sys\n{light}{code}\nprint([n for n in {names!r} if sys.modules.get(n)])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_papermill_is_imported_without_the_grammar():
    """And the grammar can be imported after that."""
    assert imported("import papermill", "papermill", "rfc3987_syntax", "lark") == "['papermill']"
    assert imported("pass\nimport rfc3987_syntax", "rfc3987_syntax") == "['rfc3987_syntax']"


def test_our_engine_costs_papermill_nothing_and_breaks_nothing():
    """Whichever is imported first."""
    heavy = ("pandas", "IPython", "ipykernel", "wsops.kernels.playing")

    for first in ("papermill", "wsops.kernels.engine, wsops.kernels.store, papermill"):
        assert imported(f"import {first}", *heavy) == "[]"
    assert imported("import wsops.kernels.playing", *heavy[:-1]) == "[]"


def test_messages_are_whole_whatever_pieces_they_come_in():
    """In order, and the end is noticed."""
    here, there = socket.socketpair()
    with here, there:
        ear, whole = Ear(there), said({"n": 1}) + said({"n": "ö" * 10})
        heard = []
        for piece in (whole[:3], whole[3:11], whole[11:]):
            here.sendall(piece)
            heard += ear.listen()
        here.close()

        assert heard == [{"n": 1}, {"n": "ö" * 10}]
        with pytest.raises(EOFError):
            list(ear.listen())


@pytest.mark.parametrize(
    ("argv", "env", "good"),
    [
        (OWN, {"A": "2"}, True),
        (OWN, {"A": "1", "MPLBACKEND": "agg"}, True),
        (OWN, {"A": "1", "MPLBACKEND": "qtagg"}, False),
        (OWN, {"A": "1", "PYTHONHASHSEED": "0"}, False),
        (OWN, {"A": "1", "PANDAS_FUTURE": "x"}, False),
        (("/usr/bin/python3", *OWN[1:]), {"A": "1"}, False),
        (("R", "--slave", "-e", "IRkernel::main()"), {"A": "1"}, False),
        ((sys.executable, "-X", "dev", *OWN[1:]), {"A": "1"}, False),
    ],
)
def test_a_kernel_is_a_fork_only_where_that_is_as_good(tmp_path, argv, env, good):
    """This Python's own kernel, in an environment that would have been imported the same."""
    assert fits(argv, env, tmp_path, {"A": "1"}) is good


def test_a_folder_with_settings_of_matplotlib_is_no_place_for_a_fork(tmp_path):
    """They are read when it is imported."""
    (tmp_path / "matplotlibrc").touch()

    assert not fits(OWN, {}, tmp_path, {})


def test_what_is_read_at_import_is_told_from_what_is_not():
    """Settings of wsops, for one, are read when they are wanted."""
    env = {"WSOPS_TOKEN": "t", "HOME": "/h", "LC_ALL": "C", "TZ": "UTC", "PATH": "/bin"}

    assert read_at_import(env) == {"HOME": "/h", "LC_ALL": "C"}


def test_every_module_is_named_where_it_is_found():
    """The public names are those, and no other."""
    import wsops.kernels

    assert sorted(wsops.kernels._HOMES) == sorted(wsops.kernels.__all__)
    assert all(getattr(wsops.kernels, name).__name__ == name for name in wsops.kernels.__all__)
    with pytest.raises(AttributeError):
        wsops.kernels.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("metadata", "passed"),
    [
        ({}, {"kernel_name": "python3", "language": "python"}),
        ({"kernelspec": {"name": "ours", "display_name": "Ours"}}, {"language": "python"}),
        ({"kernelspec": {"name": "x", "display_name": "X", "language": "r"}}, {}),
        ({"language_info": {"name": "python"}}, {"kernel_name": "python3"}),
    ],
)
def test_what_a_notebook_does_not_say_of_its_kernel_is_python(metadata, passed):
    """What it says stands; plain papermill would refuse it."""
    assert _kernel_for(new_notebook(metadata=metadata)) == passed


def test_rows_that_begin_at_once_share_one_context(monkeypatch):
    """Whichever thread is first; what others made meanwhile is ended, and left to nobody."""
    made = []

    class Slow(zmq.asyncio.Context):
        def __init__(self, *how):
            super().__init__(*how)
            made.append(self)
            time.sleep(0.1)  # long enough for the other threads to come here as well

    monkeypatch.setattr(zmq.asyncio, "Context", Slow)
    monkeypatch.setattr(manager, "_contexts", {})
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(manager.context_of_process) for _ in range(4)]
    [shared] = {one.result() for one in asked}

    assert [one for one in made if not one.closed] == [shared]
    shared.term()
