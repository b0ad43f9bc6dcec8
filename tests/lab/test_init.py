"""`wsops init`: the notebooks in a folder of one's own."""

import json
import subprocess
import sys

import pytest

from wsops import gallery
from wsops.errors import SettingsError
from wsops.gallery import lay_out


@pytest.fixture
def origin(tmp_path):
    """Give a folder that holds what the package holds, and some rubbish beside it."""
    folder = tmp_path / "origin"
    (folder / "batches").mkdir(parents=True)
    (folder / ".ipynb_checkpoints").mkdir()
    names = ("00_tour.ipynb", "README.md", "batches/one.toml", ".ipynb_checkpoints/a.ipynb", "x.py")
    for name in names:
        (folder / name).write_text(f"of the package: {name}")
    return folder


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "wsops", "init", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_notebooks_are_laid_out_whole(origin, tmp_path):
    """Notebooks, README and batches, and nothing else; the folder is made."""
    target = tmp_path / "deep" / "here"
    done = lay_out(target, origin)

    assert done.written == ("00_tour.ipynb", "README.md", "batches/one.toml")
    assert done.left == ()
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == set(
        done.written
    )
    assert (target / "batches/one.toml").read_text() == "of the package: batches/one.toml"


def test_nothing_is_ever_overwritten(origin, tmp_path):
    """What is there stays as it is, and is named; also where it is a link to nowhere."""
    target = tmp_path / "mine"
    target.mkdir()
    (target / "00_tour.ipynb").write_text("my own work")
    (target / "README.md").symlink_to(tmp_path / "elsewhere")
    done = lay_out(target, origin)

    assert done.left == ("00_tour.ipynb", "README.md")
    assert done.written == ("batches/one.toml",)
    assert (target / "00_tour.ipynb").read_text() == "my own work"
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_written_is_said(origin, tmp_path):
    """A file where the folder should be is named, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        lay_out(tmp_path / "file", origin)


def test_an_installation_without_notebooks_is_said(monkeypatch, tmp_path):
    """Neither packaged nor in a checkout: install it again."""
    monkeypatch.setattr(gallery, "_PACKAGED", tmp_path)
    monkeypatch.setattr(gallery, "_CHECKOUT", tmp_path)
    with pytest.raises(SettingsError) as missing:
        gallery.source()

    assert "install wsops again" in missing.value.remedy


def test_the_packaged_notebooks_come_first(monkeypatch, origin):
    """An installed wsops uses its own, whatever folder lies beside it."""
    monkeypatch.setattr(gallery, "_PACKAGED", origin)

    assert gallery.source() == origin


def test_the_command_says_what_comes_next(tmp_path):
    """Each file on stdout, the next command on stderr; twice is as good as once."""
    first = run(tmp_path / "my books", "--profile", "prod")
    second = run(tmp_path / "my books", "--json")
    document = json.loads(second.stdout)

    assert first.returncode == second.returncode == 0
    assert first.stderr == f"next: wsops lab --profile prod '{tmp_path}/my books'\n"
    assert "written  00_tour.ipynb" in first.stdout
    assert document["written"] == []
    assert "00_tour.ipynb" in document["left"]
    assert "left     00_tour.ipynb" in run(tmp_path / "my books").stdout
