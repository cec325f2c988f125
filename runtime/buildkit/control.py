"""The calls of BuildKit that the runtime makes. All of them raise `RpcError`."""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

from google.protobuf.message import DecodeError

from bakec.runtime.buildkit.proto import cache_pb2 as cache
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.rpc import INTERNAL, RpcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from typing import Any

    from bakec.runtime.buildkit.proto.worker_pb2 import WorkerRecord
    from bakec.runtime.buildkit.rpc import Channel, Metadata

BUILD_ID = "buildkit-controlapi-buildid"
PING_SECONDS = 15


class Message(Protocol):
    """A generated class."""

    def SerializeToString(self) -> bytes: ...  # noqa: N802 protobuf's name

    @classmethod
    def FromString(cls, data: bytes) -> Any: ...  # noqa: N802 protobuf's name


Reply = TypeVar("Reply", bound=Message)


class Control:
    """The daemon as a whole."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def solve(self, request: control.SolveRequest) -> Mapping[str, str]:
        """Submit a build and wait for its end; returns what the exporters say."""
        reply = await _call(self._channel, "/moby.buildkit.v1.Control/Solve", request, control.SolveResponse)
        return dict(reply.ExporterResponse)

    async def status(self, ref: str) -> AsyncIterator[control.StatusResponse]:
        """What happens in a build, until it ends. May be asked for before the build is submitted."""
        path, request = "/moby.buildkit.v1.Control/Status", control.StatusRequest(Ref=ref)
        async for response in _answers(self._channel, path, request, control.StatusResponse):
            yield response

    async def history(self, ref: str) -> AsyncIterator[control.BuildHistoryRecord]:
        """What the daemon keeps of a build that has ended."""
        path = "/moby.buildkit.v1.Control/ListenBuildHistory"
        request = control.BuildHistoryRequest(Ref=ref, EarlyExit=True)
        async for event in _answers(self._channel, path, request, control.BuildHistoryEvent):
            if event.HasField("record"):
                yield event.record

    async def read_blob(self, digest: str) -> bytes:
        """A blob of the daemon's own store."""
        from bakec.runtime.buildkit.proto.content_pb2 import ReadContentRequest, ReadContentResponse

        path, request = "/containerd.services.content.v1.Content/Read", ReadContentRequest(digest=digest)
        answers = _answers(self._channel, path, request, ReadContentResponse)
        return b"".join([answer.data async for answer in answers])

    async def workers(self, *, seconds: float | None = None) -> list[WorkerRecord]:
        """The daemon's workers, the default one first."""
        path = "/moby.buildkit.v1.Control/ListWorkers"
        request = control.ListWorkersRequest()
        reply = await _call(self._channel, path, request, control.ListWorkersResponse, seconds=seconds)
        return list(reply.record)

    async def version(self, *, seconds: float | None = None) -> str:
        """Of BuildKit, as the daemon tells it."""
        path, request = "/moby.buildkit.v1.Control/Info", control.InfoRequest()
        reply = await _call(self._channel, path, request, control.InfoResponse, seconds=seconds)
        return str(reply.buildkitVersion.version)

    async def usage(self, filters: Sequence[str]) -> list[cache.UsageRecord]:
        """What the daemon keeps of its builds."""
        path, request = "/moby.buildkit.v1.Control/DiskUsage", cache.DiskUsageRequest(filter=filters)
        return list((await _call(self._channel, path, request, cache.DiskUsageResponse)).record)

    async def prune(self, request: cache.PruneRequest) -> AsyncIterator[cache.UsageRecord]:
        """Throw away what the request says; yields each record that is gone."""
        path = "/moby.buildkit.v1.Control/Prune"
        async for record in _answers(self._channel, path, request, cache.UsageRecord):
            yield record


class Gateway:
    """One build, driven from here. `ref` is that of the solve request it belongs to; calls made before the
    daemon has seen that request wait for it."""

    def __init__(self, channel: Channel, ref: str) -> None:
        self._channel = channel
        self._metadata = ((BUILD_ID, ref),)

    async def ping(self) -> gateway.PongResponse:
        return await self._call("Ping", gateway.PingRequest(), gateway.PongResponse, seconds=PING_SECONDS)

    async def solve(self, request: gateway.SolveRequest) -> gateway.Result:
        reply = await self._call("Solve", request, gateway.SolveResponse)
        return reply.result

    async def evaluate(self, ref: str) -> None:
        """Build what `ref` stands for, now."""
        await self._call("Evaluate", gateway.EvaluateRequest(Ref=ref), gateway.EvaluateResponse)

    async def resolve_image(self, request: gateway.ResolveImageConfigRequest) -> gateway.ResolveImageConfigResponse:
        """The digest and the config of an image, as the daemon finds them."""
        return await self._call("ResolveImageConfig", request, gateway.ResolveImageConfigResponse)

    async def read_file(self, ref: str, path: str) -> bytes:
        request = gateway.ReadFileRequest(Ref=ref, FilePath=path)
        return bytes((await self._call("ReadFile", request, gateway.ReadFileResponse)).Data)

    async def finish(self, request: gateway.ReturnRequest) -> None:
        """End the build with its result or with an error."""
        await self._call("Return", request, gateway.ReturnResponse)

    async def _call(self, method: str, request: Message, reply: type[Reply], *, seconds: float | None = None) -> Reply:
        path = f"/moby.buildkit.v1.frontend.LLBBridge/{method}"
        return await _call(self._channel, path, request, reply, metadata=self._metadata, seconds=seconds)


async def _call(
    channel: Channel,
    path: str,
    request: Message,
    reply: type[Reply],
    *,
    metadata: Metadata = (),
    seconds: float | None = None,
) -> Reply:
    return _read(reply, await channel.call(path, request.SerializeToString(), metadata, seconds=seconds))


async def _answers(channel: Channel, path: str, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
    stream = await channel.stream(path)
    try:
        await stream.write(request.SerializeToString())
        await stream.end()
        while (message := await stream.read()) is not None:
            yield _read(reply, message)
    finally:
        stream.cancel()


def _read(reply: type[Reply], message: bytes) -> Reply:
    try:
        return cast("Reply", reply.FromString(message))
    except DecodeError as error:
        raise RpcError(INTERNAL, f"the answer is no {reply.__name__}") from error
