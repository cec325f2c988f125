"""Secrets: the daemon asks for one by its id. A value is read when it is asked for, and never kept."""

from __future__ import annotations

import asyncio

from bakec.runtime.buildkit.proto.secrets_pb2 import GetSecretRequest, GetSecretResponse
from bakec.runtime.buildkit.rpc import NOT_FOUND, UNKNOWN, RpcError
from bakec.runtime.buildkit.server import unary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bakec.ir.plan import Secret
    from bakec.runtime.buildkit.server import Services

MAX_SIZE = 500 << 10


def services(secrets: Sequence[Secret], root: Path, env: Mapping[str, str]) -> Services:
    """`root` is what `src` is relative to."""
    known = {secret.id: secret for secret in secrets}

    async def get(_metadata: Mapping[str, list[str]], request: bytes) -> bytes:
        name = GetSecretRequest.FromString(request).ID
        if name not in known:
            raise RpcError(NOT_FOUND, f"secret {name}: not found")
        value = await asyncio.to_thread(read, known[name], root, env)
        if len(value) > MAX_SIZE:
            raise RpcError(UNKNOWN, f"invalid secret size {len(value)}")
        return bytes(GetSecretResponse(data=value).SerializeToString())

    return {"/moby.buildkit.secrets.v1.Secrets/GetSecret": unary(get)}


def variable_of(secret: Secret, env: Mapping[str, str]) -> str:
    """The variable that holds the value, empty when a file does. A variable wins over a file; a secret of which only
    the id is given is the variable of that name, if it is set, else the file."""
    return secret.env or (secret.id if not secret.src and secret.id in env else "")


def file_of(secret: Secret) -> str:
    return secret.src or secret.id


def read(secret: Secret, root: Path, env: Mapping[str, str]) -> bytes:
    """The value now. A variable that is not set gives an empty value."""
    variable = variable_of(secret, env)
    if variable:
        return env.get(variable, "").encode(errors="surrogateescape")
    return (root / file_of(secret)).read_bytes()
