"""SSH: an agent of the client, forwarded to builds that ask for it.

Only listing keys and signing pass: a build must not add or remove keys of its user's agent, nor lock it. Key
files are served by a private `ssh-agent` that lives as long as the session, and no longer than this process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

from bakec.runtime import scratch
from bakec.runtime.buildkit.proto.ssh_pb2 import CheckAgentRequest
from bakec.runtime.buildkit.rpc import UNKNOWN, RpcError
from bakec.runtime.buildkit.server import unary
from bakec.runtime.buildkit.wire import bytes_message, frame, read_bytes_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from pathlib import Path

    from bakec.ir.plan import Ssh
    from bakec.runtime.buildkit.server import Call, Services

DEFAULT_ID = "default"
LIST_KEYS, SIGN = 11, 13
FAILURE = b"\x00\x00\x00\x01\x05"
MAX_REQUEST = 256 << 10
AGENT_SECONDS = 20


def services(sockets: Mapping[str, str]) -> Services:
    """`sockets` of agents by id."""

    async def check(_metadata: Mapping[str, list[str]], request: bytes) -> bytes:
        _socket_of(sockets, CheckAgentRequest.FromString(request).ID)
        return b""

    async def forward(call: Call) -> None:
        name = "".join(call.metadata.get("buildkit.ssh.id", ())[:1])
        await _forward(call, _socket_of(sockets, name))

    prefix = "/moby.sshforward.v1.SSH/"
    return {prefix + "CheckAgent": unary(check), prefix + "ForwardAgent": forward}


def _socket_of(sockets: Mapping[str, str], name: str) -> str:
    found = sockets.get(name or DEFAULT_ID)
    if found is None:
        raise RpcError(UNKNOWN, f"unset ssh forward key {name or DEFAULT_ID}")
    return found


async def _forward(call: Call, socket: str) -> None:
    """Pass whole requests of the agent protocol on, one at a time."""
    reader, writer = await asyncio.open_unix_connection(socket)
    pending = bytearray()
    try:
        while messages := await call.receive():
            for message in messages:
                pending += read_bytes_message(message)
            while (request := _take_request(pending)) is not None:
                reply = FAILURE
                if request[4:5] in (bytes([LIST_KEYS]), bytes([SIGN])):
                    writer.write(request)
                    size = await reader.readexactly(4)
                    reply = size + await reader.readexactly(int.from_bytes(size, "big"))
                await call.send(frame(bytes_message(reply)))
    finally:
        writer.close()


def _take_request(pending: bytearray) -> bytes | None:
    """The first whole request, taken off; None when it is not complete."""
    size = int.from_bytes(pending[:4], "big")
    if size > MAX_REQUEST:
        raise RpcError(UNKNOWN, "oversized request to the ssh agent")
    if len(pending) < 4 + size or len(pending) < 5:
        return None
    request = bytes(pending[: 4 + size])
    del pending[: 4 + size]
    return request


class SshError(Exception):
    """What is wrong with an `Ssh` of a plan: its id and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@asynccontextmanager
async def agents(forwards: Sequence[Ssh], root: Path, env: Mapping[str, str]) -> AsyncIterator[Mapping[str, str]]:
    """The sockets to forward, by id; agents for key files are started and ended. Raises `SshError`."""
    sockets: dict[str, str] = {}
    with ExitStack() as stack:
        for forward in forwards:
            sockets[forward.id or DEFAULT_ID] = await asyncio.to_thread(_open, forward, root, env, stack)
        yield sockets


def _open(forward: Ssh, root: Path, env: Mapping[str, str], stack: ExitStack) -> str:
    paths = [str(root / path) for path in forward.paths if path] or [env.get("SSH_AUTH_SOCK", "")]
    name = forward.id or DEFAULT_ID
    if paths == [""]:
        raise SshError(name, "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
    try:
        are_sockets = [stat.S_ISSOCK(os.stat(path).st_mode) for path in paths]  # noqa: PTH116 pairs with S_ISSOCK
    except OSError as error:
        raise SshError(name, f"{error.filename}: {error.strerror}") from error
    if not any(are_sockets):
        return _start_agent(name, paths, env, stack)
    if not all(are_sockets):
        raise SshError(name, "invalid combination of keys and sockets")
    if len(paths) > 1:
        raise SshError(name, "only single socket allowed")
    return paths[0]


def _start_agent(name: str, keys: Sequence[str], env: Mapping[str, str], stack: ExitStack) -> str:
    socket = f"{stack.enter_context(scratch.folder())}/agent"
    # Without a terminal and an asking program, a key with a passphrase is an error at once.
    quiet = {**env, "SSH_AUTH_SOCK": socket, "SSH_ASKPASS_REQUIRE": "never", "DISPLAY": ""}
    try:
        stack.enter_context(_running_agent(socket, env))
        subprocess.run(
            ("ssh-add", "-q", *keys),
            env=quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=AGENT_SECONDS,
            check=True,
            start_new_session=True,
        )
    except subprocess.CalledProcessError as error:
        raise SshError(name, f"cannot load {', '.join(keys)}: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SshError(name, f"cannot start an ssh-agent for key files: {error}") from error
    return socket


@contextmanager
def _running_agent(socket: str, env: Mapping[str, str]) -> Iterator[None]:
    """An agent that lives as long as the block. It serves a command that waits for the end of our pipe: when this
    process is killed, the command ends, and then the agent does."""
    command = ("ssh-agent", "-a", socket, "sh", "-c", "echo $SSH_AGENT_PID; exec cat")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=dict(env), stdin=pipe, stdout=pipe, text=True, start_new_session=True) as keeper:
        agent = int(keeper.stdout.readline()) if keeper.stdout else 0
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(agent, signal.SIGTERM)
            if keeper.stdin:
                keeper.stdin.close()
