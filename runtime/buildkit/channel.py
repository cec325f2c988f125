"""The connection to a daemon: gRPC channels, and the pipes of sessions.

A daemon takes so many calls at a time on one channel, 250 in an HTTP/2 server written in Go, and lets more
wait. Every build keeps some open from its start to its end, so many builds on one channel would hold all of
them and wait for each other for ever. So there is one channel for short calls, and *lanes* for a few builds
each.

gRPC cannot be given a connection that somebody else has opened. Where a driver must open it (an HTTP
upgrade, a command's standard streams), a relay on a private unix socket joins each connection of gRPC to one
of the driver.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager

from bakec.ir.diagnostics import Failed
from bakec.ir.records import dataclass
from bakec.ir.static import cast
from bakec.runtime import scratch
from bakec.runtime.buildkit.wire import bytes_message, read_bytes_message
from bakec.runtime.drivers.base import SILENT, Endpoint, SocketPipe, Witness

# Before the first import of grpc: it would print a line for every child process.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import grpc.aio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from typing import TypeAlias

    from bakec.runtime.drivers.base import Boot, Driver, Pipe

    Stream: TypeAlias = grpc.aio.StreamStreamCall[bytes, bytes]

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 16 << 20),
    # The errors of a daemon carry sources and stacks in their trailers.
    ("grpc.absolute_max_metadata_size", 16 << 20),
    ("grpc.enable_http_proxy", 0),
    # Channels to the same address would share one connection, and its limit.
    ("grpc.use_local_subchannel_pool", 1),
)
SESSION = "/moby.buildkit.v1.Control/Session"
PIECE = 1 << 20
"""Bytes of session data in one message of `Control.Session`."""
BACKLOG = 4 << 20
"""Bytes that may wait to be sent before a writer has to."""
LANE_BUILDS = 30
"""Builds that share a channel. Each has its Solve, its Status, perhaps its Session, and calls of the gateway."""


@dataclass(slots=True)
class _Lane:
    channel: grpc.aio.Channel
    group: str
    builds: int = 0


class Connection:
    """Channels to one daemon, made by a driver; `stack` closes those that are opened later."""

    def __init__(self, driver: Driver, endpoint: Endpoint, channel: grpc.aio.Channel, stack: AsyncExitStack) -> None:
        self.driver = driver
        self.channel = channel
        self._endpoint = endpoint
        self._stack = stack
        self._lanes: list[_Lane] = []
        self._is_spread = driver.features({}).spread

    @property
    def trouble(self) -> str:
        """What the driver knows of why its streams have ended."""
        return self.driver.trouble if isinstance(self.driver, Witness) else ""

    @asynccontextmanager
    async def lane(self, group: str = "") -> AsyncIterator[grpc.aio.Channel]:
        """A channel for the calls of one build. Where connections lead to different daemons, only builds of one
        group share one; it ends with the last of them."""
        found = next((lane for lane in self._lanes if self._has_room(lane, group)), None)
        if found is None:
            found = _Lane(_channel(self._endpoint), group)
            self._lanes.append(found)
            self._stack.push_async_callback(found.channel.close, None)
        found.builds += 1
        try:
            yield found.channel
        finally:
            found.builds -= 1
            if self._is_spread and not found.builds:
                self._lanes.remove(found)
                await found.channel.close(None)

    def _has_room(self, lane: _Lane, group: str) -> bool:
        return lane.group == group if self._is_spread else lane.builds < LANE_BUILDS

    async def dial_session(self, headers: Sequence[tuple[str, str]], channel: grpc.aio.Channel | None = None) -> Pipe:
        """The driver's own session pipe if it has one: bulk data then passes neither gRPC nor a relay."""
        pipe = await self.driver.session(headers)
        if pipe is not None:
            return pipe
        metadata = [(name.lower(), value) for name, value in headers]
        # Without serializers the messages pass as bytes.
        stream_stream = (channel or self.channel).stream_stream
        method = cast("Callable[..., Stream]", stream_stream(SESSION, None, None))
        return StreamPipe(method(metadata=metadata))


@asynccontextmanager
async def connect(driver: Driver, boot: Boot = SILENT) -> AsyncIterator[Connection]:
    """Open the driver and a channel to its daemon; both end with the block. `boot` hears how the daemon is made
    ready."""
    try:
        await driver.open(boot)
        async with AsyncExitStack() as stack:
            endpoint = driver.endpoint or Endpoint(address=await stack.enter_async_context(_relay(driver)))
            channel = await stack.enter_async_context(_channel(endpoint))
            yield Connection(driver, endpoint, channel, stack)
    finally:
        await driver.close()


def _channel(endpoint: Endpoint) -> grpc.aio.Channel:
    options = [*OPTIONS, ("grpc.default_authority", endpoint.authority)]
    if not endpoint.ca:
        return grpc.aio.insecure_channel(endpoint.address, options=options)
    credentials = grpc.ssl_channel_credentials(endpoint.ca, endpoint.key or None, endpoint.certificate or None)
    options.append(("grpc.ssl_target_name_override", endpoint.authority))
    return grpc.aio.secure_channel(endpoint.address, credentials, options=options)


@asynccontextmanager
async def _relay(driver: Driver) -> AsyncIterator[str]:
    tasks: set[asyncio.Task[None]] = set()

    def keep(work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def join(inside: SocketPipe) -> None:
        try:
            outside = await driver.dial()
        except (Failed, asyncio.CancelledError):
            # The call that wanted the connection fails, and what is said then is found out by `errors`.
            inside.close()
            return
        keep(_pump(inside, outside))
        keep(_pump(outside, inside))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep(join(SocketPipe(reader, writer)))

    with scratch.folder() as folder:
        path = f"{folder}/relay"
        server = await asyncio.start_unix_server(accept, path, limit=SocketPipe.LIMIT)
        try:
            yield f"unix:{path}"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # closing takes a turn of the loop


async def _pump(source: Pipe, sink: Pipe) -> None:
    try:
        while data := await source.read():
            sink.write(data)
            await sink.drain()
    except OSError:
        return  # the other side has gone; closing tells this one
    finally:
        sink.close()


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
        except grpc.RpcError:
            return b""
        return read_bytes_message(message) if isinstance(message, bytes) else b""

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
        except (grpc.RpcError, asyncio.InvalidStateError):
            self._broken = True
            self._taken.set()
