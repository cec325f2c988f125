"""The calls of BuildKit that the runtime makes. Paths instead of generated stubs: those would tie the
version of grpcio to that of the generator."""

from __future__ import annotations

from typing import Protocol, TypeVar

from bakec.runtime.buildkit.proto import cache_pb2 as cache
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.proto.content_pb2 import ReadContentRequest, ReadContentResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from typing import Any

    import grpc.aio

    from bakec.runtime.buildkit.proto.worker_pb2 import WorkerRecord

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

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def solve(self, request: control.SolveRequest) -> Mapping[str, str]:
        """Submit a build and wait for its end; returns what the exporters say."""
        reply = await _call(self._channel, "/moby.buildkit.v1.Control/Solve", request, control.SolveResponse)
        return dict(reply.ExporterResponse)

    async def status(self, ref: str) -> AsyncIterator[control.StatusResponse]:
        """What happens in a build, until it ends. May be asked for before the build is submitted."""
        method = self._channel.unary_stream(
            "/moby.buildkit.v1.Control/Status",
            request_serializer=control.StatusRequest.SerializeToString,
            response_deserializer=control.StatusResponse.FromString,
        )
        async for response in method(control.StatusRequest(Ref=ref)):
            yield response

    async def history(self, ref: str) -> AsyncIterator[control.BuildHistoryRecord]:
        """What the daemon keeps of a build that has ended."""
        method = self._channel.unary_stream(
            "/moby.buildkit.v1.Control/ListenBuildHistory",
            request_serializer=control.BuildHistoryRequest.SerializeToString,
            response_deserializer=control.BuildHistoryEvent.FromString,
        )
        async for event in method(control.BuildHistoryRequest(Ref=ref, EarlyExit=True)):
            if event.HasField("record"):
                yield event.record

    async def read_blob(self, digest: str) -> bytes:
        """A blob of the daemon's own store."""
        method = self._channel.unary_stream(
            "/containerd.services.content.v1.Content/Read",
            request_serializer=ReadContentRequest.SerializeToString,
            response_deserializer=ReadContentResponse.FromString,
        )
        return b"".join([answer.data async for answer in method(ReadContentRequest(digest=digest))])

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
        method = self._channel.unary_stream(
            "/moby.buildkit.v1.Control/Prune",
            request_serializer=cache.PruneRequest.SerializeToString,
            response_deserializer=cache.UsageRecord.FromString,
        )
        async for record in method(request):
            yield record


class Gateway:
    """One build, driven from here. `ref` is that of the solve request it belongs to; calls made before the
    daemon has seen that request wait for it."""

    def __init__(self, channel: grpc.aio.Channel, ref: str) -> None:
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
    channel: grpc.aio.Channel,
    path: str,
    request: Message,
    reply: type[Reply],
    *,
    metadata: tuple[tuple[str, str], ...] = (),
    seconds: float | None = None,
) -> Reply:
    method = channel.unary_unary(
        path, request_serializer=type(request).SerializeToString, response_deserializer=reply.FromString
    )
    answer: Reply = await method(request, metadata=metadata, timeout=seconds)
    return answer
