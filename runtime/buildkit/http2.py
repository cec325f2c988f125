"""gRPC's messages on HTTP/2: what `server` and `client` have in common.

h2 keeps the state of HTTP/2; this module adds what gRPC needs and packs many messages into one write. gRPC
messages are only length-prefixed bytes, so hundreds of them travel in one frame; a general library, which pays
for every message, takes three times as long on a context of many small files.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from itertools import chain
from struct import Struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error, StreamClosedError
from h2.settings import SettingCodes

from bakec.runtime.buildkit.rpc import CANCELLED, INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE, RpcError
from bakec.runtime.buildkit.wire import FRAME, MAX_MESSAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2.events import Event

    from bakec.runtime.drivers.base import Pipe

WINDOW = 8 << 20
"""Bytes that the other side may send on a stream before we must have read them."""
HEADER_LIST = 16 << 20
"""The patterns of a .dockerignore travel as headers, and the sources of an error; the default of 64 kB refuses long
ones."""
FLUSH = 256 << 10
HEAD = Struct(">HBBBL")
"""Of a frame of HTTP/2: length (in 24 bits), type, flags, stream."""
DATA = 0


_CODES: Mapping[int, int] = {
    ErrorCodes.CANCEL: CANCELLED,
    ErrorCodes.REFUSED_STREAM: UNAVAILABLE,
    ErrorCodes.ENHANCE_YOUR_CALM: RESOURCE_EXHAUSTED,
}
"""What the end of a stream means for its call; everything else is an error inside of the other side."""


class Stream:
    """One call, on either side."""

    def __init__(self, peer: Peer, number: int) -> None:
        self.number = number
        self.credit = asyncio.Event()
        self.is_cut = False
        self.is_over = False
        """The other side has nothing more to say."""
        self._peer = peer
        self._partial = bytearray()
        self._messages: deque[bytes] = deque()
        self._unread = 0
        self._arrived = asyncio.Event()
        # Flow control splits a batch; without the lock two writers would mix their messages.
        self._sending = asyncio.Lock()

    async def receive(self) -> list[bytes]:
        """All messages that have arrived, at least one; an empty list when the other side has ended."""
        while not self._messages:
            if self.is_over:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        messages = list(self._messages)
        self._messages.clear()
        self._peer.acknowledge(self.number, self._unread)
        self._unread = 0
        return messages

    async def send(self, frames: bytes) -> None:
        """Send messages, each with its prefix (`wire.frame`)."""
        async with self._sending:
            await self._peer.send_data(self, frames)

    def feed(self, data: bytes, flow: int) -> None:
        """Take what has arrived. Raises `RpcError` for what is no message of gRPC that we take."""
        self._unread += flow
        self._partial += data
        at, partial = 0, self._partial
        while len(partial) - at >= FRAME.size:
            compressed, size = FRAME.unpack_from(partial, at)
            if compressed or size > MAX_MESSAGE:
                raise RpcError(RESOURCE_EXHAUSTED, "compressed or oversized message")
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
            self._peer.acknowledge(self.number, self._unread)
            self._unread = 0

    def finish(self) -> None:
        """The other side has nothing more to say."""
        self.is_over = True
        self._arrived.set()

    def cut(self, error: RpcError) -> None:
        """The other side has given the call up, or the connection is gone."""
        del error
        self.is_cut = True
        self.credit.set()
        self.finish()


class Peer(ABC):
    """This end of a connection, on `pipe`."""

    def __init__(self, pipe: Pipe, *, is_client: bool) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=is_client, header_encoding="utf-8"))
        self.streams: dict[int, Stream] = {}
        self.is_closed = False
        self.reason = "the connection was closed"
        """Why it has ended, when it has."""
        self._pipe = pipe
        self._begin()

    @abstractmethod
    def heard(self, number: int, headers: Sequence[tuple[str, str]]) -> None:
        """Headers have arrived, or trailers."""

    def settled(self) -> None:
        """The other side has said what it takes."""
        return

    async def run(self) -> None:
        """Until the other side ends the connection or the task is cancelled. Raises `ConnectionError` when it does not
        speak HTTP/2."""
        self.flush()
        try:
            while not self.is_closed:
                data = await self._pipe.read()
                if not data:
                    break
                events = self.h2.receive_data(data)
                # Answers to pings go out before anything else: the daemon measures its window with them.
                self.flush()
                for event in events:
                    self._handle(event)
                self.flush()
        except (H2Error, UnicodeDecodeError) as error:
            self.reason = f"the other side broke the protocol: {error}"
            raise ConnectionError(self.reason) from error
        finally:
            self.is_closed = True
            for stream in list(self.streams.values()):
                stream.cut(RpcError(UNAVAILABLE, self.reason))
            self._pipe.close()

    def _begin(self) -> None:
        """What is said first, whenever something is sent."""
        self.h2.initiate_connection()
        # Only after the start: settings made before are silently announced with their old values.
        self.h2.update_settings(
            {
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                SettingCodes.MAX_CONCURRENT_STREAMS: 1 << 20,
                SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIST,
            }
        )
        self.h2.decoder.max_header_list_size = HEADER_LIST
        self.h2.increment_flow_control_window(8 * WINDOW)

    def _handle(self, event: Event) -> None:
        match event:
            case DataReceived(stream_id=int(number), data=data, flow_controlled_length=flow):
                self._feed(number, data or b"", flow or 0)
            case RequestReceived() | ResponseReceived() | TrailersReceived():
                self.heard(event.stream_id or 0, [(_text(name), _text(value)) for name, value in event.headers or ()])
            case StreamEnded(stream_id=int(number)):
                if number in self.streams:
                    self.streams[number].finish()
            case StreamReset(stream_id=int(number), error_code=code):
                if number in self.streams:
                    error = RpcError(_CODES.get(code or 0, INTERNAL), f"the stream was reset with code {code}")
                    self.streams[number].cut(error)
            case WindowUpdated(stream_id=0) | RemoteSettingsChanged():
                for stream in self.streams.values():
                    stream.credit.set()
                self.settled()
            case WindowUpdated(stream_id=int(number)):
                if number in self.streams:
                    self.streams[number].credit.set()
            case ConnectionTerminated():
                self.is_closed = True

    def _feed(self, number: int, data: bytes, flow: int) -> None:
        stream = self.streams.get(number)
        if stream is None:
            self.acknowledge(number, flow)
            return
        try:
            stream.feed(data, flow)
        except RpcError as error:
            self.reset(number, ErrorCodes.PROTOCOL_ERROR)
            stream.cut(error)

    def acknowledge(self, number: int, size: int) -> None:
        """Tell the other side that `size` bytes were taken in."""
        if size and not self.is_closed:
            self.h2.acknowledge_received_data(size, number)
            self.flush()

    def reset(self, number: int, code: ErrorCodes) -> None:
        """Give a call up; nothing happens when it has ended."""
        state = self.h2.streams.get(number)
        if state is not None and not state.closed and not self.is_closed:
            self.h2.reset_stream(number, code)
            self.flush()

    async def send_data(self, stream: Stream, data: bytes) -> None:
        """Raises `OSError` and `H2Error` when the call has ended."""
        view = memoryview(data)
        while view:
            if stream.is_cut:
                raise ConnectionResetError("the call has ended")
            size = min(self.h2.local_flow_control_window(stream.number), len(view), FLUSH)
            self.flush()
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
        state = self.h2.streams[number]
        if state.closed:
            raise StreamClosedError(number)
        most = self.h2.max_outbound_frame_size
        pieces = [data[at : at + most] for at in range(0, len(data), most)]
        heads = [HEAD.pack(len(piece) >> 8, len(piece) & 0xFF, DATA, 0, number) for piece in pieces]
        self._pipe.write(b"".join(chain.from_iterable(zip(heads, pieces, strict=True))))
        state.outbound_flow_control_window -= len(data)
        self.h2.outbound_flow_control_window -= len(data)

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            self._pipe.write(data)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()
