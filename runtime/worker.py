"""One job from its start to its end: tries, the steps of its build, publishing, and what went wrong."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bakec.ir.codes.run import BUILD_FAILED, DEADLINE, PUBLISH_FAILED, SSH_MISSING
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, field
from bakec.ir.span import Source, Span
from bakec.ir.static import Protocol
from bakec.runtime import provenance, publish, retry
from bakec.runtime.build import Build, Input
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.services.ssh import SshError
from bakec.runtime.errors import SolveError, explain
from bakec.runtime.progress.step import shown
from bakec.runtime.results import Outcome
from bakec.runtime.schedule import Phase
from bakec.runtime.together import together

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bakec.ir.diagnostics import Diagnostic, Failed
    from bakec.ir.plan import Job, JobId
    from bakec.runtime.build import Node
    from bakec.runtime.builders import Builder
    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, VertexWarning
    from bakec.runtime.buildkit.proto.gateway_pb2 import Result
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.drivers.base import Features, Images
    from bakec.runtime.options import RunOptions
    from bakec.runtime.placement import Shares
    from bakec.runtime.progress.display import Display
    from bakec.runtime.progress.logs import Logs
    from bakec.runtime.progress.step import Watcher
    from bakec.runtime.request import Request


@dataclass(slots=True)
class Record:
    """What is known of a job so far."""

    outcome: Outcome = Outcome.CANCELLED
    started: float = 0.0
    seconds: float = 0.0
    response: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    attempts: int = 0
    steps: dict[str, bool] = field(default_factory=dict)
    """Steps of the build by digest, and whether they came from the cache."""
    work: list[tuple[str, float, float]] = field(default_factory=list)
    """Phases of work, with the Unix times between which they went on; the end is 0 while they do."""
    because: str = ""
    """The target whose failure this one was skipped for."""
    warnings: list[VertexWarning] = field(default_factory=list)

    @property
    def is_cached(self) -> bool:
        return bool(self.steps) and all(self.steps.values())

    def watch(self, response: StatusResponse) -> None:
        for vertex in response.vertexes:
            is_step = vertex.name.startswith("[") and not vertex.name.startswith("[internal]")
            if is_step and vertex.HasField("completed"):
                self.steps[vertex.digest] = vertex.cached
        self.warnings += response.warnings

    def enter(self, phase: Phase) -> None:
        self.work.append((phase.name.lower(), time.time(), 0.0))

    def leave(self) -> None:
        """The phase that goes on has ended, if one does."""
        if self.work and not self.work[-1][2]:
            phase, since, _ = self.work.pop()
            self.work.append((phase, since, time.time()))


class Turns(Protocol):
    """The schedule, as a job sees it."""

    def phase(self, job: JobId) -> Phase: ...

    def may_retry(self, job: JobId) -> bool: ...

    async def pause(self, job: Job, seconds: float) -> None:
        """Leave the phase of work that has failed, and come back to it after a time."""
        ...

    def reached(self, job: Job, phase: Phase) -> None:
        """The job has come to the end of a phase of work."""
        ...

    def heard(self) -> None:
        """The builder is at work: it has said something."""
        ...

    async def granted(self, job: Job) -> None:
        """Wait until the job may enter its next phase of work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A node at work: what it is asked for, and `results`, the builds that other jobs may use there."""

    name: str
    node: Node
    requests: Mapping[JobId, Request]
    features: Features
    images: Images | None
    results: dict[JobId, Result] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all jobs of a run share."""

    builder: Builder
    stations: Mapping[int, Station]
    shares: Shares
    turns: Turns
    jobs: Mapping[JobId, Job]
    display: Display
    logs: Logs | None
    config: DockerConfig
    options: RunOptions

    def stations_of(self, job: Job) -> list[Station]:
        """Those that build a part of the job, or all of it."""
        return [self.stations[share.node] for share in self.shares[job.id]]


async def work(place: Workplace, job: Job, record: Record) -> None:
    """Build a job; if something outside of it has failed it, try again as often as asked for, unless others hold on to
    what it has made. Raises `Failed`, or `ConnectionLostError` when the daemon is gone."""
    while True:
        record.attempts += 1
        record.steps.clear()
        record.warnings.clear()
        try:
            async with asyncio.timeout(place.options.timeout or None) as limit:
                record.response = await _build(place, job, record, limit)
            return
        except TimeoutError as error:
            seconds = f"{place.options.timeout:g}"
            raise fail(DEADLINE.at(None, target=job.target, seconds=seconds)) from error
        except SshError as error:
            problem = SSH_MISSING.at(None, target=job.target, id=error.name, reason=error)
            raise fail(problem) from error
        except (publish.PublishError, SolveError) as error:
            retries = place.options.retries.after(str(error))
            if record.attempts > retries or not place.turns.may_retry(job.id):
                raise _failed(job, place.stations_of(job)[0].requests[job.id], error) from error
        await place.turns.pause(job, retry.wait(record.attempts))


