"""Bytes to and from a command in a pod: a `Pipe` on the channels of a websocket.

Each message begins with the number of its channel. The fifth version of the protocol can close one of them; before
it only the whole connection can be closed.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from bakec.runtime.drivers.kubernetes.api import CLOSE_SECONDS, V5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Final, TypeAlias

    from aiohttp import ClientWebSocketResponse

STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
PIECE: Final = 1 << 17
"""Bytes in one message: what is between us and the pod may hold whole messages."""
BACKLOG: Final = 4 << 20
"""Bytes that may wait to be sent before a writer has to."""
STDERR_LIMIT: Final = 2000
"""Bytes of standard error that are kept to explain an end: the last ones."""


Ended: TypeAlias = "Callable[[ExecPipe, str], Awaitable[None]]"
"""Is told when a stream ends that was not closed on this side, and why as far as the stream knows."""


class ExecPipe:
    """The standard input and output of a command."""

    def __init__(self, socket: ClientWebSocketResponse, ended: Ended) -> None:
        self._socket = socket
        self._ended = ended
        self.has_answered = False
        self._problem = ""
        self._stderr = b""
        self._queue: list[bytes] = []
        self._queued = 0
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_broken = False
        self._is_left = False
        """This side has no more use for it."""
        self._is_told = False
        self._sender = asyncio.create_task(self._send())
        self._closer: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        from aiohttp import WSMsgType

        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                await self._end(message.data if message.type is WSMsgType.ERROR else None)
                return b""
            channel, data = message.data[0] if message.data else CLOSE, message.data[1:]
            if channel == STDOUT and data:
                self.has_answered = True
                return bytes(data)
            if channel == STDERR:
                self._stderr = (self._stderr + data)[-STDERR_LIMIT:]
            elif channel == ERROR:
                self._problem = _problem(data)

    async def _end(self, error: object) -> None:
        self._break()
        if not self._is_left and not self._is_told:
            self._is_told = True
            said = self._stderr.decode(errors="replace").strip()
            parts = (self._problem or str(error or "the stream to it was cut"), said)
            await self._ended(self, ": ".join(part for part in parts if part))

    def write(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued += len(data)
        self._wake.set()

    async def drain(self) -> None:
        await self._sent(BACKLOG)
        if self._is_broken:
            raise ConnectionResetError("the stream to the pod has ended")

    async def _sent(self, but: int) -> None:
        """Wait until no more than so many bytes wait, or none ever will be sent."""
        while self._queued > but and not self._is_broken:
            self._taken.clear()
            await self._taken.wait()

    def close(self) -> None:
        self._is_left |= not self._is_broken
        if self._closer is None:
            self._closer = asyncio.create_task(self._close())

    async def finish(self) -> None:
        """Close, and wait until that is done."""
        self.close()
        if self._closer is not None:
            await self._closer

    async def _close(self) -> None:
        """What was written is sent first, if it is taken soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._sent(0)
        self._sender.cancel()
        if self._socket.protocol == V5 and not self._socket.closed:
            with suppress(OSError, RuntimeError):  # the other side was faster
                await self._socket.send_bytes(bytes((CLOSE, STDIN)))
        await self._socket.close()

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                data = b"".join(self._queue)
                self._queue.clear()
                for at in range(0, len(data), PIECE):
                    await self._socket.send_bytes(bytes((STDIN,)) + data[at : at + PIECE])
                self._queued -= len(data)
                self._taken.set()
        except (OSError, RuntimeError):
            self._break()

    def _break(self) -> None:
        self._is_broken = True
        self._taken.set()


def _problem(data: bytes) -> str:
    """What a `Status` object says of the end of a command."""
    try:
        status = json.loads(data)
    except ValueError:
        return data.decode(errors="replace").strip()
    is_success = status.get("status") == "Success"
    return "the command has ended" if is_success else str(status.get("message") or "the command failed")
