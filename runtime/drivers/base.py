"""What a driver is: a way to reach a BuildKit daemon. Everything else is the same for all of them.

A driver file implements `Driver` and imports nothing of the runtime but this module; the contract tests in
`tests/runtime/test_driver_contract.py` say what an implementation must keep.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from bakec.ir.codes.builder import BAD_OPTION
from bakec.ir.codes.run import BAD_ENDPOINT, UNREACHABLE
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, field

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

    from bakec.ir.diagnostics import Diagnostic, Failed

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")
"""How options say yes and no."""


class Pipe(Protocol):
    """An ordered byte stream both ways."""

    async def read(self) -> bytes:
        """Some bytes, at least one; empty when the other side has ended."""
        ...

    def write(self, data: bytes) -> None:
        """Queue `data`. Order is kept; call `drain` to let the other side catch up."""
        ...

    async def drain(self) -> None:
        """Wait until little enough is queued. Raises `OSError` when the stream is broken."""
        ...

    def close(self) -> None: ...


class SocketPipe:
    """A `Pipe` on a connected socket."""

    LIMIT = 1 << 20

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(self.LIMIT)
        except OSError:
            return b""  # reset by the other side: the end, as far as reading goes

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What this driver and its daemon can do, in the reference's terms."""

    moby: bool = False
    """The daemon is the Docker Engine's own: images go to its store, and `image` is called `moby`."""
    oci_exporter: bool = True
    docker_exporter: bool = True
    cache_export: bool = True
    multi_platform: bool = True
    direct_push: bool = True
    default_load: bool = False
    prefer_image_digest: bool = False
    spread: bool = False
    """Each connection may lead to another daemon: builds that are to share something must share a connection."""
    host_gateway: str = ""
    """The address that `host-gateway` stands for; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that gRPC understands: `unix:path` or `host:port`. With `ca` (PEM) it is dialed over TLS."""

    address: str
    authority: str = "localhost"
    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)


class Boot(Protocol):
    """Where a driver tells what it does to make its daemon ready."""

    def part(self, name: str) -> AbstractContextManager[None]:
        """Something that goes on for the time of the block."""
        ...

    def say(self, text: bytes) -> None:
        """Output of the daemon or of what starts it, whole lines."""
        ...

    def warn(self, diagnostic: Diagnostic) -> None:
        """Tell the user, whatever progress is shown."""
        ...


class _Silent:
    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        del name
        yield

    def say(self, text: bytes) -> None:
        del text

    def warn(self, diagnostic: Diagnostic) -> None:
        del diagnostic


SILENT: Boot = _Silent()
"""Nobody wants to hear of it."""


class Images(Protocol):
    """A Docker image store that the client can reach, for what BuildKit leaves to it."""

    def push(self, name: str, auth: Mapping[str, str]) -> AsyncIterator[Mapping[str, object]]:
        """Push one tag; yields the engine's messages, of which one with `error` says that it failed."""
        ...

    async def remote_digest(self, name: str, auth: Mapping[str, str]) -> str:
        """The digest that the registry has for `name` now."""
        ...

    async def load(self, stream: AsyncIterator[bytes]) -> None:
        """Load an image archive."""
        ...


class Engine(Protocol):
    """The HTTP API of a Docker Engine, for drivers whose daemon is a container of it."""

    @property
    def place(self) -> str: ...

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request: the status and the JSON of the answer, None when it is not JSON. Bytes are sent as a
        tar archive, all else as JSON."""
        ...

    async def stream(self, method: str, path: str, headers: Sequence[tuple[str, str]] = ()) -> tuple[int, Pipe]:
        """One request whose answer is read as it comes: the status, and the body until its end."""
        ...

    async def hijack(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: object = None) -> Pipe:
        """A request whose answer turns the connection into a stream."""
        ...

    @property
    def images(self) -> Images: ...

    async def close(self) -> None: ...


class Driver(Protocol):
    """One connection to one daemon."""

    @property
    def name(self) -> str:
        """As in `docker buildx ls`: `docker`, `remote`, …"""
        ...

    @property
    def place(self) -> str:
        """Where the daemon is, for messages."""
        ...

    async def open(self, boot: Boot) -> None:
        """Make the daemon ready. Raises `Failed` with a diagnostic of exit code 7."""
        ...

    @property
    def endpoint(self) -> Endpoint | None:
        """Where gRPC can dial by itself; None when it must go through `dial`."""
        ...

    async def dial(self) -> Pipe:
        """A new stream on which the daemon serves its gRPC API."""
        ...

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        """A stream on which the daemon calls the client's session; None: use `Control.Session`."""
        ...

    def features(self, labels: Mapping[str, str]) -> Features:
        """What can be done, given the labels of the daemon's first worker."""
        ...

    @property
    def images(self) -> Images | None: ...

    async def close(self) -> None: ...


@runtime_checkable
class Witness(Protocol):
    """A driver that can find out why its streams end."""

    @property
    def trouble(self) -> str:
        """Why the last one ended that was not ended on this side; empty while there was none."""
        ...


Status: TypeAlias = Literal["running", "stopped", "inactive"]
"""Of a daemon that a driver makes; `inactive` is one that there is not."""


@runtime_checkable
class Managed(Protocol):
    """What a driver can do besides when the daemon is of its own making. Other daemons are somebody else's: nobody
    stops or removes them here. Each method raises `Failed`."""

    async def status(self) -> Status: ...

    async def stop(self) -> None:
        """Let the daemon end and keep all it has; nothing happens when it does not run."""
        ...

    async def remove(self, *, keep_state: bool) -> None:
        """Undo what `open` has made; `keep_state` keeps the cache for a daemon of the same name."""
        ...


def unreachable(endpoint: str, reason: object) -> Failed:
    """The daemon cannot be reached: the one error for everything that goes wrong below gRPC."""
    return fail(UNREACHABLE.at(None, endpoint=endpoint, reason=str(reason) or type(reason).__name__))


def bad_endpoint(endpoint: str, reason: str) -> Failed:
    """The address or its options make no sense: nothing was dialed."""
    return fail(BAD_ENDPOINT.at(None, endpoint=endpoint, reason=reason))


def bad_option(reason: str) -> Failed:
    """An option of the driver makes no sense."""
    return fail(BAD_OPTION.at(None, reason=reason))