async def _build(place: Workplace, job: Job, record: Record, limit: asyncio.Timeout) -> dict[str, str]:
    prefix = job.target if len(place.jobs) > 1 else ""

    def watch(response: StatusResponse) -> None:
        place.turns.heard()
        record.watch(response)
        place.display.update(prefix, response)
        if place.logs is not None:
            place.logs.update(job.target, response)

    stations = place.stations_of(job)
    async with AsyncExitStack() as stack:
        builds = [await stack.enter_async_context(_begin(station, job, watch)) for station in stations]
        await together(_solve(place, *each, job) for each in zip(stations, builds, strict=True))
        await _take_turns(place, job, builds, limit)
        responses = await together(build.finish() for build in builds)
    for station, build, response in zip(stations, builds, responses, strict=True):
        if not job.call:
            response["buildx.build.ref"] = f"{place.builder.name}/{station.name}/{build.ref}"
            response |= await _provenance(place, station, build.ref, watch)
        await _publish(place, station, station.requests[job.id], response, watch)
    if len(stations) == 1:
        return responses[0]
    from bakec.runtime.merge import merge

    return await merge(stations[0].requests[job.id], responses, place.config, watch)


def _begin(station: Station, job: Job, watch: Watcher) -> Build:
    load = station.images.load if station.images is not None else None
    return Build(station.node, station.requests[job.id], load, watch)


async def _provenance(place: Workplace, station: Station, ref: str, watch: Watcher) -> dict[str, str]:
    """What the daemon says of how the result was made; asked only for a metadata file."""
    mode = provenance.mode_of(place.options.env)
    if place.options.metadata_file is None or not mode:
        return {}
    with shown("resolving provenance for metadata file", watch):
        try:
            return await provenance.fetch(station.node.control, ref, mode)
        except RpcError as error:
            raise await explain(error, station.node.control) from error


async def _solve(place: Workplace, station: Station, build: Build, job: Job) -> None:
    inputs = [Input(need.context, place.jobs[need.job].target, station.results[need.job]) for need in job.needs]
    station.results[job.id] = await build.solve(inputs)


async def _take_turns(place: Workplace, job: Job, builds: Sequence[Build], limit: asyncio.Timeout) -> None:
    """Between LLB and export; the steps of a linked job are run in the order that the schedule gives. A job that is
    tried again takes those that are left."""
    if place.turns.phase(job.id) is Phase.SOLVING:
        await _end_phase(place, job, Phase.SOLVED, limit)
    if place.turns.phase(job.id) is Phase.BUILDING:
        await together(build.evaluate() for build in builds)
        await _end_phase(place, job, Phase.BUILT, limit)


async def _end_phase(place: Workplace, job: Job, phase: Phase, limit: asyncio.Timeout) -> None:
    """Wait for the next one. Only work counts towards the time that a target may take."""
    place.turns.reached(job, phase)
    end, now = limit.when(), asyncio.get_running_loop().time
    left = None if end is None else end - now()
    limit.reschedule(None)
    await place.turns.granted(job)
    limit.reschedule(None if left is None else now() + left)


async def _publish(
    place: Workplace, station: Station, request: Request, response: dict[str, str], watch: Watcher
) -> None:
    for output in request.outputs:
        is_left_to_us = output.type == "moby" and output.pushes and not station.features.direct_push
        if is_left_to_us and station.images is not None:
            await publish.push_all(station.images, place.config, output, response, watch)
        if output.attrs.get("prefer-image-digest") == "true":
            response.pop(publish.CONFIG_DIGEST, None)


def _failed(job: Job, request: Request, error: publish.PublishError | SolveError) -> Failed:
    """The daemon's message, at the lines of the Dockerfile it blames. A push that failed is not a failed
    build."""
    if isinstance(error, publish.PublishError):
        return fail(PUBLISH_FAILED.at(None, target=job.target, name=error.name, reason=error))
    reason = str(error)
    if "failed to push" in reason and any(output.pushes for output in request.outputs):
        names = ", ".join(name for output in request.outputs for name in output.names)
        return fail(PUBLISH_FAILED.at(None, target=job.target, name=names, reason=reason))
    return fail(BUILD_FAILED.at(_span(error), target=job.target, reason=reason))


def _span(error: SolveError) -> Span | None:
    """The first range of lines that the daemon blames and that its source has."""
    for found in error.sources:
        source = Source(found.filename, found.text)
        count = len(source.line_starts)
        for first, last in found.lines:
            if 1 <= first <= count:
                last = min(last, count)
                end = source.line_starts[last - 1] + len(source.line_text(last))
                return Span(source, source.line_starts[first - 1], end)
    return None
