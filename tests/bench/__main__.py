"""`python -m tests.bench [--quick] [--out FILE]`: measure everything, write and show the report.

The report is written room by room: what was measured stays, whatever becomes of the next one.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

from tests.bench.report import Room, met, page, save
from tests.bench.rooms import ROOMS

OUT = Path("reports/bench/latest.md")


def main() -> int:
    """Run all rooms; exit 1 where a goal was missed or a room failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a cut, in under a minute")
    parser.add_argument("--out", type=Path, help=f"the report; without --quick {OUT}")
    given = parser.parse_args()
    place = given.out or (None if given.quick else OUT)
    began = time.monotonic()
    rooms: dict[str, Room] = {}
    text = ""
    for title, measure in ROOMS.items():
        sys.stderr.write(f"{title} ...\n")
        try:
            rooms[title] = measure(quick=given.quick)
        except Exception as error:  # noqa: BLE001  (whatever it is, the other rooms go on)
            traceback.print_exc()
            rooms[title] = error
        text = page(rooms, quick=given.quick, seconds=time.monotonic() - began)
        save(text, place)
    sys.stdout.write(text)
    return int(not all(map(met, rooms.values())))


if __name__ == "__main__":
    sys.exit(main())
