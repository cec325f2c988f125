"""Auth: registry credentials for the daemon, by host.

Tokens fetched on the client's side are declined (`GetTokenAuthority` is unavailable): the daemon then asks
for the credentials and fetches its tokens itself.
"""

from __future__ import annotations

import asyncio

from bakec.runtime.buildkit.proto.auth_pb2 import CredentialsRequest, CredentialsResponse
from bakec.runtime.buildkit.rpc import UNAVAILABLE, RpcError
from bakec.runtime.buildkit.server import unary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bakec.runtime.buildkit.server import Services
    from bakec.runtime.dockerconfig import Credentials


def services(look_up: Callable[[str], Credentials]) -> Services:
    """`look_up` gives the credentials of a registry host; it may block, and is never run twice at once."""
    lock = asyncio.Lock()

    async def credentials(_metadata: Mapping[str, list[str]], request: bytes) -> bytes:
        host = CredentialsRequest.FromString(request).Host
        # Some credential helpers hang when two of them run.
        async with lock:
            found = await asyncio.to_thread(look_up, host)
        return bytes(CredentialsResponse(Username=found.username, Secret=found.secret).SerializeToString())

    async def decline(_metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
        raise RpcError(UNAVAILABLE, "client side tokens disabled")

    prefix = "/moby.filesync.v1.Auth/"
    return {
        prefix + "Credentials": unary(credentials),
        prefix + "GetTokenAuthority": unary(decline),
        prefix + "FetchToken": unary(decline),
        prefix + "VerifyTokenAuthority": unary(decline),
    }
