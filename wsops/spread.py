"""The same work for many, in a bounded pool of threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from wsops.client import Workspace

T = TypeVar("T")
S = TypeVar("S")
Tell = Callable[[int, int], None]


def spread(
    ws: Workspace, work: Callable[[S], T], over: Sequence[S], tell: Tell = lambda _d, _a: None
) -> tuple[T, ...]:
    """Do the work for each of them in a bounded pool of threads; results in the order given.

    The first error ends it: what has not begun is not begun.
    """
    if not over:
        return ()
    executor = ThreadPoolExecutor(min(ws.settings.pace.workers, len(over)), "wsops-read")
    wait = True
    try:
        futures = [executor.submit(work, one) for one in over]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            tell(done, len(over))
        return tuple(future.result() for future in futures)
    except (KeyboardInterrupt, SystemExit):
        wait = False  # a service that does not answer must not hold back Ctrl-C
        raise
    finally:
        executor.shutdown(wait=wait, cancel_futures=True)
