"""The sides that are compared: each reads the same fleet and finds desktops on a wrong image.

Run as a module it measures one side in a fresh process: connection on stdin, result on stdout.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.bench.server import Connection

UNPACED = {"reads_per_second": 1e9}
PAGE = 100
SDK = "huaweicloudsdkworkspace.v2"
WSOPS = ("wsops.audit", "wsops.aksk")
_KEPT = ("endpoint", "iam_endpoint", "project_id", "region")


@dataclass(frozen=True)
class Seen:
    """What a side read: how many desktops, and the IDs of those that differ, in order."""

    desktops: int
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """One run of a side in a process of its own: seconds, and MB at the peak of the process."""

    seconds: float
    cpu: float
    peak: float
    desktops: int
    differing: int


def wsops_full(connection: Connection) -> Seen:
    """Read all desktops with wsops, pacing lifted."""
    return _wsops(connection, full=True, pace=UNPACED)


def wsops_filtered(connection: Connection) -> Seen:
    """Read with wsops what the region's filter gives, pacing lifted."""
    return _wsops(connection, full=False, pace=UNPACED)


def wsops_paced(connection: Connection) -> Seen:
    """Read all desktops with wsops at its default pace."""
    return _wsops(connection, full=True, pace={})


def sdk_sequence(connection: Connection) -> Seen:
    """Read all desktops with the official SDK, one request after the other."""
    client = sdk_client(connection)
    return _together(_sdk_pool(client, pool) for pool in _sdk_pools(client))


def sdk_threads(connection: Connection, workers: int = 16) -> Seen:
    """Read all desktops with the official SDK in threads, with a connection for each of them."""
    client = sdk_client(connection, workers)
    with ThreadPoolExecutor(workers) as threads:
        return _together(threads.map(lambda pool: _sdk_pool(client, pool), _sdk_pools(client)))


SIDES: dict[str, Callable[[Connection], Seen]] = {
    side.__name__: side
    for side in (wsops_full, wsops_filtered, wsops_paced, sdk_sequence, sdk_threads)
}


def measure(side: str, connection: Connection) -> Measured:
    """Measure a side in a process of its own; imports are not counted, connecting is."""
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, side],
        input=json.dumps(connection),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Measured(**json.loads(done.stdout))


def sdk_client(connection: Connection, connections: int = 1) -> Any:
    """Make a client of the official SDK that signs with AK and SK."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.http.http_config import HttpConfig

    keys = BasicCredentials(connection["ak"], connection["sk"], connection["project_id"])
    config = HttpConfig(timeout=(10, 60), pool_maxsize=connections)
    builder = importlib.import_module(SDK).WorkspaceClient.new_builder()
    builder = builder.with_http_config(config).with_credentials(keys)
    return builder.with_endpoints([connection["endpoint"]]).build()


def _wsops(connection: Connection, *, full: bool, pace: dict[str, float]) -> Seen:
    from wsops import connect
    from wsops.audit import audit

    # The same way in as the SDK's, by the same keys.
    keys = {"HUAWEICLOUD_SDK_AK": connection["ak"], "HUAWEICLOUD_SDK_SK": connection["sk"]}
    settings = {key: connection[key] for key in _KEPT}
    with patch.dict(os.environ, keys), connect(auth="aksk", pace=pace, **settings) as ws:
        found = audit(ws, full=full)
    assert not found.unread
    assert not found.notes
    return Seen(found.desktops, tuple(sorted(one.desktop_id for one in found.mismatches)))


def _sdk_pools(client: Any) -> list[Any]:
    from huaweicloudsdkworkspace.v2 import ListDesktopPoolsRequest

    found: list[Any] = []
    while True:
        answer = client.list_desktop_pools(ListDesktopPoolsRequest(limit=1000, offset=len(found)))
        found += answer.desktop_pools
        if not answer.desktop_pools or len(found) >= answer.total_count:
            return found


def _sdk_pool(client: Any, pool: Any) -> Seen:
    from huaweicloudsdkworkspace.v2 import ListPoolDesktopsDetailRequest

    read, differing = 0, []
    while True:
        request = ListPoolDesktopsDetailRequest(pool_id=pool.id, limit=PAGE, offset=read)
        answer = client.list_pool_desktops_detail(request)
        read += len(answer.pool_desktops)
        differing += [
            desktop.desktop_id
            for desktop in answer.pool_desktops
            if desktop.metadata["metering.image_id"] != pool.image_id
        ]
        if not answer.pool_desktops or read >= answer.total_count:
            return Seen(read, tuple(differing))


def _together(parts: Iterable[Seen]) -> Seen:
    seen = list(parts)
    differing = sorted(one for part in seen for one in part.differing)
    return Seen(sum(part.desktops for part in seen), tuple(differing))


def peak() -> float:
    """Give the most memory that this process ever held, in MB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(side: str) -> None:
    """Measure one side here, and write the result."""
    connection = json.load(sys.stdin)
    for name in (SDK,) if side.startswith("sdk") else WSOPS:
        importlib.import_module(name)
    began, used = time.perf_counter(), _cpu()
    seen = SIDES[side](connection)
    seconds, cpu = time.perf_counter() - began, _cpu() - used
    result = Measured(seconds, cpu, peak(), seen.desktops, len(seen.differing))
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
