"""A session: the services of the client that a daemon may call while it builds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from bakec.runtime.buildkit.server import Server
from bakec.runtime.buildkit.services import health
from bakec.runtime.drivers.base import Pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bakec.runtime.buildkit.server import Services

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

Dial = Callable[[Sequence[tuple[str, str]]], Awaitable[Pipe]]
"""Opens the pipe of a session, given its headers."""


def make_id() -> str:
    """A name that nobody guesses, in the reference's form: 25 characters of base 36."""
    number = int.from_bytes(os.urandom(24)) % 36**25
    return "".join([ALPHABET[number // 36**at % 36] for at in range(25)])


class Session:
    """`shared_key` names what is sent, so that the daemon keeps it between runs and takes only what
    changed."""

    def __init__(self, shared_key: str = "") -> None:
        self.id = make_id()
        self.shared_key = shared_key
        self._services: dict[str, Callable[..., Awaitable[None]]] = dict(health.services())

    def allow(self, services: Services) -> None:
        self._services.update(services)

    @property
    def headers(self) -> list[tuple[str, str]]:
        prefix = "X-Docker-Expose-Session-"
        named = [(prefix + "Uuid", self.id), (prefix + "Sharedkey", self.shared_key)]
        return named + [(prefix + "Grpc-Method", method) for method in self._services]

    @asynccontextmanager
    async def open(self, dial: Dial) -> AsyncIterator[None]:
        """Serve while the block runs. A session that breaks early shows as the error of the build that used
        it."""
        pipe = await dial(self.headers)
        server = asyncio.create_task(Server(pipe, self._services).run(), name=f"session:{self.id}")
        try:
            yield
        finally:
            server.cancel()
            await asyncio.wait((server,))
