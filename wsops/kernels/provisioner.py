"""Kernels for jupyter_client: each a fork of the zygote where that is as good as its command."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Integer, Unicode

from wsops.errors import WsopsError
from wsops.kernels.birth import Birth
from wsops.kernels.nurseries import nursery
from wsops.kernels.parent import Kernel

_BORN_WITHIN = 60.0


class WarmProvisioner(LocalProvisioner):
    """Has this process's nursery start a kernel, and speaks of it as of a local process.

    A kernelspec asks for it by `"kernel_provisioner": {"provisioner_name": "wsops-warm"}`.
    """

    warm = Bool(default_value=True, help="Fork it from the zygote where that is as good.").tag(
        config=True
    )
    log_file = Unicode(os.devnull, help="Takes what it writes past the notebook.").tag(config=True)
    memory = Integer(0, help="MiB of address space, 0 for no limit.").tag(config=True)
    kernel: Kernel | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a process that has not been waited for."""
        return self.kernel is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401  (as the base has it)
        """Start the kernel.

        Raises:
            WsopsError: no process could be made.
        """
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        birth = Birth(
            argv=tuple(cmd),
            env=dict(kwargs["env"]),
            cwd=self.cwd,
            log=self.log_file,
            memory=self.memory,
            warm=self.warm,
        )
        asked = asyncio.wrap_future(nursery().start(birth))
        try:
            self.kernel = await asyncio.wait_for(asked, _BORN_WITHIN)
        except TimeoutError:
            nursery().end_zygote()  # nobody could end its kernels either
            msg = f"no kernel: the process that makes them has not answered in {_BORN_WITHIN:g} s"
            raise WsopsError(msg, remedy="see what the machine is busy with, then again") from None
        self.pid = self.pgid = self.kernel.pid
        return self.connection_info

    async def poll(self) -> int | None:
        """Give the exit code, None while it runs; 0 where there is no process, as the base does."""
        return self.kernel.exit_code if self.kernel is not None else 0

    async def wait(self) -> int | None:
        """Wait for its end, and let go of it; gives its exit code."""
        code = await self.ended()
        self.kernel = None
        return code

    async def ended(self) -> int:
        """Wait for its end, and keep it; gives its exit code."""
        return await asyncio.wrap_future(self.kernel.exited) if self.kernel is not None else 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and to all that it has started."""
        if self.kernel is not None:
            self.kernel.signal(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (as the base has it)
        """End it by force, with all that it has started."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (the same)
        """Ask it to end, with all that it has started."""
        await self.send_signal(signal.SIGTERM)
