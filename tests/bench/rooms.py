"""What is measured, room by room; each gives the lines of its table."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.bench import sides
from tests.bench.batches import batches
from tests.bench.notebooks import notebooks
from tests.bench.report import Figure, bounded, compared, ratio
from tests.bench.server import Connection, served

HEAVY = ("httpx", "huaweicloudsdkcore", "huaweicloudsdkworkspace", "pandas", "pydantic", "rich")
HEAVY += ("sqlalchemy", "starlette", "uvicorn")
_PACED_ROUNDS = 3


def reading(*, quick: bool) -> list[Figure]:
    """Compare the audit of a fleet with the official SDK, 30 ms away, sides in turn."""
    pools, desktops, rounds = (20, 60, 2) if quick else (200, 500, 5)
    took: dict[str, list[float]] = defaultdict(list)
    with served(pools=pools, desktops=desktops, latency=0.03, warm=True) as connection:
        for turn in range(rounds):
            for side in sides.SIDES:
                if side != "wsops_paced" or turn < _PACED_ROUNDS:
                    took[side].append(sides.measure(side, connection).seconds)
    return _reading_lines(took, judged=not quick)


def _reading_lines(took: dict[str, list[float]], *, judged: bool) -> list[Figure]:
    full, filtered = took["wsops_full"], took["wsops_filtered"]
    sequence, threads = took["sdk_sequence"], took["sdk_threads"]
    return [
        Figure("SDK in sequence, all desktops", tuple(sequence), "s"),
        Figure("SDK in 16 threads, all desktops", tuple(threads), "s"),
        compared("wsops, all desktops, against sequence", full, sequence, 20, judged=judged),
        compared("wsops, all desktops, against threads", full, threads, 5, judged=judged),
        Figure(
            "wsops, all desktops, default pace, against sequence",
            tuple(took["wsops_paced"]),
            "s",
            ratio(sequence, took["wsops_paced"])[1],
        ),
        compared(
            "wsops, only what the filter gives (fewer requests), against sequence",
            filtered,
            sequence,
            80,
            judged=judged,
        ),
    ]


def memory(*, quick: bool) -> list[Figure]:
    """Audit a million desktops in a fresh process, and look at its peak."""
    pools, desktops = (20, 200) if quick else (400, 2500)
    with served(pools=pools, desktops=desktops, warm=not quick) as connection:
        found = sides.measure("wsops_full", connection)
    what = f"{found.desktops:,} desktops, {found.differing:,} mismatches kept"
    return [
        bounded(f"peak memory, {what}", [found.peak], "MB", 300, judged=not quick),
        Figure("time of the same, no latency", (found.seconds,), "s"),
    ]


def starting(*, quick: bool) -> list[Figure]:
    """Start the command line for its help, in turn with an empty Python."""
    rounds = 5 if quick else 15
    program = str(Path(sys.executable).with_name("wsops"))
    shown, bare = [], []
    for _ in range(rounds):
        shown.append(_wall([program, "--help"]))
        bare.append(_wall([sys.executable, "-c", "pass"]))
    loaded = heavy_modules()
    return [
        Figure("python -c pass", tuple(bare), "ms"),
        bounded("wsops --help", shown, "ms", 150, judged=True),
        Figure(
            f"heavy modules it imports: {', '.join(loaded) or 'none'}",
            (float(len(loaded)),),
            "",
            goal="none",
            met=not loaded,
        ),
    ]


def heavy_modules() -> list[str]:
    """Give the heavy modules that `wsops --help` imports."""
    code = (
        "import sys; from wsops.cli import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: sys.stderr.write(repr([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [name for name in HEAVY if repr(name) in done.stderr]


def writing(*, quick: bool) -> list[Figure]:
    """Time what safety costs: a durable commit, and a whole submit beside its bare POST."""
    pools, commits = (16, 100) if quick else (120, 1000)
    with served(pools=pools, desktops=3, mismatch=0.9) as connection, _desk(connection) as desk:
        ws, journal = desk
        kept = [
            _elapsed(lambda: journal.reserve_write("bench", "bench", 0)) for _ in range(commits)
        ]
        submits, posts = _submits_and_posts(ws, journal)
    return [
        Figure("one durable commit of the journal", tuple(kept), "ms", f"p99 {_p99(kept)}"),
        Figure("a bare POST", tuple(posts), "ms", f"p99 {_p99(posts)}"),
        Figure(
            "a whole submit: intent, POST, outcome (4 commits)",
            tuple(submits),
            "ms",
            f"{median(submits) / median(posts):.1f}x, p99 {_p99(submits)}",
        ),
    ]


@contextmanager
def _desk(connection: Connection) -> Iterator[tuple]:
    """Give a connection and a journal on this disk (a temporary folder may be no disk)."""
    from wsops import connect
    from wsops.journal import Journal

    settings = {key: connection[key] for key in ("endpoint", "project_id", "region", "token")}
    pace = sides.UNPACED | {"write_every": 0}
    with TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        place = str(Path(folder) / "journal.sqlite")
        with connect(**settings, pace=pace) as ws, Journal.open(place) as journal:
            yield ws, journal


def _submits_and_posts(ws, journal) -> tuple[list[float], list[float]]:
    """Send the requests of a plan, every other one bare."""
    from wsops.choice import Choice
    from wsops.planning import plan_for

    plan, _ = plan_for(ws, Choice(kind="repair"), ["*"])
    run = journal.start_run(plan, "bench", "bench")
    submits, posts = [], []
    for item, row in zip(plan.items, journal.items(run.run_id), strict=True):
        if row.seq % 2:
            submits.append(_elapsed(lambda item=item, row=row: _submit(ws, journal, item, row)))
        else:
            posts.append(_elapsed(lambda item=item: ws.send(item.path, item.body.encode())))
    return submits, posts


def _submit(ws, journal, item, row) -> None:
    from wsops.jobs import Timing
    from wsops.models import utc_now
    from wsops.submit import Outcome, Request, submit

    body = item.body.encode()

    def prepare() -> Callable[[], float]:
        journal.intend(row.item_id, body, {}, ())
        return Timing().age()

    request = Request(
        item_id=row.item_id,
        endpoint=row.endpoint,
        project_id=row.project_id,
        path=item.path,
        body=body,
        prepare=prepare,
        deadline=utc_now,
    )
    assert submit(ws, journal, request, Timing()).outcome is Outcome.ACCEPTED


def _elapsed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _wall(command: Sequence[str]) -> float:
    return _elapsed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))


def _p99(values: Sequence[float]) -> str:
    return f"{quantiles(values, n=100, method='inclusive')[98]:.3g} ms"


ROOMS: dict[str, Callable[..., list[Figure]]] = {
    "Reading 200 pools of 500 desktops on average, 30 ms away": reading,
    "Memory": memory,
    "Starting": starting,
    "Writing": writing,
    "Notebooks": notebooks,
    "Batches of a notebook of ten cells": batches,
}
