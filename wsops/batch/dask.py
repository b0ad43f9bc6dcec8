"""The workers of a Dask scheduler as hands of a batch: for who outgrows one machine.

Dask runs a task again when its worker dies, four times by default. That must never happen to a
run, which may have sent: a scheduler that would is refused, tasks are not pure, and an attempt
whose folder is there is not run again in any case.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from distributed import Client

from wsops.batch.hands import Hands
from wsops.batch.task import interrupt_all
from wsops.errors import BatchError

_ANSWERS_WITHIN = 10  # seconds
_LOOPBACK = ("127.", "[::1]", "localhost")


@contextmanager
def workers_at(address: str, width: int) -> Iterator[Hands]:
    """Connect to the scheduler at HOST:PORT for the block.

    Raises:
        BatchError: it does not answer, has no worker, or would run a task again.
    """
    try:
        client = Client(  # type: ignore[no-untyped-call]
            f"tcp://{address}", timeout=_ANSWERS_WITHIN, set_as_default=False
        )
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address}: {error}"
        raise BatchError(msg, remedy="start `dask scheduler` and `dask worker`") from None
    with client:
        yield hands_on(client, width)


def hands_on(client: Client, width: int) -> Hands:
    """Give the workers of a client that exists as hands.

    Raises:
        BatchError: there is no worker, or the scheduler would run a task again.
    """
    hosts = _hosts(client)
    if not hosts:
        msg = "the Dask scheduler has no worker"
        raise BatchError(msg, remedy="start some: dask worker HOST:PORT --nthreads 1")
    allowed = client.run_on_scheduler(_allowed_failures)  # type: ignore[no-untyped-call]
    if allowed:
        msg = f"the Dask scheduler would run a task again, {allowed} times, when its worker dies"
        remedy = "start it with DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0"
        raise BatchError(msg, remedy=remedy)
    executor: Executor = client.get_executor(  # type: ignore[no-untyped-call]
        pure=False, retries=0
    )

    def interrupt(*, kill: bool = False) -> object:
        return client.run(interrupt_all, kill=kill, on_error="ignore")

    return Hands(executor, width, interrupt, one_host=all(map(_is_here, hosts)))


def _hosts(client: Client) -> set[str]:
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return {str(worker["host"]) for worker in workers.values()}


def _is_here(host: str) -> bool:
    """Tell whether a worker is on this host: by loopback, or by one of its addresses."""
    if host.startswith(_LOOPBACK):
        return True
    try:
        own = {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return False
    return host in own


def _allowed_failures(dask_scheduler: Any) -> int:  # noqa: ANN401  (Dask gives it by this name)
    return int(dask_scheduler.allowed_failures)
