"""A gRPC channel over pipes that a driver opens: an HTTP upgrade, a command's standard streams. The library cannot be
given a connection that somebody else has opened."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import deque
from contextlib import suppress
from urllib.parse import unquote

from h2.errors import ErrorCodes
from h2.exceptions import H2Error

from bakec.ir.diagnostics import Failed
from bakec.runtime.buildkit.http2 import Peer, Stream
from bakec.runtime.buildkit.rpc import DEADLINE_EXCEEDED, DETAILS, INTERNAL, OK, UNAVAILABLE, UNKNOWN, RpcError
from bakec.runtime.buildkit.wire import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bakec.runtime.buildkit.rpc import Metadata
    from bakec.runtime.drivers.base import Pipe

FIRST = 100
"""Calls at once before the daemon has said how many it takes; no sensible one takes fewer."""
MOST_DIGITS = 3
"""Of a code."""
HEADERS = (
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)


class Answer(Stream):
    """One call as a `rpc.Stream`."""

    def __init__(self, client: Client, number: int) -> None:
        super().__init__(client, number)
        self.fields: dict[str, str] = {}
        """Headers and trailers."""
        self._client = client
        self._waiting: deque[bytes] = deque()
        self._failure: RpcError | None = None

    def cut(self, error: RpcError) -> None:
        self._failure = error
        super().cut(error)

    async def read(self) -> bytes | None:
        if not self._waiting:
            self._waiting.extend(await self.receive())
        if self._waiting:
            return self._waiting.popleft()
        error = self._error()
        if error is not None:
            raise error
        return None

    async def write(self, message: bytes) -> None:
        try:
            if self.is_over:
                raise ConnectionResetError
            await self.send(frame(message))
        except (H2Error, OSError) as error:
            raise self._error() or RpcError(UNAVAILABLE, "the call has ended") from error

    async def end(self) -> None:
        with suppress(H2Error):  # the other side was faster
            self._client.h2.end_stream(self.number)
            self._client.flush()

    def cancel(self) -> None:
        self._client.leave(self)

    def _error(self) -> RpcError | None:
        """What the call has failed with, when it has ended."""
        code = self.fields.get("grpc-status")
        if code is None or not (code.isdecimal() and len(code) <= MOST_DIGITS):
            status = self.fields.get(":status", "200")
            said = f"HTTP status {status}" if status != "200" else "the call ended without a status"
            return self._failure or RpcError(INTERNAL if status == "200" else UNKNOWN, said)
        if int(code) == OK:
            return None
        return RpcError(int(code), unquote(self.fields.get("grpc-message", "")), _binary(self.fields.get(DETAILS, "")))


def _binary(text: str) -> bytes:
    """The value of a header whose name ends in `-bin`; nothing where it makes no sense."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


class Client(Peer):
    """Calls on one connection."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe, is_client=True)
        self._most = FIRST
        self._room = asyncio.Event()

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self._room.set()  # those who wait for it must be told

    def heard(self, number: int, headers: Sequence[tuple[str, str]]) -> None:
        stream = self.streams.get(number)
        if isinstance(stream, Answer):
            stream.fields.update(headers)

    def settled(self) -> None:
        self._most = self.h2.remote_settings.max_concurrent_streams
        self._room.set()

    async def open(self, path: str, metadata: Metadata) -> Answer:
        """Start a call, when the daemon takes one more. Raises `RpcError`."""
        while len(self.streams) >= self._most and not self.is_closed:
            self._room.clear()
            await self._room.wait()
        if self.is_closed:
            raise RpcError(UNAVAILABLE, self.reason)
        number = self.h2.get_next_available_stream_id()
        try:
            self.h2.send_headers(number, [(":path", path), *HEADERS, *metadata])
        except H2Error as error:
            raise RpcError(INTERNAL, str(error)) from error
        self.flush()
        answer = Answer(self, number)
        self.streams[number] = answer
        return answer

    def leave(self, stream: Stream) -> None:
        """Nobody is interested in this call any more."""
        if self.streams.pop(stream.number, None):
            self.reset(stream.number, ErrorCodes.CANCEL)
            self._room.set()


class PipeChannel:
    """A `rpc.Channel` on a pipe that `dial` opens with the first call, and again when it has broken."""

    def __init__(self, dial: Callable[[], Awaitable[Pipe]]) -> None:
        self._dial = dial
        self._opening: asyncio.Task[Client] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def call(self, path: str, request: bytes, metadata: Metadata = (), *, seconds: float | None = None) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await self._call(path, request, metadata)
        except TimeoutError as error:
            raise RpcError(DEADLINE_EXCEEDED, "no answer in time") from error

    async def _call(self, path: str, request: bytes, metadata: Metadata) -> bytes:
        answer = await self.stream(path, metadata)
        try:
            await answer.write(request)
            await answer.end()
            reply = await answer.read()
            if reply is None or await answer.read() is not None:
                raise RpcError(INTERNAL, "expected exactly one reply")
            return reply
        finally:
            answer.cancel()

    async def stream(self, path: str, metadata: Metadata = ()) -> Answer:
        if self._opening is None or (self._opening.done() and _is_useless(self._opening)):
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_forget)
        # One who gives up takes the connection from nobody else.
        client = await asyncio.shield(self._opening)
        return await client.open(path, metadata)

    async def _open(self) -> Client:
        try:
            client = Client(await self._dial())
        except Failed as failure:
            raise RpcError(UNAVAILABLE, str(failure)) from failure
        running = asyncio.create_task(client.run())
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(_forget)
        return client

    async def close(self) -> None:
        tasks = [*self._running, *([self._opening] if self._opening else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_useless(opening: asyncio.Task[Client]) -> bool:
    return opening.cancelled() or opening.exception() is not None or opening.result().is_closed


def _forget(task: asyncio.Task[Client] | asyncio.Task[None]) -> None:
    """Those who wanted something of it were told; often there are none."""
    if not task.cancelled():
        task.exception()
