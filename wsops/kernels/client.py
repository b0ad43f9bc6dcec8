"""The conversation with a kernel: two channels, and the moment from which nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from queue import Empty
from typing import Any, cast

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

End = Callable[[AsyncKernelManager], Coroutine[Any, Any, None]]

_ASK_AGAIN, _SUBSCRIBED_WITHIN = 1.0, 0.2  # seconds


class Channel(AsyncZMQSocketChannel):
    """A channel that loses nobody's turn, and waits once where there is no limit, not twice."""

    def send(self, msg: dict[str, Any]) -> None:
        """Send a message, and see what came in meanwhile: no event would tell of that again."""
        super().send(msg)
        self.socket.get(zmq.EVENTS)

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]  # noqa: ASYNC109  (as the base has it)
        """Give the next message.

        Raises:
            queue.Empty: there is none within `timeout` seconds.
        """
        return await (self._recv() if timeout is None else super().get_msg(timeout))


class Client(AsyncKernelClient):
    """A client of the two channels that a run needs: requests, and what comes of them."""

    shell_channel_class = Type(Channel)
    iopub_channel_class = Type(Channel)

    def open(self) -> None:
        """Open the channels."""
        self.start_channels(stdin=False, hb=False, control=False)

    def close(self) -> None:
        """Close them; the base would open the others for that."""
        self.shell_channel.stop()
        self.iopub_channel.stop()


async def connected(
    km: AsyncKernelManager, end: End, within: float
) -> tuple[Client, dict[str, Any]]:
    """Give a client of a kernel that answers and is heard, and what the kernel says of itself.

    Args:
        km: the kernel's manager.
        end: waits for the end of the kernel's process.
        within: seconds.

    Raises:
        RuntimeError: it ended before, or did not answer.
    """
    client = cast("Client", km.client(context=km.context))
    client.open()
    answer, ended = asyncio.ensure_future(_first_answer(client)), asyncio.ensure_future(end(km))
    try:
        await asyncio.wait({answer, ended}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        found = answer.result() if answer.done() else None
    except BaseException:
        client.close()
        raise
    finally:
        answer.cancel()
        ended.cancel()
    if found is None:
        client.close()
        msg = f"the kernel {'ended' if ended.done() else f'did not answer within {within:g} s'}"
        raise RuntimeError(msg)
    return client, found


async def _first_answer(client: Client) -> dict[str, Any]:
    """Ask until there is an answer and something is heard: then nothing that follows is missed."""
    while True:  # whoever waits has a limit
        client.kernel_info()
        try:
            reply = await client.shell_channel.get_msg(timeout=_ASK_AGAIN)
            await client.iopub_channel.get_msg(timeout=_SUBSCRIBED_WITHIN)
        except Empty:
            continue
        content: dict[str, Any] = reply["content"]
        return content
