"""Makes reports/example from a real run on the simulator: `python docs/example.py`."""

import os
import tempfile
from pathlib import Path

import nbformat
import papermill

from wsops import connect
from wsops.audit import audit
from wsops.report import Renderer, read_notebook
from wsops.simulator import Options, Simulation
from wsops.tour import SPEED, let_fail

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "example"
NAME = "20_repair_mismatches.ipynb"


def main() -> None:
    """Repair a simulated fleet by the notebook, with one desktop failing, and render the result."""
    options = Options(pools=12, desktops=20, seed=7, speed=SPEED)
    with Simulation(options) as service, tempfile.TemporaryDirectory() as folder:
        os.environ.update(_environment(service, Path(folder)))
        parameters = _approved(service) | {"apply": True, "change": "CHG-1042"}
        executed = Path(folder) / NAME
        papermill.execute_notebook(ROOT / "notebooks" / NAME, executed, parameters)
        notebook = nbformat.read(executed, as_version=4)
    # Where it was made, and with which files, is nobody's business.
    notebook.metadata.pop("papermill")
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
    OUT.mkdir(exist_ok=True)
    nbformat.write(notebook, OUT / NAME)
    page = Renderer().render(read_notebook(OUT / NAME), NAME)
    (OUT / NAME).with_suffix(".html").write_text(page, encoding="utf-8")


def _approved(service: Simulation) -> dict[str, object]:
    """Give the numbers that a person would approve, and let one of the desktops fail."""
    with connect() as ws:
        seen = audit(ws)
    idle = [m for m in seen.mismatches if not m.in_use]
    let_fail(service, idle[-1].desktop_id)
    images = {m.pool_image_id for m in seen.mismatches}
    return {"max_desktops": len(seen.mismatches), "expect_images": ",".join(sorted(images))}


def _environment(service: Simulation, folder: Path) -> dict[str, str]:
    keys = ("endpoint", "iam_endpoint", "project_id", "token")
    place = {f"WSOPS_{key.upper()}": getattr(service, key) for key in keys}
    quick = {"WSOPS_POLLING__FIRST": "0.5", "WSOPS_POLLING__LONGEST": "1.5"}
    quick |= {"WSOPS_POLLING__VERIFY_EVERY": "0.3", "WSOPS_PACE__WRITE_EVERY": "0.5"}
    own = {"WSOPS_REGION": service.cloud.region_name, "WSOPS_OPERATOR": "operator", "TZ": "UTC"}
    return place | quick | own | {"WSOPS_JOURNAL": str(folder / "journal.sqlite")}


if __name__ == "__main__":
    main()
