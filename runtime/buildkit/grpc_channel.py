"""Channels of the gRPC library, for addresses that it can dial by itself."""

from __future__ import annotations

import asyncio
import os

from bakec.ir.static import cast
from bakec.runtime.buildkit.rpc import DETAILS, UNAVAILABLE, RpcError

# Before the first import of grpc: it would print a line for every child process.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc.aio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from bakec.runtime.buildkit.rpc import Metadata
    from bakec.runtime.drivers.base import Endpoint

    Call: TypeAlias = grpc.aio.StreamStreamCall[bytes, bytes]

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


class GrpcChannel:
    """A `rpc.Channel` to an address."""

    def __init__(self, endpoint: Endpoint) -> None:
        options = [*OPTIONS, ("grpc.default_authority", endpoint.authority)]
        if endpoint.ca:
            proof = grpc.ssl_channel_credentials(endpoint.ca, endpoint.key or None, endpoint.certificate or None)
            options.append(("grpc.ssl_target_name_override", endpoint.authority))
            self._channel = grpc.aio.secure_channel(endpoint.address, proof, options=options)
        else:
            self._channel = grpc.aio.insecure_channel(endpoint.address, options=options)

    async def call(self, path: str, request: bytes, metadata: Metadata = (), *, seconds: float | None = None) -> bytes:
        # Without serializers the messages pass as bytes.
        method = self._channel.unary_unary(path, None, None)
        try:
            return cast(bytes, await method(request, metadata=tuple(metadata), timeout=seconds))
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error

    async def stream(self, path: str, metadata: Metadata = ()) -> GrpcStream:
        method = cast("Callable[..., Call]", self._channel.stream_stream(path, None, None))
        return GrpcStream(method(metadata=tuple(metadata)))

    async def close(self) -> None:
        await self._channel.close(None)


class GrpcStream:
    """A `rpc.Stream` of the library."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def read(self) -> bytes | None:
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        return message if isinstance(message, bytes) else None

    async def write(self, message: bytes) -> None:
        try:
            await self._call.write(message)
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        except asyncio.InvalidStateError as error:
            raise RpcError(UNAVAILABLE, "the call has ended") from error

    async def end(self) -> None:
        await self._call.done_writing()

    def cancel(self) -> None:
        self._call.cancel()


def _error(error: grpc.aio.AioRpcError) -> RpcError:
    trailers = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    details = next((value for name, value in trailers if name == DETAILS and isinstance(value, bytes)), b"")
    return RpcError(int(error.code().value[0]), error.details() or "", details)
