"""Who carries the runs of a batch out: threads of this process, or workers of a Dask scheduler.

Anything that is a `concurrent.futures.Executor` will do; besides it takes a way to interrupt what
is under way, which executors do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from wsops.batch.records import Spec
from wsops.batch.task import interrupt_all
from wsops.errors import BatchError

LOCAL, DASK = "local", "dask://"


@dataclass(frozen=True)
class Hands:
    """An executor, how many runs it may have at once, and how they are interrupted.

    `interrupt(kill=…)` interrupts all that run, or ends their kernels. `one_host` tells that all
    of them are on this host, where they share one journal.
    """

    executor: Executor
    width: int
    interrupt: Callable[..., object]
    one_host: bool = True


@contextmanager
def hands_of(spec: Spec) -> Iterator[Hands]:
    """Give the hands that a spec asks for, for the block: "local" or dask://HOST:PORT.

    Raises:
        BatchError: it asks for something else, Dask is not installed or does not answer, or rows
            that apply would run where they do not share one journal.
    """
    with _opened(spec) as hands:
        if spec.apply and not hands.one_host:
            msg = "rows that apply must share one journal, and the workers are on other hosts"
            raise BatchError(msg, remedy="run them on one host: leave --executor out")
        yield hands


def _opened(spec: Spec) -> AbstractContextManager[Hands]:
    if spec.executor == LOCAL:
        return local(spec.workers)
    if not spec.executor.startswith(DASK):
        msg = f"--executor {spec.executor!r} is neither local nor dask://HOST:PORT"
        raise BatchError(msg, remedy="give the address of a Dask scheduler, or leave it out")
    try:
        from wsops.batch.dask import workers_at  # noqa: PLC0415  (an extra: not everybody has it)
    except ImportError:
        msg = "Dask is not installed"
        raise BatchError(msg, remedy="pip install 'wsops[dask]'") from None
    return workers_at(spec.executor.removeprefix(DASK), spec.workers)


@contextmanager
def local(width: int) -> Iterator[Hands]:
    """Give threads of this process for the block; each run has a kernel process of its own."""
    with ThreadPoolExecutor(width, thread_name_prefix="worker") as threads:
        yield Hands(threads, width, interrupt_all)
