"""Real kernels, warm and fresh, in an environment that all of them share."""

import itertools
import os
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from wsops.kernels import Terms, execute, nursery

NAMES = itertools.count(1)
PYTHON = {"name": "python3", "language": "python", "display_name": "Python 3"}


@pytest.fixture(scope="session")
def kernel_env(kernel_home):
    """Give the environment of all kernels: that of the other tests, which a zygote remembers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        # Traced, kernels take twice as long; what they run is covered elsewhere.
        if not name.startswith(
            ("WSOPS_", "HUAWEICLOUD_", "COVERAGE_", "XDG_", "MPL", "JUPYTER", "PYTEST", "JPY_")
        )
    }
    own = {"HOME": str(kernel_home), "MPLCONFIGDIR": str(kernel_home / "fonts")}
    return kept | own | {"OPENBLAS_NUM_THREADS": "1"}  # a zygote has one thread, so kernels have


@pytest.fixture(scope="module")
def traced_env(kernel_env):
    """Give the same where the tests are traced with the kernels: a zygote of its own for these."""
    traced = {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")}
    if traced:
        nursery().close()
    yield kernel_env | traced
    if traced:
        nursery().close()


@pytest.fixture(scope="session", autouse=True)
def _kernels_end_with_the_tests():
    yield
    nursery().close()


class Run:
    """What became of a notebook, and what its cells said."""

    def __init__(self, played, target):
        self.played, self.target = played, target
        self.error, self.message, self.code = played.error, played.message, played.exit_code

    @property
    def cells(self):
        cells = [cell for cell in self.played.notebook.cells if cell.cell_type == "code"]
        return [cell for cell in cells if "injected-parameters" not in cell.metadata.tags]

    @property
    def said(self):
        """The standard output of each cell."""
        return [
            "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
            for cell in self.cells
        ]

    @property
    def written(self):
        return nbformat.read(self.target, as_version=4)


@pytest.fixture
def book(tmp_path):
    """Give a function that writes a notebook of code cells; a pair is a cell with a tag."""

    def write(*cells, kernel=PYTHON, name=None):
        pairs = [cell if isinstance(cell, tuple) else (cell, None) for cell in cells]
        made = [new_code_cell(text, metadata={"tags": [tag] if tag else []}) for text, tag in pairs]
        path = tmp_path / (name or f"book-{next(NAMES)}.ipynb")
        path.parent.mkdir(exist_ok=True)
        metadata = {"kernelspec": kernel} if kernel else {}
        nbformat.write(new_notebook(cells=made, metadata=metadata), path)
        return path

    return write


@pytest.fixture
def run(book, kernel_env, tmp_path):
    """Give a function that runs code cells, or a notebook, in a kernel of its own."""

    def one(*cells, parameters=None, target=None, **how):
        source = cells[0] if isinstance(cells[0], Path) else book(*cells)
        target = target or source.with_name(f"{source.stem}-out.ipynb")
        log = source.with_suffix(".log")
        handle = how.pop("handle", None)
        place = {"warm": True, "cwd": tmp_path, "env": kernel_env, "log": log}
        terms = Terms(**(place | how))
        return Run(execute(source, target, parameters or {}, terms, handle), target)

    return one


@pytest.fixture
def children():
    """Give a function that lists the living processes below one, this one by default."""

    def below(pid=None):
        found = psutil.Process(pid).children(recursive=True)
        return [one for one in found if one.is_running() and one.status() != "zombie"]

    return below
