"""What is written of a run: private, whole, without secrets, and there while it runs."""

import stat
import subprocess
import sys
import threading
import time

import nbformat
import pytest

from wsops import redact
from wsops.report import ending_of
from wsops.summary import MIME

STRANGE = {"name": "fortran-iv", "display_name": "Fortran", "language": "fortran"}
SECRET = 'pa"ss\\wörd-73'


@pytest.fixture
def secret(monkeypatch):
    """Have a secret in use, for this test alone."""
    monkeypatch.setattr(redact, "_forms", ())
    redact.register(SECRET)
    return SECRET


def test_a_secret_that_is_in_use_is_never_written(run, secret):
    """Not in a stream, a result, a page or a traceback; nor is it in what the caller gets."""
    text = f"from IPython.display import HTML, display\nimport json\ns = {secret!r}\n"
    text += "print(s)\ndisplay(HTML(s), {'s': [s]}, {s: 1})\nraise ValueError(s, json.dumps(s))"
    failed = run(text, parameters={"given": secret})
    written = failed.target.read_text(encoding="utf-8")

    assert failed.error == "cell"
    for form in (secret, repr(secret)[1:-1], "w\\u00f6rd-73", "wörd-73"):
        assert form not in written
        assert form not in failed.message
        assert form not in str(failed.played.notebook)
    assert redact.MASK in failed.said[0]
    nbformat.validate(failed.written)


def test_a_record_is_private_and_replaces_what_it_must_not_follow(run, tmp_path):
    """Mode 0600, and a link in its place stays without effect."""
    victim, target = tmp_path / "victim", tmp_path / "out.ipynb"
    victim.write_text("mine")
    target.symlink_to(victim)
    done = run("1", target=target)

    assert done.error == ""
    assert not target.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("name", ["{pool}.ipynb", "a b/{}{{x.ipynb", "100 %.ipynb"])
def test_names_are_taken_as_they_are(run, book, tmp_path, name):
    """Braces as well, in which papermill would fill in values."""
    source = book("pool = 'x'\nprint(pool)", name=name)
    done = run(source, parameters={"pool": "y"})

    assert (done.error, done.said) == ("", ["x\n"])
    assert done.target.exists()
    assert done.written.metadata.papermill.input_path == str(source)
    assert done.written.metadata.papermill.output_path == str(done.target)
    assert done.written.metadata.papermill.parameters == {"pool": "y"}


def test_a_record_is_there_while_it_is_made(run, tmp_path):
    """Also within a cell that has said something and goes on."""
    gate, target = tmp_path / "gate", tmp_path / "out.ipynb"
    text = "import pathlib, time\nprint('half')\n"
    text += "while not pathlib.Path('gate').exists():\n    time.sleep(0.02)"
    thread = threading.Thread(target=run, args=("print('first')", text), kwargs={"target": target})
    thread.start()
    end = time.monotonic() + 20
    seen = ""
    while "half\\n" not in seen and time.monotonic() < end:
        seen = target.read_text() if target.exists() else ""
        time.sleep(0.05)
    ending = ending_of(nbformat.reads(seen, as_version=4))
    gate.touch()
    thread.join()

    assert "first\\n" in seen
    assert (ending.verdict, ending.at) == ("no verdict", 0)


def test_a_place_that_cannot_be_written_does_not_end_a_run(run, tmp_path):
    """What was executed is given back all the same, and why it is not on the disk."""
    done = run("print('ran')", target=tmp_path / "missing" / "out.ipynb")

    assert (done.error, done.said) == ("", ["ran\n"])
    assert "cannot be written" in done.played.unsaved


def test_a_parameter_that_is_no_json_is_told(run):
    """The run goes on, for papermill can write it as code."""
    done = run("given = 0", parameters={"given": {1, 2}})

    assert "not JSON serializable" in done.played.unsaved


