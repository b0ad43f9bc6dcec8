"""Makes demo.svg from a real demo: `python docs/picture.py FOLDER-OF-A-DEMO`."""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wsops.batch import screens
from wsops.batch.ledger import Ledger
from wsops.batch.view import as_it_stands

_FONT = "font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;"


def main(folder: Path) -> None:
    """Render the newest batch of a demo as an SVG without any outside reference."""
    console = Console(record=True, width=116, file=io.StringIO(), force_terminal=True)
    with Ledger.known(str(folder / "journal.sqlite")) as ledger:
        batch = as_it_stands(ledger, ledger.batches()[0].batch_id)
        line = (
            "$ wsops batch run notebooks/20_repair_mismatches.ipynb --from-audit audit.json --apply"
        )
        console.print(Text(f"{line} …", style="bold cyan"))
        console.print(screens.batch(batch, most=20))
        for told in list(screens.after(batch))[:1]:
            console.print(told)
    svg = console.export_svg(title="wsops demo")
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", _FONT, svg)
    Path(__file__).with_name("demo.svg").write_text(svg)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
