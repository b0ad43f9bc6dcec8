"""The notebooks as files: thin, clean, typed, and without a trace of whoever ran them last."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
FOUND = sorted(FOLDER.glob("*.ipynb"))
NAMES = {
    "00_tour",
    "05_connect",
    "10_fleet_audit",
    "20_repair_mismatches",
    "30_rebuild_pools",
    "40_follow_jobs",
    "50_history",
}
LONGEST_CELL = 12
LARGEST = 20_000  # bytes
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

each = pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def trees(path):
    return [ast.parse(cell.source) for cell in code_cells(path)]


def nodes(path):
    return [node for tree in trees(path) for node in ast.walk(tree)]


def tags(cell):
    return cell.metadata.get("tags", [])


def test_the_notebooks_are_these():
    """One for each step of a working day, in its order."""
    assert {path.stem for path in FOUND} == NAMES


@each
def test_a_notebook_is_valid(path):
    """Format 4.5, for the standard kernel, small enough to be read in a review."""
    notebook = read(path)
    nbformat.validate(notebook)

    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert path.stat().st_size < LARGEST


@each
def test_a_notebook_holds_no_result(path):
    """No output, no count, no state of a widget, no parameters of a run: those go to reports."""
    dirty = [cell.id for cell in code_cells(path) if cell.outputs or cell.execution_count]
    injected = [cell.id for cell in read(path).cells if "injected-parameters" in tags(cell)]
    traces = {"widgets", "papermill", "signature"} & set(read(path).metadata)

    assert (dirty, injected, traces) == ([], [], set())


@each
def test_a_notebook_begins_with_its_title(path):
    """A headline first, so that whoever opens it knows where they are."""
    first = read(path).cells[0]

    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


@each
def test_the_first_code_cell_holds_the_parameters(path):
    """It alone is tagged, and holds nothing but names with a type and a default."""
    tagged = [n for n, cell in enumerate(code_cells(path)) if "parameters" in tags(cell)]
    tree = trees(path)[0]
    bare = [node for node in tree.body if not isinstance(node, ast.AnnAssign) or not node.value]

    assert tagged == [0]
    assert bare == []


@each
def test_each_parameter_explains_itself(path):
    """Forms, batches and checks read name, type, default and help from that cell."""
    names = {node.target.id for node in trees(path)[0].body}
    known = papermill.inspect_notebook(str(path))
    silent = [
        name
        for name, parameter in known.items()
        if not parameter["help"] or parameter["inferred_type_name"] in {"", "None"}
    ]

    assert set(known) == names
    assert silent == []


@each
def test_a_notebook_defines_nothing(path):
    """What is worth a name is in the package, where it is tested."""
    named = [getattr(node, "name", "lambda") for node in nodes(path) if type(node) in DEFINITIONS]

    assert named == []


@each
def test_a_cell_fits_in_a_glance(path):
    """Twelve lines at most, comments among them."""
    long = [cell.id for cell in code_cells(path) if len(cell.source.splitlines()) > LONGEST_CELL]

    assert long == []


@each
def test_a_notebook_imports_only_wsops(path):
    """And IPython.display, to show something; no magic, no shell."""
    imported = {
        name
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    strange = {name for name in imported if name.split(".")[0] != "wsops"} - {"IPython.display"}

    assert strange == set()


@each
def test_the_linter_finds_nothing_in_a_notebook(path):
    """The rules of the package hold in cells too, but for those that pyproject.toml names."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", "pyproject.toml", path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def stripped(tmp_path_factory):
    """Give the folder in which the commit hook has seen all notebooks."""
    folder = tmp_path_factory.mktemp("stripped")
    copies = [shutil.copy(FOLDER / f"{stem}.ipynb", folder) for stem in NAMES]
    (hook,) = hooks()
    command = [sys.executable, "-m", "nbstripout", *hook["args"], *copies]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@each
def test_stripping_a_notebook_changes_nothing(path, stripped):
    """What the commit hook would take away is not there."""
    assert json.loads((stripped / path.name).read_text()) == json.loads(path.read_text())


def hooks():
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    return [hook for repo in settings["repos"] for hook in repo["hooks"]]


def test_the_commit_hook_takes_every_trace_away(tmp_path):
    """Outputs, counts, states of widgets, and the parameters of a run: a password among them."""
    cells = [
        nbformat.v4.new_code_cell("x: str = ''  # what", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("x = 'S3CRET'", metadata={"tags": ["injected-parameters"]}),
        nbformat.v4.new_code_cell("x", execution_count=3, metadata={"papermill": {"x": "S3CRET"}}),
    ]
    cells[2].outputs = [nbformat.v4.new_output("stream", text="S3CRET")]
    metadata = {"papermill": {"parameters": {"x": "S3CRET"}}, "widgets": {"state": "S3CRET"}}
    path = tmp_path / "ran.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    (hook,) = hooks()
    command = [sys.executable, "-m", "nbstripout", *hook["args"], str(path)]
    subprocess.run(command, check=True, capture_output=True)

    assert "S3CRET" not in path.read_text()
    assert len(read(path).cells) == 2


def test_the_commit_hook_comes_from_no_host():
    """It runs what is installed here, for notebooks alone."""
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    (hook,) = hooks()

    assert "://" not in text
    assert hook["language"] == "system"
    assert hook["types"] == ["jupyter"]


def test_the_notebooks_are_packed():
    """A wheel holds just these as wsops/notebooks, nothing that lies beside them."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    packed = build["targets"]["wheel"]["force-include"]
    rows = {f"batches/{path.name}" for path in (FOLDER / "batches").iterdir()}
    names = {f"{stem}.ipynb" for stem in NAMES} | {"README.md"} | rows
    assert packed == {f"notebooks/{name}": f"wsops/notebooks/{name}" for name in names}
    assert "notebooks" in build["targets"]["sdist"]["include"]
