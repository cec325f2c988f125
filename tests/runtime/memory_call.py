"""A call of the session without a transport: what services are tested with."""

import asyncio
from collections.abc import Callable, Mapping

from bakec.runtime.buildkit.server import Handler
from bakec.runtime.buildkit.wire import FRAME


class MemoryCall:
    """`answer` plays the daemon: it is given each message that the service sends, and returns its own."""

    def __init__(self, metadata: Mapping[str, list[str]], answer: Callable[[bytes], list[bytes]]) -> None:
        self.metadata = metadata
        self._answer = answer
        self._inbox: list[bytes] = []
        self._ended = False
        self._wake = asyncio.Event()

    def feed(self, messages: list[bytes], *, end: bool = False) -> None:
        self._inbox += messages
        self._ended |= end
        self._wake.set()

    async def receive(self) -> list[bytes]:
        while not self._inbox and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        messages, self._inbox = self._inbox, []
        return messages

    async def send(self, frames: bytes) -> None:
        while frames:
            _, size = FRAME.unpack_from(frames)
            self.feed(self._answer(frames[FRAME.size : FRAME.size + size]))
            frames = frames[FRAME.size + size :]
        await asyncio.sleep(0)


async def run_call(handler: Handler, call: MemoryCall) -> None:
    """Run a service to its end; of several errors at once the first is raised."""
    try:
        async with asyncio.timeout(20):
            await handler(call)
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
