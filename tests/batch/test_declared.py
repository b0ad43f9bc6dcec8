"""The parameters that a notebook declares: read from its cell, never run."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wsops.batch.spec import declared
from wsops.batch.spec.declared import read_declared
from wsops.batch.spec.kinds import Foreign
from wsops.declared import declared as declared_by
from wsops.errors import SpecError

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
TAGGED = {"tags": ["parameters"]}


@pytest.fixture
def book(tmp_path):
    """Give a function that writes a notebook with these cells; texts are parameters cells."""

    def write(*cells):
        made = [
            new_code_cell(cell, metadata=TAGGED) if isinstance(cell, str) else cell
            for cell in cells
        ]
        path = tmp_path / "nb.ipynb"
        nbformat.write(new_notebook(cells=made), path)
        return path

    return write


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_of_the_house_can_be_a_batch(path):
    """Each parameter has a type that is known, and a default of that type that is plain to see."""
    found = read_declared(path)

    assert found.content == path.read_bytes()
    assert len(found.parameters) >= 1
    for one in found.parameters.values():
        assert one.kind is type(one.default)
        assert one.known
        assert not one.required


def test_the_cell_says_name_type_and_default(book):
    """Also where a line has no annotation, no default, or one that only Python can work out."""
    found = read_declared(
        book(
            "image_id: str\n"
            "delay = 15  # minutes\n"
            "tags: list[str] | None = None\n"
            "out: Path = Path('x')\n"
            "at = now()\n"
            "sign: int = -1\n"
            "if delay:\n    inner: int = 3\n"
            "a, b = 1, 2\n"
            "delay += 1\n"
        )
    )
    told = {one.name: one for one in found.parameters.values()}

    assert list(told) == ["image_id", "delay", "tags", "out", "at", "sign"]
    assert (told["image_id"].kind, told["image_id"].required) == (str, True)
    assert (told["delay"].kind, told["delay"].written, told["delay"].default) == (int, "int", 15)
    assert (told["tags"].written, told["tags"].known) == ("list[str] | None", True)
    assert (told["out"].kind, told["out"].written, told["out"].known) == (Foreign, "Path", False)
    assert (told["at"].kind, told["at"].known, told["at"].required) == (Foreign, False, False)
    assert found.defaults == {"delay": 15, "tags": None, "sign": -1}


def test_what_the_cell_says_is_not_run(book):
    """Annotations and defaults are read as text; no file comes into being."""
    touch = "__import__('pathlib').Path('canary').touch()"
    found = read_declared(book(f'a: {touch} = {touch}\nb: "{touch}" = 1\n{touch}'))

    assert [one.kind for one in found.parameters.values()] == [Foreign, Foreign]
    assert not Path("canary").exists()


def test_a_cell_without_parameters_takes_none(book):
    """It is tagged, so it was meant so."""
    assert read_declared(book("# none yet")).parameters == {}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([], "has no cell tagged `parameters`"),
        ([new_code_cell("a = 1")], "has no cell tagged `parameters`"),
        ([new_code_cell("a = 1", metadata={"tags": ["Parameters"]})], "has no cell tagged"),
        ([new_markdown_cell("a = 1", metadata=TAGGED)], "has no cell tagged"),
        (["a = 1", "b = 1"], "has 2 cells tagged `parameters`: the later ones would undo"),
        (["%matplotlib inline"], "that is not plain Python"),
        (["a = (1"], "that is not plain Python"),
        (["a = " + "-" * 9000 + "1"], "that is not plain Python"),
    ],
)
def test_a_notebook_without_one_cell_of_parameters_is_refused(book, cells, why):
    """A row would change nothing, or be undone; the remedy says what to do to the cell."""
    with pytest.raises(SpecError, match=why) as caught:
        read_declared(book(*cells))

    assert "cell" in caught.value.remedy or "name: type" in caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"print(1)", "is not a notebook: it is not JSON"),
        (b"\xff\xfe", "is not a notebook: it is not text"),
        (b"{}", "is not a notebook: it has no nbformat"),
        (b'{"nbformat": 3, "cells": []}', "notebook format 3"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "no list of cells"),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path, content, why):
    """One sentence says what it is instead."""
    path = tmp_path / "nb.ipynb"
    path.write_bytes(content)

    with pytest.raises(SpecError, match=why) as caught:
        read_declared(path)
    assert caught.value.remedy.startswith("give the path of a notebook")


def test_a_notebook_that_is_not_there_is_refused(tmp_path):
    """A missing file, a folder, and what is no path at all."""
    with pytest.raises(SpecError, match="No such file"):
        read_declared(tmp_path / "nb.ipynb")
    with pytest.raises(SpecError, match="is no file"):
        read_declared(tmp_path)
    with pytest.raises(SpecError, match="is no path"):
        read_declared(Path("a\0b"))


def test_a_notebook_that_changes_while_it_is_read_is_refused(book, monkeypatch):
    """What is run is what was checked: someone may be saving it in JupyterLab."""
    path = book("pools: str = ''")
    before = declared.read_notebook

    def meanwhile(of):
        found = before(of)
        book("polls: str = ''")
        return found

    monkeypatch.setattr(declared, "read_notebook", meanwhile)
    with pytest.raises(SpecError, match="changed while it was read"):
        read_declared(path)


@pytest.mark.parametrize("source", ["a = (", "%run x", "a = 1\0", "'''"])
def test_a_cell_that_is_not_python_declares_nothing_that_can_be_read(source):
    """None is no tuple: an empty cell declares nothing, which is something else."""
    assert declared_by(source) is None
    assert declared_by("") == ()
