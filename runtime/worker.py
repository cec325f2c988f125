"""One job from its start to its end: tries, the steps of its build, publishing, and what went wrong."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Protocol

from bakec.ir.codes.run import BUILD_FAILED, DEADLINE, PUBLISH_FAILED, SSH_MISSING
from bakec.ir.diagnostics import Diagnostic, Failed, fail
from bakec.ir.plan import Job, JobId
from bakec.ir.records import dataclass, field
from bakec.ir.span import Source, Span
from bakec.runtime import publish
from bakec.runtime.build import Build, Input, Node
from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, VertexWarning
from bakec.runtime.buildkit.proto.gateway_pb2 import Result
from bakec.runtime.buildkit.services.ssh import SshError
from bakec.runtime.dockerconfig import DockerConfig
from bakec.runtime.drivers.base import Features, Images
from bakec.runtime.errors import SolveError
from bakec.runtime.options import RunOptions
from bakec.runtime.progress.display import Display
from bakec.runtime.progress.logs import Logs
from bakec.runtime.request import Request
from bakec.runtime.results import Outcome
from bakec.runtime.schedule import Phase

DEFINITE = re.compile(r"did not complete successfully|dockerfile parse error|failed to compute cache key")
"""Failures of what is built, and not of what builds it: trying again would fail again."""
RETRY_SECONDS = 1.0
"""Before the first retry; doubled each time."""


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

    def is_linked(self, job: JobId) -> bool: ...

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
class Workplace:
    """What all jobs of a run share. `results` are the builds that other jobs may use."""

    node: Node
    turns: Turns
    jobs: Mapping[JobId, Job]
    requests: Mapping[JobId, Request]
    results: dict[JobId, Result] = field(default_factory=dict)
    display: Display
    logs: Logs | None
    features: Features
    images: Images | None
    config: DockerConfig
    options: RunOptions


async def work(place: Workplace, job: Job, record: Record) -> None:
    """Build a job; if something outside of it has failed it, try again as often as asked for. A linked job is
    tried once: others hold on to its build. Raises `Failed`, or `ConnectionLostError` when the daemon is gone."""
    retries = 0 if place.turns.is_linked(job.id) else place.options.retries
    while True:
        record.attempts += 1
        record.steps.clear()
        record.warnings.clear()
        try:
            async with asyncio.timeout(place.options.timeout or None):
                record.response = await _build(place, job, record)
            return
        except TimeoutError as error:
            seconds = f"{place.options.timeout:g}"
            raise fail(DEADLINE.at(None, target=job.target, seconds=seconds)) from error
        except SshError as error:
            problem = SSH_MISSING.at(None, target=job.target, id=error.name, reason=error)
            raise fail(problem) from error
        except (publish.PublishError, SolveError) as error:
            if record.attempts > retries or DEFINITE.search(str(error)):
                raise _failed(job, place.requests[job.id], error) from error
        await asyncio.sleep(RETRY_SECONDS * 2 ** (record.attempts - 1))


async def _build(place: Workplace, job: Job, record: Record) -> dict[str, str]:
    request = place.requests[job.id]
    prefix = job.target if len(place.jobs) > 1 else ""

    def watch(response: StatusResponse) -> None:
        place.turns.heard()
        record.watch(response)
        place.display.update(prefix, response)
        if place.logs is not None:
            place.logs.update(job.target, response)

    load = place.images.load if place.images is not None else None
    async with Build(place.node, request, load, watch) as build:
        place.results[job.id] = await build.solve(_inputs(place, job))
        if record.attempts == 1:
            await _take_turns(place, job, build)
        response = await build.finish()
    if not job.call:
        response["buildx.build.ref"] = "/".join((*_node_names(place), build.ref))
    await _publish(place, request, response, watch)
    return response


def _node_names(place: Workplace) -> tuple[str, str]:
    """Builder and node, as the reference calls them in a build's reference."""
    name = place.options.builder or place.options.env.get("BUILDX_BUILDER") or "default"
    return (name, name) if place.features.moby else (name, f"{name}0")


def _inputs(place: Workplace, job: Job) -> list[Input]:
    return [Input(need.context, place.jobs[need.job].target, place.results[need.job]) for need in job.needs]


async def _take_turns(place: Workplace, job: Job, build: Build) -> None:
    """Between LLB and export; the steps of a linked job are run in the order that the schedule gives."""
    place.turns.reached(job, Phase.SOLVED)
    await place.turns.granted(job)
    if place.turns.is_linked(job.id):
        await build.evaluate()
        place.turns.reached(job, Phase.BUILT)
        await place.turns.granted(job)


async def _publish(place: Workplace, request: Request, response: dict[str, str], watch: publish.Watcher) -> None:
    for output in request.outputs:
        is_left_to_us = output.type == "moby" and output.pushes and not place.features.direct_push
        if is_left_to_us and place.images is not None:
            await publish.push_all(place.images, place.config, output, response, watch)
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
