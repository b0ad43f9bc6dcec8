"""A simulated service in a process of its own, so that it shares no interpreter with a client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

from wsops.simulator import Options, serve

Connection = dict[str, str]


@contextmanager
def served(**options: float | bool) -> Iterator[Connection]:
    """Serve a fleet made by these options, and give what a client must know to connect."""
    command = [sys.executable, "-m", __name__, json.dumps(options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def ledger(connection: Connection, since: int = 0) -> list[dict[str, object]]:
    """Give the requests that the service received after number `since`."""
    with urlopen(f"{connection['endpoint']}/_sim/ledger?since={since}") as answer:
        entries: list[dict[str, object]] = json.load(answer)["entries"]
        return entries


def _ready(connection: Connection) -> None:
    sys.stdout.write(json.dumps(connection) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(Options(**json.loads(sys.argv[1])), 0, _ready)
