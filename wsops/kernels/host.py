"""The kernel of one run: its folder, its process, the client that talks to it, and its end."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from wsops.errors import WsopsError
from wsops.kernels.client import Client, connected
from wsops.kernels.manager import exited, manager
from wsops.kernels.nurseries import nursery
from wsops.kernels.parent import Kernel
from wsops.kernels.provisioner import WarmProvisioner
from wsops.kernels.terms import Terms

_NO_HISTORY = "--HistoryManager.hist_file=:memory:"
_LEAVES_WITHIN, _ENDS_WITHIN = 2.0, 5.0  # seconds: asked to, and made to
_TOLD = 600  # characters of a log
_REMEDY = "see whether the notebook's kernel is installed: jupyter kernelspec list"


class Host:
    """One kernel at a time, and whatever can be done to it, whether it is there or not."""

    def __init__(self, kernel_name: str, terms: Terms) -> None:
        self._kernel_name, self._terms = kernel_name, terms
        self._folder: Path | None = None
        self.manager: AsyncKernelManager | None = None
        self.client: Client | None = None

    async def start(self, arguments: list[str], within: float) -> dict[str, Any]:
        """Start a kernel, wait until it can be talked to, and give what it says of itself.

        Raises:
            WsopsError: it did not start; says what it wrote last.
        """
        self._folder = nursery().new_folder()
        log = (self._terms.log or self._folder / "log").absolute()
        config = {"warm": self._terms.warm, "log_file": str(log), "memory": self._terms.memory}
        self.manager = km = manager(self._kernel_name, self._folder, config)
        history = [_NO_HISTORY] if km.ipykernel else []
        cwd = str((self._terms.cwd or Path.cwd()).absolute())
        try:
            await km.start_kernel(extra_arguments=arguments + history, cwd=cwd, env=self._env)
            self.client, answer = await connected(km, exited, within)
        except (RuntimeError, OSError, WsopsError) as error:
            msg = f"{error}{_last_words(log)}"
            await self.end()
            raise WsopsError(msg, remedy=getattr(error, "remedy", _REMEDY)) from error
        return answer

    async def interrupt(self) -> None:
        """Interrupt what the kernel runs, as its kernelspec wants it."""
        if self.manager is not None and self.manager.has_kernel:
            await self.manager.interrupt_kernel()

    async def kill(self) -> None:
        """End the kernel by force, with all that it has started."""
        provisioner = self.manager.provisioner if self.manager is not None else None
        if provisioner is not None and provisioner.has_process:
            await provisioner.kill()

    async def exited(self) -> None:
        """Wait until the kernel's process has ended."""
        if self.manager is not None:
            await exited(self.manager)

    async def end(self) -> int | None:
        """End what is left of the kernel; gives its exit code where it had ended before."""
        km, client, folder = self.manager, self.client, self._folder
        process = self.process
        code = process.exit_code if process is not None else None
        if client is not None and km is not None and code is None:
            await _leave(km, client)
        await self.kill()
        if km is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(exited(km), _ENDS_WITHIN)
            await km.cleanup_resources()
        if client is not None:
            client.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self.manager = self.client = self._folder = None
        return code

    @property
    def process(self) -> Kernel | None:
        """The process, where it is one of this process's nursery."""
        provisioner = self.manager.provisioner if self.manager is not None else None
        return provisioner.kernel if isinstance(provisioner, WarmProvisioner) else None

    @property
    def _env(self) -> dict[str, str]:
        env = os.environ if self._terms.env is None else self._terms.env
        # With that name wsops would believe that a person sits before the notebook.
        return {name: value for name, value in env.items() if name != "JPY_SESSION_NAME"}


async def _leave(km: AsyncKernelManager, client: Client) -> None:
    """Ask a kernel to end by itself: what it has opened it closes, and its temporary files go."""
    client.shutdown()
    with suppress(TimeoutError):
        await asyncio.wait_for(exited(km), _LEAVES_WITHIN)
    client.control_channel.stop()


def _last_words(log: Path) -> str:
    try:
        said = log.read_text(errors="replace").strip()[-_TOLD:]
    except OSError:
        return ""
    return f"; it said: {said}" if said else ""
