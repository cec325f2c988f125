"""A gRPC server on one byte pipe: the client's end of a BuildKit session.

h2 keeps the state of HTTP/2; this module adds what gRPC needs and packs many messages into one write. gRPC
messages are only length-prefixed bytes, so hundreds of them travel in one frame; a general server, which pays
for every message, takes three times as long on a context of many small files.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import chain
from struct import Struct
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, StreamClosedError
from h2.settings import SettingCodes

from bakec.ir.static import Protocol
from bakec.runtime.buildkit.wire import FRAME, MAX_MESSAGE, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from h2.events import Event

    from bakec.runtime.drivers.base import Pipe

WINDOW = 8 << 20
"""Bytes that the daemon may send on a stream before we must have read them."""
HEADER_LIST = 16 << 20
"""The patterns of a .dockerignore travel as headers; the default of 64 kB refuses long ones."""
FLUSH = 256 << 10
HEAD = Struct(">HBBBL")
"""Of a frame of HTTP/2: length (in 24 bits), type, flags, stream."""
DATA = 0

OK, UNKNOWN, NOT_FOUND, ALREADY_EXISTS, UNIMPLEMENTED, UNAVAILABLE = 0, 2, 5, 6, 12, 14


class StatusError(Exception):
    """A handler's answer to its caller: a gRPC status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Call(Protocol):
    """One call as its handler sees it. In memory in tests, an HTTP/2 stream otherwise."""

    metadata: Mapping[str, list[str]]

    async def receive(self) -> list[bytes]:
        """All messages that have arrived, at least one; an empty list when the caller has ended."""
        ...

    async def send(self, frames: bytes) -> None:
        """Send messages, each with its prefix (`wire.frame`)."""
        ...


Handler = Callable[[Call], Awaitable[None]]
Services = Mapping[str, Handler]
"""Method path (`/package.Service/Method`) -> handler."""


class _Stream:
    """The `Call` of one HTTP/2 stream."""

    def __init__(self, server: Server, number: int, headers: list[tuple[str, str]]) -> None:
        metadata: dict[str, list[str]] = {}
        for name, value in headers:
            metadata.setdefault(name, []).append(value)
        self.metadata: Mapping[str, list[str]] = metadata
        self.number = number
        self.credit = asyncio.Event()
        self._server = server
        self._partial = bytearray()
        self._messages: deque[bytes] = deque()
        self._unread = 0
        self._arrived = asyncio.Event()
        self._ended = False
        # Flow control splits a batch; without the lock two writers would mix their messages.
        self._sending = asyncio.Lock()

    async def receive(self) -> list[bytes]:
        while not self._messages:
            if self._ended:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        messages = list(self._messages)
        self._messages.clear()
        self._server.acknowledge(self.number, self._unread)
        self._unread = 0
        return messages

    async def send(self, frames: bytes) -> None:
        async with self._sending:
            await self._server.send_data(self, frames)

    def feed(self, data: bytes, flow: int) -> None:
        self._unread += flow
        self._partial += data
        at, partial = 0, self._partial
        while len(partial) - at >= FRAME.size:
            compressed, size = FRAME.unpack_from(partial, at)
            if compressed or size > MAX_MESSAGE:
                raise StatusError(UNIMPLEMENTED, "compressed or oversized message")
            if len(partial) - at - FRAME.size < size:
                break
            at += FRAME.size
            self._messages.append(bytes(partial[at : at + size]))
            at += size
        del partial[:at]
        if self._messages:
            self._arrived.set()
        elif self._unread > WINDOW // 2:
            # One message larger than the window would never be complete.
            self._server.acknowledge(self.number, self._unread)
            self._unread = 0

    def end(self) -> None:
        self._ended = True
        self._arrived.set()


