"""A gRPC server on one byte pipe: the client's end of a BuildKit session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import quote

from h2.exceptions import H2Error

from bakec.ir.static import Protocol
from bakec.runtime.buildkit.http2 import Peer, Stream
from bakec.runtime.buildkit.rpc import OK, UNIMPLEMENTED, UNKNOWN, RpcError
from bakec.runtime.buildkit.wire import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.runtime.drivers.base import Pipe


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


class _Stream(Stream):
    """The `Call` of one HTTP/2 stream."""

    task: asyncio.Task[None]

    def __init__(self, server: Server, number: int, headers: Sequence[tuple[str, str]]) -> None:
        super().__init__(server, number)
        metadata: dict[str, list[str]] = {}
        for name, value in headers:
            metadata.setdefault(name, []).append(value)
        self.metadata: Mapping[str, list[str]] = metadata

    def cut(self, error: RpcError) -> None:
        super().cut(error)
        self.task.cancel()


class Server(Peer):
    """Serves `services` on `pipe` until either side ends."""

    def __init__(self, pipe: Pipe, services: Services) -> None:
        super().__init__(pipe, is_client=False)
        self._services = services

    def heard(self, number: int, headers: Sequence[tuple[str, str]]) -> None:
        if number not in self.streams:  # trailers say nothing to us
            stream = self.streams[number] = _Stream(self, number, headers)
            stream.task = asyncio.create_task(self._serve(stream), name=f"session:{number}")

    async def _serve(self, stream: _Stream) -> None:
        """Run the handler and answer with its status."""
        handler = self._services.get("".join(stream.metadata.get(":path", ())))
        code, message, sent = OK, "", False
        try:
            if handler is None:
                raise RpcError(UNIMPLEMENTED, "unknown method")
            self.h2.send_headers(stream.number, [(":status", "200"), ("content-type", "application/grpc")])
            sent = True
            await handler(stream)
        except (RpcError, OSError, ValueError, H2Error, ExceptionGroup) as error:
            code, message = _status(error)
        finally:
            self.streams.pop(stream.number, None)
        with suppress(H2Error):
            self._end(stream.number, code, message, headers_sent=sent)

    def _end(self, number: int, code: int, message: str, *, headers_sent: bool) -> None:
        trailers = [("grpc-status", str(code))]
        if message:
            trailers.append(("grpc-message", quote(message, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}")))
        if not headers_sent:
            trailers[:0] = [(":status", "200"), ("content-type", "application/grpc")]
        if not self.is_closed:
            self.h2.send_headers(number, trailers, end_stream=True)
            self.flush()


def _status(error: Exception) -> tuple[int, str]:
    """What to answer; the daemon shows it as the reason why its build failed."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, RpcError):
        return error.code, str(error)
    return UNKNOWN, str(error) or type(error).__name__


def unary(answer: Callable[[Mapping[str, list[str]], bytes], Awaitable[bytes]]) -> Handler:
    """A handler of one request and one reply; `answer` is given the metadata and the request."""

    async def handle(call: Call) -> None:
        messages = await call.receive()
        if len(messages) != 1:
            raise RpcError(UNKNOWN, "expected exactly one request")
        await call.send(frame(await answer(call.metadata, messages[0])))

    return handle
