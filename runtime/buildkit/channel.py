"""The connection to a daemon: one gRPC channel for all builds, and the pipes of their sessions.

gRPC cannot be given a connection that somebody else has opened. Where a driver must open it (an HTTP
upgrade, a command's standard streams), a relay on a private unix socket joins each connection of gRPC to one
of the driver.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias, cast

from bakec.ir.diagnostics import Failed
from bakec.runtime.buildkit.wire import bytes_message, read_bytes_message
from bakec.runtime.drivers.base import Driver, Endpoint, Pipe, SocketPipe

# Before the first import of grpc: it would print a line for every child process.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import grpc.aio

if TYPE_CHECKING:
    Stream: TypeAlias = grpc.aio.StreamStreamCall[bytes, bytes]

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 16 << 20),
    # The errors of a daemon carry sources and stacks in their trailers.
    ("grpc.absolute_max_metadata_size", 16 << 20),
    ("grpc.enable_http_proxy", 0),
)
SESSION = "/moby.buildkit.v1.Control/Session"
PIECE = 1 << 20
"""Bytes of session data in one message of `Control.Session`."""
BACKLOG = 4 << 20
"""Bytes that may wait to be sent before a writer has to."""


class Connection:
    """A channel to one daemon, made by a driver."""

    def __init__(self, driver: Driver, channel: grpc.aio.Channel) -> None:
        self.driver = driver
        self.channel = channel

    async def dial_session(self, headers: Sequence[tuple[str, str]]) -> Pipe:
        """The driver's own session pipe if it has one: bulk data then passes neither gRPC nor a relay."""
        pipe = await self.driver.session(headers)
        if pipe is not None:
            return pipe
        metadata = [(name.lower(), value) for name, value in headers]
        # Without serializers the messages pass as bytes.
        method = cast("Callable[..., Stream]", self.channel.stream_stream(SESSION, None, None))
        return StreamPipe(method(metadata=metadata))


@asynccontextmanager
async def connect(driver: Driver) -> AsyncIterator[Connection]:
    """Open the driver and a channel to its daemon; both end with the block."""
    try:
        await driver.open()
        endpoint = driver.endpoint
        if endpoint is not None:
            async with _channel(endpoint) as channel:
                yield Connection(driver, channel)
            return
        async with _relay(driver) as address, _channel(Endpoint(address=address)) as channel:
            yield Connection(driver, channel)
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

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = SocketPipe(reader, writer)
        try:
            outside = await driver.dial()
        except Failed:
            # The call that wanted the connection fails, and what is said then is found out by `errors`.
            inside.close()
            return
        for source, sink in ((inside, outside), (outside, inside)):
            task = asyncio.create_task(_pump(source, sink))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    with tempfile.TemporaryDirectory(prefix="bakec-") as folder:
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

    def __init__(self, stream: "Stream") -> None:
        self._stream = stream
        self._queue: list[bytes] = []
        self._queued = 0
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()
        self._sender = asyncio.create_task(self._send())
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
        self._sender.cancel()
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