class Server:
    """Serves `services` on `pipe` until either side ends."""

    def __init__(self, pipe: Pipe, services: Services) -> None:
        self._pipe = pipe
        self._services = services
        self._streams: dict[int, _Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._closed = False

    async def run(self) -> None:
        """Until the daemon ends the connection or the task is cancelled."""
        self._start()
        try:
            while not self._closed:
                data = await self._pipe.read()
                if not data:
                    break
                events = self._h2.receive_data(data)
                # Answers to pings go out before any handler runs: the daemon measures its window with them.
                self._flush()
                for event in events:
                    self._handle(event)
                self._flush()
        except (H2Error, UnicodeDecodeError) as error:
            raise ConnectionError(f"the session broke its protocol: {error}") from error
        finally:
            self._closed = True
            for task in self._tasks.values():
                task.cancel()
            self._pipe.close()

    def _start(self) -> None:
        self._h2.initiate_connection()
        # Only after the start: settings made before are silently announced with their old values.
        self._h2.update_settings(
            {
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                SettingCodes.MAX_CONCURRENT_STREAMS: 1 << 20,
                SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIST,
            }
        )
        self._h2.decoder.max_header_list_size = HEADER_LIST
        self._h2.increment_flow_control_window(8 * WINDOW)
        self._flush()

    def _handle(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(number), headers=headers):
                pairs = [(_text(name), _text(value)) for name, value in headers or ()]
                stream = self._streams[number] = _Stream(self, number, pairs)
                self._tasks[number] = asyncio.create_task(self._serve(stream), name=f"session:{number}")
            case DataReceived(stream_id=int(number), data=data, flow_controlled_length=flow):
                self._feed(number, data or b"", flow or 0)
            case StreamEnded(stream_id=int(number)):
                if number in self._streams:
                    self._streams[number].end()
            case StreamReset(stream_id=int(number)):
                if number in self._tasks:
                    self._tasks[number].cancel()
            case WindowUpdated(stream_id=0) | RemoteSettingsChanged():
                for stream in self._streams.values():
                    stream.credit.set()
            case WindowUpdated(stream_id=int(number)):
                if number in self._streams:
                    self._streams[number].credit.set()
            case ConnectionTerminated():
                self._closed = True

    def _feed(self, number: int, data: bytes, flow: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            self.acknowledge(number, flow)
            return
        try:
            stream.feed(data, flow)
        except StatusError:
            self._h2.reset_stream(number, ErrorCodes.PROTOCOL_ERROR)
            self._tasks[number].cancel()

    async def _serve(self, stream: _Stream) -> None:
        """Run the handler and answer with its status."""
        handler = self._services.get("".join(stream.metadata.get(":path", ())))
        code, message, sent = OK, "", False
        try:
            if handler is None:
                raise StatusError(UNIMPLEMENTED, "unknown method")
            self._h2.send_headers(stream.number, [(":status", "200"), ("content-type", "application/grpc")])
            sent = True
            await handler(stream)
        except (StatusError, OSError, ValueError, H2Error, ExceptionGroup) as error:
            code, message = _status(error)
        finally:
            self._streams.pop(stream.number, None)
            self._tasks.pop(stream.number, None)
        with suppress(H2Error):
            self._end(stream.number, code, message, headers_sent=sent)

    def _end(self, number: int, code: int, message: str, *, headers_sent: bool) -> None:
        trailers = [("grpc-status", str(code))]
        if message:
            trailers.append(("grpc-message", quote(message, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}")))
        if not headers_sent:
            trailers[:0] = [(":status", "200"), ("content-type", "application/grpc")]
        if not self._closed:
            self._h2.send_headers(number, trailers, end_stream=True)
            self._flush()

    def acknowledge(self, number: int, size: int) -> None:
        """Tell the daemon that `size` bytes were taken in."""
        if size and not self._closed:
            self._h2.acknowledge_received_data(size, number)
            self._flush()

    async def send_data(self, stream: _Stream, data: bytes) -> None:
        view = memoryview(data)
        while view:
            size = min(self._h2.local_flow_control_window(stream.number), len(view), FLUSH)
            self._flush()
            if size <= 0:
                stream.credit.clear()
                await stream.credit.wait()
                continue
            self._write(stream.number, view[:size])
            view = view[size:]
            await self._pipe.drain()

    def _write(self, number: int, data: memoryview) -> None:
        """Data that the windows have room for. h2 takes longer for a frame than the daemon, and a frame has 16 kB at
        most: it is only told how much has gone."""
        state = self._h2.streams[number]
        if state.closed:
            raise StreamClosedError(number)
        most = self._h2.max_outbound_frame_size
        pieces = [data[at : at + most] for at in range(0, len(data), most)]
        heads = [HEAD.pack(len(piece) >> 8, len(piece) & 0xFF, DATA, 0, number) for piece in pieces]
        self._pipe.write(b"".join(chain.from_iterable(zip(heads, pieces, strict=True))))
        state.outbound_flow_control_window -= len(data)
        self._h2.outbound_flow_control_window -= len(data)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._pipe.write(data)


def _status(error: Exception) -> tuple[int, str]:
    """What to answer; the daemon shows it as the reason why its build failed."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, StatusError):
        return error.code, str(error)
    return UNKNOWN, str(error) or type(error).__name__


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def unary(answer: Callable[[Mapping[str, list[str]], bytes], Awaitable[bytes]]) -> Handler:
    """A handler of one request and one reply; `answer` is given the metadata and the request."""

    async def handle(call: Call) -> None:
        messages = await call.receive()
        if len(messages) != 1:
            raise StatusError(UNKNOWN, "expected exactly one request")
        await call.send(frame(await answer(call.metadata, messages[0])))

    return handle
