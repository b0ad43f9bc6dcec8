"""The report that is kept as an example is what the notebook and the renderer make today."""

from pathlib import Path

import nbformat

from wsops.report import Renderer, read_notebook

ROOT = Path(__file__).resolve().parents[2]
NAME = "20_repair_mismatches.ipynb"
EXAMPLE = ROOT / "reports" / "example" / NAME


def sources(path):
    cells = nbformat.read(path, as_version=4).cells
    return [c.source for c in cells if "injected-parameters" not in c.metadata.get("tags", [])]


def test_the_example_was_run_from_the_present_notebook():
    """A changed notebook needs `make example`."""
    assert sources(EXAMPLE) == sources(ROOT / "notebooks" / NAME)


def test_the_page_of_the_example_is_the_one_of_the_present_renderer():
    """A changed renderer, style or script needs `make example`."""
    page = Renderer().render(read_notebook(EXAMPLE), NAME)

    assert page == EXAMPLE.with_suffix(".html").read_text(encoding="utf-8")
