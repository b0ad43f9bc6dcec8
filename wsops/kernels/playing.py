"""Plays a notebook in a kernel: runs its cells, and has an end for every way to end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient  # type: ignore[import-untyped]
from papermill.log import logger  # type: ignore[import-untyped]

from wsops.errors import WsopsError
from wsops.kernels.host import Host
from wsops.kernels.nurseries import nursery
from wsops.kernels.quota import Quota
from wsops.kernels.recorder import Recorder
from wsops.kernels.store import SCHEME
from wsops.kernels.terms import Handle, Outcome, Terms

_STARTS = 2
_DRAINED_AFTER = 0.1  # seconds from a kernel's end in which its last words arrive
_NOTICED_WITHIN = 5.0
_LISTENS_WITHIN, _EVERY = 2.0, 0.02
_NAMED = {"execution_timeout": "timeout", "start_timeout": "startup_timeout"}
_OURS = {"store_widget_state": False, "iopub_timeout": 60}


def play(  # noqa: PLR0913  (what papermill gives, by name)
    notebook: NotebookNode,
    kernel_name: str,
    *,
    output_path: str | None = None,
    progress_bar: bool | dict[str, Any] = True,
    terms: Terms | None = None,
    handle: Handle | None = None,
    outcome: Outcome | None = None,
    **options: Any,  # noqa: ANN401  (papermill's)
) -> NotebookNode:
    """Run a notebook from its first cell to its last, or to the first that fails.

    Raises:
        DeadKernelError: its kernel died.
        WsopsError: its kernel did not start.
    """
    for name in ("input_path", "autosave_cell_every"):
        options.pop(name, None)
    terms, handle, outcome = terms or Terms(), handle or Handle(), outcome or Outcome()
    outcome.notebook = notebook
    if terms.record is not None:
        output_path = f"{SCHEME}{terms.record}"
        named = {"input_path": terms.source, "output_path": str(terms.record)}
        notebook.metadata.papermill.update(named)
    log_output = bool(options.get("log_output"))
    recorder = Recorder(notebook, output_path, progress_bar=progress_bar, log_output=log_output)
    recorder.notebook_start()
    traits = _OURS | {_NAMED.get(name, name): value for name, value in options.items()}
    player = Player(recorder, kernel_name=kernel_name, log=logger, **traits)
    try:
        with ExitStack() as slot:
            slot.enter_context(nursery().starting)
            _run(player.play(terms, handle, outcome, slot), handle)
    finally:
        recorder.cleanup_pbar()
        recorder.whole = outcome.whole
        recorder.notebook_complete()
        if terms.record is None:
            recorder.write()
    return notebook


def _run(work: Coroutine[Any, Any, None], handle: Handle) -> None:
    """Run in an event loop of its own: in this thread, or beside the one that runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as beside:
        run = beside.submit(asyncio.run, work)
        try:
            run.result()
        except KeyboardInterrupt:
            handle.interrupt()
            raise


class Player(PapermillNotebookClient):  # type: ignore[misc]
    """One run; used once."""

    async def play(self, terms: Terms, handle: Handle, outcome: Outcome, slot: ExitStack) -> None:
        """Start a kernel, run the cells in it, and end it; `slot` is let go of when it is ready."""
        loop = asyncio.get_running_loop()
        path = self.resources.get("metadata", {}).get("path")
        self._terms = terms if terms.cwd or not path else replace(terms, cwd=Path(path))
        self._handle, self._outcome = handle, outcome
        self._host = Host(self.kernel_name, self._terms)
        self._asked, self._forced = asyncio.Event(), asyncio.Event()
        self._listening = True
        # Where no state is kept, nbclient would look for that of an Output widget all the same.
        self.widget_state: dict[str, Any] = defaultdict(dict)
        beside = [loop.create_task(self.nb_man.keep()), loop.create_task(self._watch())]
        try:
            with handle.heard_by(lambda: loop.call_soon_threadsafe(self._hear)):
                self._hear()
                await self._to_its_end(loop.create_task(self._perform(slot)))
        finally:
            for task in beside:
                task.cancel()
            outcome.exit_code = await self._host.end()

    async def _to_its_end(self, run: asyncio.Task[None]) -> None:
        """Wait for the run; Ctrl-C is an interrupt like any other, so that the record has it."""
        try:
            await asyncio.shield(run)
        except asyncio.CancelledError:
            self._handle.interrupt()
            with suppress(Exception):  # the interrupt is what counts
                await run
            raise

    async def _perform(self, slot: ExitStack) -> None:
        await self._begin()
        slot.close()
        await self._cells()

    async def _begin(self) -> None:
        """Start the kernel; in a second attempt if need be, for no cell has run yet."""
        for attempt in range(1, _STARTS + 1):
            if self._handle.wish:
                self._outcome.stopped = "interrupted"
                return
            try:
                info = await self._host.start(list(self.extra_arguments), self.startup_timeout)
            except WsopsError:
                if attempt == _STARTS or self._outcome.stopped == "overdue":
                    raise
            else:
                break
        self.km, self.kc = self._host.manager, self._host.client
        self.nb.metadata["language_info"] = info["language_info"]
        process = self._host.process
        self._outcome.warm = process is not None and process.warm
        self._outcome.began = True

    async def _cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            if self._outcome.stopped:
                return
            self._listening, self._quota = False, Quota()
            self.nb_man.cell_start(cell, index)
            try:
                await self.async_execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                self._outcome.failure = f"{error.ename}: {error.evalue}"
                return
            except BaseException:
                self.nb_man.cell_exception(cell, cell_index=index)
                raise
            finally:
                self._listening = True
                self.nb_man.cell_complete(cell, cell_index=index)
        if self.store_widget_state:
            self.set_widgets_metadata()
        self._outcome.whole = True

    def process_message(self, msg: dict[str, Any], *rest: Any) -> Any:  # noqa: ANN401  (nbclient's)
        """Take a message of the running cell, and note that it can be interrupted from now on."""
        self._listening = self._listening or msg["msg_type"] == "execute_input"
        kept = self._quota.kept(msg)
        return None if kept is None else super().process_message(kept, *rest)

    async def _async_poll_kernel_alive(self) -> None:
        """Wait for the kernel's end in place of asking for it once a second."""
        await self._host.exited()
        await asyncio.sleep(_DRAINED_AFTER)
        self._give_up()

    def _give_up(self) -> None:
        """Wait no more for the running cell."""
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()

    def _hear(self) -> None:
        """Take in what the handle was asked for."""
        if self._handle.wish:
            self._asked.set()
        if self._handle.wish == "kill":
            self._forced.set()

    async def _watch(self) -> None:
        """Wait for whoever ends the run, or for its deadline; then see to it that it ends."""
        try:
            await asyncio.wait_for(self._asked.wait(), self._terms.deadline or None)
            self._outcome.stopped = "interrupted"
        except TimeoutError:
            self._outcome.stopped = "overdue"
        if not self._forced.is_set():
            await self._interrupt()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._forced.wait(), self._terms.grace)
        await self._host.kill()
        await asyncio.sleep(_NOTICED_WITHIN)
        self._give_up()

    async def _interrupt(self) -> None:
        """Interrupt the running cell, as soon as it has begun: before, it would not notice."""
        for _ in range(round(_LISTENS_WITHIN / _EVERY)):
            if self._listening:
                break
            await asyncio.sleep(_EVERY)
        await self._host.interrupt()
