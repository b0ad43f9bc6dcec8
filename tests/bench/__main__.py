"""`python -m tests.bench [--quick] [--out FILE]`: measure everything, write and show the report."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench.report import page, save
from tests.bench.rooms import ROOMS

OUT = Path("reports/bench/latest.md")


def main() -> int:
    """Run all rooms; exit 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a cut, in under a minute")
    parser.add_argument("--out", type=Path, help=f"the report; without --quick {OUT}")
    given = parser.parse_args()
    began = time.monotonic()
    rooms = {}
    for title, measure in ROOMS.items():
        sys.stderr.write(f"{title} ...\n")
        rooms[title] = measure(quick=given.quick)
    text = page(rooms, quick=given.quick, seconds=time.monotonic() - began)
    save(text, given.out or (None if given.quick else OUT))
    return int(any(figure.met is False for figures in rooms.values() for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
