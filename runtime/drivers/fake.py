"""A daemon inside of this process: it speaks BuildKit's protocol and builds nothing.

For tests of the schedule, of errors and of displays, without an engine. It keeps the contract that the real
drivers keep. What a build does is up to `work`; what happened is in `log`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bakec.ir.records import dataclass, field
from bakec.runtime.buildkit.control import BUILD_ID
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.proto.caps_pb2 import APICap
from bakec.runtime.buildkit.proto.worker_pb2 import WorkerRecord
from bakec.runtime.buildkit.rpc import UNKNOWN, RpcError
from bakec.runtime.buildkit.server import Server, unary
from bakec.runtime.buildkit.wire import frame
from bakec.runtime.drivers.base import Features, unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bakec.runtime.buildkit.server import Call, Handler, Services
    from bakec.runtime.drivers.base import Boot, Endpoint, Images, Pipe

Work = Callable[[str], Awaitable[None]]
"""Performs the build of a name (frontend attribute `build-arg:NAME`). Raises `OSError` to fail it."""


async def nothing(_name: str) -> None:
    """The work of a build whose steps are all cached."""


class MemoryPipe:
    """One end of a pipe inside of this process. An empty piece ends it."""

    def __init__(self, inbox: asyncio.Queue[bytes], outbox: asyncio.Queue[bytes]) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._is_ended = False

    async def read(self) -> bytes:
        data = b"" if self._is_ended else await self._inbox.get()
        self._is_ended |= not data
        return data

    def write(self, data: bytes) -> None:
        if data and not self._is_ended:
            self._outbox.put_nowait(bytes(data))

    async def drain(self) -> None:
        if self._is_ended:
            raise ConnectionResetError("the pipe is closed")
        await asyncio.sleep(0)

    def close(self) -> None:
        for box in (self._inbox, self._outbox):
            box.put_nowait(b"")


def make_pipe() -> tuple[MemoryPipe, MemoryPipe]:
    """The two ends of one pipe."""
    there: asyncio.Queue[bytes] = asyncio.Queue()
    back: asyncio.Queue[bytes] = asyncio.Queue()
    return MemoryPipe(there, back), MemoryPipe(back, there)


@dataclass(slots=True)
class _Build:
    """A build between its `Solve` and its end."""

    name: str = ""
    known: asyncio.Event = field(default_factory=asyncio.Event)
    returned: asyncio.Event = field(default_factory=asyncio.Event)
    answer: gateway.ReturnRequest = field(default_factory=gateway.ReturnRequest)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class FakeDriver:
    work: Work = nothing
    caps: Sequence[str] = ("exporter.multiple", "exporter.image.attestations")
    log: list[tuple[str, str]] = field(default_factory=list)
    """What was asked of the daemon, in order: (`solve` | `evaluate` | `export` | `end` | `cancel`, name)."""
    exporters: list[list[str]] = field(default_factory=list)
    """The exporters of each build."""
    name: str = "fake"
    place: str = "fake://"
    endpoint: Endpoint | None = None
    images: Images | None = None
    _builds: dict[str, _Build] = field(default_factory=dict)
    _servers: set[asyncio.Task[None]] = field(default_factory=set)
    _pipes: list[MemoryPipe] = field(default_factory=list)
    _is_dead: bool = False

    async def open(self, boot: Boot) -> None:
        del boot
        self._is_dead = False
        self._pipes.clear()

    async def dial(self) -> Pipe:
        if self._is_dead:
            raise unreachable(self.place, "it was killed")
        client, server = make_pipe()
        self._pipes.append(server)
        task = asyncio.create_task(Server(server, self._services()).run())
        self._servers.add(task)
        task.add_done_callback(self._servers.discard)
        return client

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        del headers
        client, server = make_pipe()
        self._pipes.append(server)
        return client

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features()

    async def close(self) -> None:
        self.die()
        await asyncio.gather(*self._servers, return_exceptions=True)

    def die(self) -> None:
        """As if the daemon were killed: every connection breaks."""
        self._is_dead = True
        for pipe in self._pipes:
            pipe.close()

    # The protocol

    def _services(self) -> Services:
        prefix, bridge = "/moby.buildkit.v1.Control/", "/moby.buildkit.v1.frontend.LLBBridge/"
        handlers: dict[str, Handler] = {
            prefix + "ListWorkers": unary(self._workers),
            prefix + "Solve": unary(self._solve),
            prefix + "Status": self._status,
            bridge + "Ping": unary(self._ping),
            bridge + "Solve": unary(self._make_llb),
            bridge + "Evaluate": unary(self._evaluate),
            bridge + "Return": unary(self._return),
        }
        return handlers

    def _build(self, ref: str) -> _Build:
        return self._builds.setdefault(ref, _Build())

    def _of(self, metadata: Mapping[str, list[str]]) -> _Build:
        return self._build("".join(metadata.get(BUILD_ID, ())))

    async def _workers(self, _metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
        reply = control.ListWorkersResponse(record=[WorkerRecord(ID="fake")])
        return bytes(reply.SerializeToString())

    async def _solve(self, _metadata: Mapping[str, list[str]], message: bytes) -> bytes:
        request = control.SolveRequest.FromString(message)
        build = self._build(request.Ref)
        build.name = request.FrontendAttrs.get("build-arg:NAME", "")
        build.known.set()
        if build.name:
            self.exporters.append([exporter.Type for exporter in request.Exporters])
        try:
            await build.returned.wait()
            if build.answer.HasField("error"):
                raise RpcError(build.answer.error.code, build.answer.error.message)
            if build.name:
                self.log.append(("export", build.name))
            await self._perform(build)
        except asyncio.CancelledError:
            self.log.append(("cancel", build.name))
            raise
        finally:
            build.ended.set()
        if build.name:
            self.log.append(("end", build.name))
        response = {"containerimage.digest": "sha256:" + "0" * 64} if request.Exporters else {}
        return bytes(control.SolveResponse(ExporterResponse=response).SerializeToString())

    async def _perform(self, build: _Build) -> None:
        if not build.name:
            return
        try:
            await self.work(build.name)
        except OSError as error:
            raise RpcError(UNKNOWN, str(error)) from error

    async def _status(self, call: Call) -> None:
        (message,) = await call.receive()
        build = self._build(control.StatusRequest.FromString(message).Ref)
        await build.known.wait()
        vertex = control.Vertex(digest=f"sha256:{build.name}", name=f"[1/1] RUN {build.name}")
        vertex.started.FromSeconds(1)
        await call.send(frame(control.StatusResponse(vertexes=[vertex]).SerializeToString()))
        await build.ended.wait()
        vertex.completed.FromSeconds(2)
        await call.send(frame(control.StatusResponse(vertexes=[vertex]).SerializeToString()))

    async def _ping(self, metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
        await self._of(metadata).known.wait()
        caps = [APICap(ID=each, Enabled=True) for each in self.caps]
        return bytes(gateway.PongResponse(LLBCaps=caps).SerializeToString())

    async def _make_llb(self, metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
        build = self._of(metadata)
        await build.known.wait()
        self.log.append(("solve", build.name))
        await asyncio.sleep(0)
        result = gateway.Result(ref=gateway.Ref(id=f"ref-{build.name}"))
        return bytes(gateway.SolveResponse(result=result).SerializeToString())

    async def _evaluate(self, metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
        build = self._of(metadata)
        self.log.append(("evaluate", build.name))
        await self._perform(build)
        return b""

    async def _return(self, metadata: Mapping[str, list[str]], message: bytes) -> bytes:
        build = self._of(metadata)
        build.answer = gateway.ReturnRequest.FromString(message)
        build.returned.set()
        return b""
