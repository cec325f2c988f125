"""The connection to a daemon: channels for its calls, and the pipes of sessions.

A daemon takes so many calls at a time on one channel, 250 in an HTTP/2 server written in Go, and lets more
wait. Every build keeps some open from its start to its end, so many builds on one channel would hold all of
them and wait for each other for ever. So channels are *lanes* for a few builds each.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from bakec.ir.records import dataclass
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.wire import bytes_message, read_bytes_message
from bakec.runtime.drivers.base import SILENT, Witness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bakec.runtime.buildkit.rpc import Channel, Stream
    from bakec.runtime.drivers.base import Boot, Driver, Pipe

SESSION = "/moby.buildkit.v1.Control/Session"
PIECE = 1 << 20
"""Bytes of session data in one message of `Control.Session`."""
BACKLOG = 4 << 20
"""Bytes that may wait to be sent before a writer has to."""
LANE_BUILDS = 30
"""Builds that share a channel. Each has its Solve, its Status, perhaps its Session, and calls of the gateway."""


@dataclass(slots=True)
class _Lane:
    channel: Channel
    group: str
    builds: int = 0


class Connection:
    """Channels to one daemon, made by a driver."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.channel = _channel(driver)
        self._is_spread = driver.features({}).spread
        # The first lane has room for the short calls, too.
        self._lanes: list[_Lane] = [] if self._is_spread else [_Lane(self.channel, "")]

    @property
    def trouble(self) -> str:
        """What the driver knows of why its streams have ended."""
        return self.driver.trouble if isinstance(self.driver, Witness) else ""

    @asynccontextmanager
    async def lane(self, group: str = "") -> AsyncIterator[Channel]:
        """A channel for the calls of one build. Where connections lead to different daemons, only builds of one
        group share one; it ends with the last of them."""
        found = next((lane for lane in self._lanes if self._has_room(lane, group)), None)
        if found is None:
            found = _Lane(_channel(self.driver), group)
            self._lanes.append(found)
        found.builds += 1
        try:
            yield found.channel
        finally:
            found.builds -= 1
            if self._is_spread and not found.builds:
                self._lanes.remove(found)
                await found.channel.close()

    def _has_room(self, lane: _Lane, group: str) -> bool:
        return lane.group == group if self._is_spread else lane.builds < LANE_BUILDS

    async def dial_session(self, headers: Sequence[tuple[str, str]], channel: Channel | None = None) -> Pipe:
        """The driver's own session pipe if it has one: bulk data then does not pass through gRPC."""
        pipe = await self.driver.session(headers)
        if pipe is not None:
            return pipe
        metadata = [(name.lower(), value) for name, value in headers]
        return StreamPipe(await (channel or self.channel).stream(SESSION, metadata))

    async def close(self) -> None:
        for channel in {self.channel, *(lane.channel for lane in self._lanes)}:
            await channel.close()


def _channel(driver: Driver) -> Channel:
    endpoint = driver.endpoint
    if endpoint is None:
        from bakec.runtime.buildkit.client import PipeChannel

        return PipeChannel(driver.dial)
    from bakec.runtime.buildkit.grpc_channel import GrpcChannel

    return GrpcChannel(endpoint)


@asynccontextmanager
async def connect(driver: Driver, boot: Boot = SILENT) -> AsyncIterator[Connection]:
    """Open the driver and a channel to its daemon; both end with the block. `boot` hears how the daemon is made
    ready."""
    try:
        await driver.open(boot)
        connection = Connection(driver)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await driver.close()


class StreamPipe:
    """The bytes of a session inside the messages of a gRPC stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queue: list[bytes] = []
        self._queued = 0
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()
        self._sender: asyncio.Task[None] | None = asyncio.create_task(self._send())
        self._broken = False

    async def read(self) -> bytes:
        try:
            message = await self._stream.read()
        except RpcError:
            return b""
        return read_bytes_message(message) if message is not None else b""

    def write(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued += len(data)
        self._wake.set()

    async def drain(self) -> None:
        while self._queued > BACKLOG and not self._broken:
            self._taken.clear()
            await self._taken.wait()
        if self._broken:
            raise ConnectionResetError("the session stream has ended")

    def close(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        self._sender = None  # its frame knows us: the stream would stay until somebody collects garbage
        self._stream.cancel()

    async def _send(self) -> None:
        """Messages of many writes each: a gRPC message costs far more than its bytes."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                data = b"".join(self._queue)
                self._queue.clear()
                for at in range(0, len(data), PIECE):
                    await self._stream.write(bytes_message(data[at : at + PIECE]))
                self._queued -= len(data)
                self._taken.set()
        except RpcError:
            self._broken = True
            self._taken.set()
