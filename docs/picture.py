"""Makes demo.svg from a real demo: `python docs/picture.py FOLDER-OF-A-DEMO`."""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wsops import screens
from wsops.journal import Journal
from wsops.outcome import standing

_FONT = "font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;"


def main(folder: Path) -> None:
    """Render the outcome of the newest run of a demo as an SVG without any outside reference."""
    console = Console(record=True, width=108, file=io.StringIO(), force_terminal=True)
    with Journal.open(str(folder / "journal.sqlite"), create=False) as journal:
        run = journal.runs(limit=1)[0]
        console.print(Text("$ wsops apply plan.json", style="bold cyan"))
        console.print(screens.outcome(*standing(journal, run.run_id)))
    svg = console.export_svg(title="wsops demo")
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", _FONT, svg)
    Path(__file__).with_name("demo.svg").write_text(svg)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