def test_the_log_takes_what_goes_past_the_notebook(run, book, tmp_path):
    """In a private file, for both kinds of kernel."""
    for warm in (True, False):
        source = book("import os\nos.write(2, b'past it\\n')")
        run(source, warm=warm)
        log = source.with_suffix(".log")

        assert "past it" in log.read_text()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_nothing_is_said_in_the_name_of_a_run(run, capfd):
    """Neither by papermill nor by Jupyter: a coordinator has its own things to say."""
    run("1 / 0", parameters={"unknown": 1})
    run("import os\nos._exit(1)")

    assert capfd.readouterr() == ("", "")


def test_papermill_runs_it_by_its_own_command(book, kernel_env, tmp_path):
    """`papermill --engine wsops`: parameters, exit code, and no session that was its caller's."""
    look = "import os\nprint(name, 'JPY_SESSION_NAME' in os.environ, os.getcwd())"
    source = book(("name = 'x'", "parameters"), look)
    command = [sys.executable, "-m", "papermill", "--engine", "wsops", "-p", "name", "y"]
    env = kernel_env | {"JPY_SESSION_NAME": "someone"}
    done = subprocess.run(
        [*command, "--no-progress-bar", str(source), "out.ipynb"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    written = nbformat.read(tmp_path / "out.ipynb", as_version=4)

    assert done.returncode == 0, done.stderr
    assert written.cells[2].outputs[0].text == f"y False {tmp_path}\n"
    assert "python" in written.metadata.language_info.name
    assert not written.metadata.get("widgets")


def test_papermill_says_by_its_own_command_that_a_kernel_died(book, kernel_env, tmp_path):
    """By its own exit code."""
    source = book("import os\nos._exit(9)")
    command = [sys.executable, "-m", "papermill", "--engine", "wsops", "--no-progress-bar"]
    done = subprocess.run(
        [*command, str(source), "out.ipynb"],
        cwd=tmp_path,
        env=kernel_env,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 138
    assert (tmp_path / "out.ipynb").exists()


def test_of_what_floods_enough_is_kept_to_read(run, monkeypatch):
    """A print, a page and an error that are far too long are cut and say so; the next cell has all.

    A picture that is drawn anew and anew is one picture, and no flood.
    """
    monkeypatch.setattr("wsops.kernels.quota.MOST", 100_000)
    done = run(
        "for _ in range(30):\n    print('x' * 10_000)",
        "from IPython.display import HTML, display\ndisplay(HTML('y' * 120_000))",
        "h = display(HTML('0'), display_id=True)\nfor n in range(12):\n"
        "    h.update(HTML(f'{n}' + 'z' * 10_000))",
        "print('x' * 200_000)\nfrom wsops.summary import Summary\n"
        "from IPython.display import display\n"
        "display(Summary(kind='audit', verdict='failed', headline='3 are broken'))",
        "from IPython.display import clear_output\nfor n in range(30):\n"
        "    clear_output()\n    print(n, 'x' * 10_000)",
        "print('x' * 200_000)\nraise ValueError('what to do ' + 'v' * 300_000)",
    )
    printed, shown, drawn, told, cleared, raised = (cell.outputs for cell in done.cells)

    assert 100_000 <= len(printed[0].text) < 100_100
    assert printed[0].text.endswith("[more came here than is kept]\n")
    assert shown[0].data["text/plain"] == "[an output of 120,034 characters is not kept]"
    assert drawn[0].data["text/html"].startswith("11z")
    assert told[-1].data[MIME]["verdict"] == "failed"
    assert cleared[0].text.startswith("29 x")
    assert raised[-1].evalue.startswith("what to do v")
    assert raised[-1].evalue.endswith("[more came here than is kept]\n")
    assert done.target.stat().st_size < 900_000
    assert (done.error, len(done.message) < 1000) == ("cell", True)


def test_a_notebook_that_names_no_kernel_runs_in_python(run, book):
    """As one that was made by a program may be; one that names a strange kernel says so."""
    plain, strange = book("print('hello')", kernel=None), book("1", kernel=STRANGE)
    failed = run(strange)

    assert run(plain).said == ["hello\n"]
    assert failed.error == "start"
    assert "No such kernel named fortran-iv" in failed.message
