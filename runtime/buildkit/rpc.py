"""Calls of gRPC as the runtime makes them, whoever carries them: `client` over a pipe that a driver has opened,
`grpc_channel` where the library can dial by itself."""

from __future__ import annotations

from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TypeAlias

    Metadata: TypeAlias = Sequence[tuple[str, str]]
    """Names in lower case, and values."""

OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 0, 1, 2, 4, 5, 6
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 12, 13, 14
DETAILS: Final = "grpc-status-details-bin"
"""The trailer that holds a whole google.rpc.Status."""


class RpcError(Exception):
    """A call that has failed: its code, what was said, and the encoded google.rpc.Status that came with it, if any."""

    def __init__(self, code: int, message: str, details: bytes = b"") -> None:
        super().__init__(message or f"code {code} of gRPC")
        self.code = code
        self.details = details


class Stream(Protocol):
    """A call with any number of messages both ways. Whoever opens one cancels it in the end."""

    async def read(self) -> bytes | None:
        """The next message; None when the other side has ended well. Raises `RpcError`."""
        ...

    async def write(self, message: bytes) -> None:
        """Raises `RpcError` when the call has ended."""
        ...

    async def end(self) -> None:
        """There is nothing more to write."""
        ...

    def cancel(self) -> None:
        """Give the call up; nothing happens when it has ended."""
        ...


class Channel(Protocol):
    """Where calls go. It connects by itself, again when the connection has broken."""

    async def call(self, path: str, request: bytes, metadata: Metadata = (), *, seconds: float | None = None) -> bytes:
        """One request and its reply; `seconds` is how long it may take. Raises `RpcError`."""
        ...

    async def stream(self, path: str, metadata: Metadata = ()) -> Stream:
        """Raises `RpcError` when there is no connection to be had."""
        ...

    async def close(self) -> None: ...
