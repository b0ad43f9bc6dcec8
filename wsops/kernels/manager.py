"""What jupyter_client needs for a kernel of ours: where it comes from, and where it listens."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.paths import jupyter_path

from wsops.kernels.client import Client
from wsops.kernels.provisioner import WarmProvisioner

_OWN = {"provisioner_name": "wsops-warm"}
_RECONNECT = 10  # ms between looks whether a kernel listens already; 100 by itself
_EVERY = 0.05

_contexts: dict[int, zmq.asyncio.Context] = {}  # by process: a fork cannot use its parent's


class Specs(KernelSpecManager):
    """Finds kernelspecs as usual, and has this process's nursery start the kernels."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(kernel_dirs=[*jupyter_path("kernels"), _old_place()])
        self._provisioner = _OWN | {"config": config}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give a kernelspec; one that names a place of its own for its kernels keeps it."""
        spec = super().get_kernel_spec(kernel_name)
        spec.metadata = {"kernel_provisioner": self._provisioner} | spec.metadata
        return spec


def _old_place() -> str:
    """Give where IPython keeps kernelspecs: to ask it would take half a second of imports."""
    own = os.environ.get("IPYTHONDIR") or "~/.ipython"
    return str(Path(own).expanduser() / "kernels")


def manager(kernel_name: str, folder: Path, config: dict[str, Any]) -> AsyncKernelManager:
    """Give the manager of a kernel that is reached through sockets in a folder of its own.

    Args:
        kernel_name: of the kernelspec.
        folder: private, and with a short path.
        config: of the provisioner.
    """
    return AsyncKernelManager(
        kernel_name=kernel_name,
        kernel_spec_manager=Specs(config),
        client_factory=Client,
        transport="ipc",
        connection_file=str(folder / "kernel.json"),
        ip=str(folder / "s"),
        context=context_of_process(),
    )


def context_of_process() -> zmq.asyncio.Context:
    """Give the zmq context of this process: two threads for all kernels, not two for each."""
    process = os.getpid()
    if process not in _contexts:
        made = zmq.asyncio.Context()
        made.setsockopt(zmq.RECONNECT_IVL, _RECONNECT)
        if _contexts.setdefault(process, made) is not made:
            made.term()  # another thread was first, and rows may use its context already
    return _contexts[process]


async def exited(km: AsyncKernelManager) -> None:
    """Wait until a kernel's process has ended."""
    if isinstance(km.provisioner, WarmProvisioner):
        await km.provisioner.ended()
    while await km.is_alive():  # noqa: ASYNC110  (of a kernel that is not ours nobody tells)
        await asyncio.sleep(_EVERY)
