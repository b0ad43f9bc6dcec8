"""What Jupyter and papermill make of our parts without our `execute`."""

import asyncio
import json
import sys

import nbformat
import papermill
import pytest
from jupyter_client.manager import start_new_kernel

from wsops.kernels import nursery
from wsops.kernels.terms import Terms

OURS = {"kernel_provisioner": {"provisioner_name": "wsops-warm", "config": {"memory": 0}}}


@pytest.fixture
def started(tmp_path, monkeypatch, traced_env):
    """Give a kernel of jupyter_client's, by a kernelspec that asks for our provisioner."""
    (tmp_path / "home").mkdir()  # where Jupyter looks for things
    folder = tmp_path / "jupyter" / "kernels" / "ours"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "ours", "language": "python", "metadata": OURS}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    km, kc = start_new_kernel(kernel_name="ours", env=traced_env, cwd=str(tmp_path))
    yield km, kc
    kc.stop_channels()
    km.shutdown_kernel(now=True)


def said_by(kc, code):
    said = []
    kc.execute_interactive(code, timeout=20, output_hook=lambda msg: said.append(msg["content"]))
    return "".join(content.get("text", "") for content in said)


def test_a_kernelspec_may_ask_for_a_warm_kernel(started):
    """It is a child of the zygote, answers, restarts, and can be interrupted."""
    km, kc = started
    ask = "import os, sys; print(os.getppid(), os.getpid(), 'pandas' in sys.modules)"
    first = said_by(kc, ask).split()
    km.restart_kernel()
    kc.wait_for_ready(timeout=20)
    second = said_by(kc, ask).split()
    msg_id = kc.execute("import time\nprint('begun', flush=True)\ntime.sleep(60)")
    while kc.get_iopub_msg(timeout=20)["msg_type"] != "stream":
        pass  # an interrupt before the cell runs would be lost
    km.interrupt_kernel()
    reply = kc.get_shell_msg(timeout=20)
    while reply["parent_header"]["msg_id"] != msg_id:
        reply = kc.get_shell_msg(timeout=20)

    assert first[0] == second[0] == str(nursery().zygote)
    assert first[1] != second[1]
    assert first[2] == second[2] == "True"
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_a_warm_kernel_that_is_asked_to_end_puts_its_things_in_order(started, tmp_path):
    """Threads are waited for, what is to be done at the exit is done, files are flushed."""
    km, kc = started
    said_by(
        kc,
        "import atexit, pathlib, threading, time\nlog = open('log', 'w')\n"
        "atexit.register(lambda: print('at the exit', file=log))\n"
        "def late():\n    time.sleep(0.3); log.write('late\\n')\n"
        "threading.Thread(target=late).start()",
    )
    process = km.provisioner.kernel
    km.shutdown_kernel()

    assert process.exited.result(10) == 0
    assert (tmp_path / "log").read_text() == "late\nat the exit\n"


def test_papermill_writes_through_our_door(book, traced_env, tmp_path):
    """By the address `wsops://`, and beside a loop that runs already, as in a notebook."""
    source, target = book("print('ran')"), tmp_path / "out.ipynb"

    async def within():
        terms = Terms(warm=True, env=traced_env)
        return papermill.execute_notebook(
            f"wsops://{source}", f"wsops://{target}", engine_name="wsops", terms=terms,
            progress_bar=False,
        )  # fmt: skip

    given = asyncio.run(within())
    written = nbformat.read(target, as_version=4)

    assert given.cells[0].outputs == written.cells[0].outputs
    assert written.cells[0].outputs[0].text == "ran\n"
    assert target.stat().st_mode & 0o777 == 0o600
