"""A simulated Workspace service as a process of its own, for as long as a block runs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

from wsops import tethered
from wsops.errors import WsopsError

POLLING: Mapping[str, float] = {
    "first": 0.5,
    "longest": 1.5,
    "verify_every": 0.3,
    "verify_within": 20,
    "reconcile_every": 0.5,
    "reconcile_within": 3,
}
"""How often to look, in seconds, where the simulator runs about 60 times faster than a region."""

PACE: Mapping[str, float] = {"write_every": 0.5}
"""How fast to ask such a simulator, in seconds between changing requests."""

NO_CAPACITY: Mapping[str, str] = {"code": "WKS.00010034", "reason": "no capacity in the zone"}
"""Why a desktop fails that is made to fail, so that there is something to see."""

_TOLD = 300  # characters of a complaint
_ANSWERS_WITHIN = 10  # seconds
_OTHERS = ("WSOPS_", "HUAWEICLOUD_")


@contextmanager
def simulator(*options: str) -> Iterator[Mapping[str, str]]:
    """Run `wsops simulate --json` with more options for the block; gives its connection.

    The keys are those of the line that the simulator prints: endpoint, iam_endpoint, project_id,
    region, token and others.

    Raises:
        WsopsError: it did not start; says what it said.
    """
    with tempfile.TemporaryFile() as complaints:
        arguments = ["wsops", "simulate", "--json", *options]
        process = tethered.start(arguments, stdout=subprocess.PIPE, stderr=complaints)
        try:
            assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
            line = process.stdout.readline()
            if not line:
                complaints.seek(0)
                said = complaints.read().decode(errors="replace").strip()
                msg = f"the simulator did not start: {said[-_TOLD:]}"
                raise WsopsError(msg, remedy="see what `wsops simulate` says by itself")
            yield json.loads(line)
        finally:
            tethered.end(process)


def environment(service: Mapping[str, str], journal: str) -> dict[str, str]:
    """Give this process's environment with a simulator as the only place that wsops knows.

    Settings and credentials of a real region are left out of it.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OTHERS)}
    keys = ("endpoint", "iam_endpoint", "project_id", "region", "token")
    place = {f"WSOPS_{key.upper()}": service[key] for key in keys}
    polling = {f"WSOPS_POLLING__{key.upper()}": f"{value:g}" for key, value in POLLING.items()}
    pace = {f"WSOPS_PACE__{key.upper()}": f"{value:g}" for key, value in PACE.items()}
    own = {"WSOPS_PROFILE": "default", "WSOPS_AUTH": "token", "WSOPS_JOURNAL": journal}
    return kept | place | polling | pace | own


def let_fail(service: Mapping[str, str], desktop_ids: Sequence[str]) -> None:
    """Script a simulator so that the next rebuild of some desktops fails, for want of capacity."""
    fault = {"kind": "desktop_fails", "args": {"desktop_ids": [*desktop_ids], **NO_CAPACITY}}
    # Whatever proxy the machine has: this is loopback.
    with httpx.Client(trust_env=False, timeout=_ANSWERS_WITHIN) as client:
        client.post(f"{service['endpoint']}/_sim/faults", json=fault).raise_for_status()
