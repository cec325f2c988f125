"""Run a plan on a builder.

`schedule` decides which jobs may go on, `request` says what a job is in the builder's words, `worker`
performs it, and this module feeds what happens back to the schedule. One event loop, one task group.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import os
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager

from bakec.ir.codes.run import IDLE, LOST, NO_OUTPUT, RUN_DEADLINE, SKIPPED
from bakec.ir.diagnostics import Exit, Failed
from bakec.ir.plan import JobId
from bakec.runtime import builders, dockerconfig, metadata, placement, publish, report, site
from bakec.runtime.build import Node
from bakec.runtime.buildkit.control import Control
from bakec.runtime.errors import ConnectionLostError
from bakec.runtime.exports import has_default
from bakec.runtime.fleet import Fleet
from bakec.runtime.journal import Journal, Past
from bakec.runtime.placement import part_of
from bakec.runtime.progress.board import WORDS, Board, Target
from bakec.runtime.progress.display import TICK, Guarded, make_display
from bakec.runtime.progress.logs import Logs
from bakec.runtime.request import compose
from bakec.runtime.results import JobResult, Outcome, RunResult
from bakec.runtime.schedule import Phase, advance, begin, may_retry, pause, resume, starts
from bakec.runtime.store import Store
from bakec.runtime.together import together
from bakec.runtime.worker import Record, Station, Workplace, work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.plan import Job, Plan
    from bakec.runtime.builders import Builder
    from bakec.runtime.options import RunOptions
    from bakec.runtime.placement import Shares
    from bakec.runtime.progress.display import Display
    from bakec.runtime.request import Request, Site
    from bakec.runtime.schedule import Claim, RunState

SOON = 0.001


def run_plan(plan: Plan, options: RunOptions, builder: Builder | None = None) -> RunResult:
    """`run` on an event loop of its own. An interrupt stops the builds and gives exit code 130."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(plan, options, builder))


async def run(plan: Plan, options: RunOptions, builder: Builder | None = None) -> RunResult:
    """Run all jobs of a plan, by default on the builder that the options name. What goes wrong outside of this
    program is in the result, and never raised."""
    if options.publish != "each" and publish.has_pushes(plan):
        kept = publish.without_pushes(plan)
        if options.publish == "never":
            return _reported(await _run(kept, options, builder), options)
        rehearsal = await _run(kept, dataclasses.replace(options, metadata_file=None, journal=None), builder)
        if rehearsal.exit is not Exit.OK:
            return _reported(rehearsal, options)
        if options.deadline:
            options = dataclasses.replace(options, deadline=max(options.deadline - rehearsal.seconds, SOON))
    return _reported(await _run(plan, options, builder), options)


def _reported(result: RunResult, options: RunOptions) -> RunResult:
    if result.exit is not Exit.OK:
        # Exceptions know the frames they passed, and these their connections, which must go while the loop is there.
        gc.collect()
    if options.progress not in ("quiet", "rawjson"):
        with contextlib.suppress(OSError):  # nobody reads it: what was built is built all the same
            options.stderr.write("\n" + report.render(result))
            options.stderr.flush()
    return result


async def _run(plan: Plan, options: RunOptions, builder: Builder | None) -> RunResult:
    started = time.monotonic()
    current = _Run(plan, options)
    try:
        if options.metadata_file is not None:
            metadata.check(options.metadata_file)
        chosen = builder or _choose(options, current.config)
        current.begin(chosen.place)
        with _interrupts(current):
            await current.perform(chosen)
        if options.metadata_file is not None and not current.is_lost:
            metadata.write(options.metadata_file, current.jobs(), options.env)
    except Failed as failure:
        current.lose(failure.diagnostics)
    except asyncio.CancelledError:
        if not current.is_stopping:
            raise
    current.close()
    return current.result(time.monotonic() - started)


def _choose(options: RunOptions, config: dockerconfig.DockerConfig) -> Builder:
    builder = builders.choose(options.builder, options.env, config)
    Store(options.env, config).touch(builder.name)
    return builder


@contextlib.contextmanager
def _interrupts(current: _Run) -> Iterator[None]:
    """An interrupt stops the builds in order. Where signals cannot be handled (in a thread), they are not."""
    loop = asyncio.get_running_loop()
    handled: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in handled:
            loop.add_signal_handler(number, current.interrupt)
    except (NotImplementedError, RuntimeError, ValueError):
        handled = ()
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


class _Run:
    """One run: the state of the schedule, and the tasks that perform it."""

    config: dockerconfig.DockerConfig
    _state: RunState
    _claims: Mapping[JobId, Claim]
    _limits: Mapping[str, int]
    _done: frozenset[JobId]
    _group: asyncio.TaskGroup
    _place: Workplace

    def __init__(self, plan: Plan, options: RunOptions) -> None:
        self.config = dockerconfig.load(options.env)
        self._plan = plan
        self._options = options
        self._jobs = {job.id: job for job in plan.jobs}
        self._records = {job.id: Record() for job in plan.jobs}
        self._journal: Journal | None = None
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._grants: dict[JobId, asyncio.Future[None]] = {}
        self._diagnostics: list[Diagnostic] = []
        self._warnings: list[Diagnostic] = []
        self._logs: Logs | None = None
        self._display: Display | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._masks: tuple[bytes, ...] = ()
        self._heard = time.monotonic()
        self.is_interrupted = False
        self.is_stopping = False

    def begin(self, builder: str) -> None:
        """Set the schedule up, without the jobs that a journal says are finished. Raises `Failed`."""
        options = self._options
        past = Past()
        if options.journal:
            journal = Journal(options.journal, self._plan)
            past = journal.begin(builder, resume=options.resume)
            self._journal = journal  # from here on it is ours to write
        left = frozenset(self._jobs) - past.failed if options.failed_only else frozenset[JobId]()
        self._claims = {job.id: options.claims[job.target] for job in self._plan.jobs if job.target in options.claims}
        self._limits = {**options.pools, "": options.jobs}
        self._done = frozenset(past.done) | left
        self._state = begin(self._plan.jobs, self._limits, self._claims, done=self._done)
        for job_id, phase in self._state.phases.items():
            record = self._records[job_id]
            if phase is Phase.DONE and job_id in past.done:
                record.outcome, record.response = Outcome.DONE, dict(past.done[job_id])
            elif phase is Phase.DONE:
                record.outcome = Outcome.LEFT

    async def perform(self, builder: Builder) -> None:
        if self._state.is_over:
            return
        self._waiting = asyncio.current_task()
        async with self._timed(), AsyncExitStack() as stack:
            display = await stack.enter_async_context(self._showing(builder))
            fleet = Fleet(builder, stack, lambda response: display.update("", response))
            shares = await fleet.place([job for job_id, job in self._jobs.items() if not self._is_over(job_id)])
            self._warnings.extend(fleet.warnings)
            self._limit_nodes(shares)
            sites = await self._survey(fleet, shares)
            requests = await asyncio.to_thread(self._compose, shares, sites)
            self._warn_of_no_output(requests, sites)
            for node, found in sites.items():
                if not found.place.features.spread:  # a session is known to the daemon that it was opened with
                    await site.share(stack, fleet.connections[node], requests[node].values(), found.node_id)
            self._place = self._workplace(fleet, shares, sites, requests, display)
            self._waiting = None
            try:
                async with asyncio.TaskGroup() as self._group:
                    self._dispatch()
            finally:
                del self._place  # it knows us: connections would stay open until somebody collects garbage

    def _limit_nodes(self, shares: Shares) -> None:
        """Before anything was started: the schedule as before, with a pool for each node."""
        if not self._options.node_jobs:
            return
        pools, claims = placement.node_limits(shares, self._options.node_jobs, self._claims)
        limits = {**self._limits, **pools}
        self._state = begin(self._plan.jobs, limits, {**self._claims, **claims}, done=self._done)

    def _is_over(self, job: JobId) -> bool:
        return self._state.phases[job].is_end

    async def _survey(self, fleet: Fleet, shares: Shares) -> dict[int, Site]:
        """What the nodes that build something can do."""
        parts = placement.by_node(shares, self._jobs)
        found = [
            site.survey(fleet.connections[node], jobs.values(), self._options, self.config)
            for node, jobs in parts.items()
        ]
        return dict(zip(parts, await together(found), strict=True))

    @asynccontextmanager
    async def _showing(self, builder: Builder) -> AsyncIterator[Display]:
        options = self._options
        self._masks = await asyncio.to_thread(site.masks_of, self._plan, options.root, options.env)
        heading = f"building with {builder.place} using the {builder.driver} driver"
        self._logs = Logs(options.log_dir, self._masks) if options.log_dir else None
        made = make_display(options.progress, options.stderr, self._masks, heading=heading, look=self._board)
        display = Guarded(made)
        self._display = display
        ticker = asyncio.create_task(self._tick(display))
        try:
            yield display
        finally:
            ticker.cancel()
            display.close()
            self._display = None
            if self._logs:
                self._logs.close()

    def _board(self) -> Board:
        """Where the jobs are, for displays."""
        phases = self._state.phases
        working = [
            Target(job.target, WORDS[phases[job.id].name.lower()], self._records[job.id].started)
            for job in self._plan.jobs
            if phases[job.id].is_work
        ]
        ended = sum(phase.is_end for phase in phases.values())
        waiting = len(phases) - ended - len(working)
        taken, limit = self._state.taken[""], self._options.jobs
        return Board(targets=tuple(working), waiting=waiting, ended=ended, slots=taken, limit=limit)

    async def _tick(self, display: Display) -> None:
        while True:
            await asyncio.sleep(TICK)
            display.tick()
            try:
                if self._logs:
                    self._logs.tick()
            except Failed as failure:
                self._logs = None
                self.lose(failure.diagnostics)

    @asynccontextmanager
    async def _timed(self) -> AsyncIterator[None]:
        watch = asyncio.create_task(self._keep_time())
        try:
            yield
        finally:
            watch.cancel()

    async def _keep_time(self) -> None:
        """Stops the run when its time is over, or the builder was silent for too long."""
        began = self._heard
        while True:
            limits = ((RUN_DEADLINE, self._options.deadline, began), (IDLE, self._options.idle, self._heard))
            ends = [(since + limit, limit, rule) for rule, limit, since in limits if limit]
            if not ends:
                return
            end, limit, rule = min(ends, key=lambda one: one[0])
            if end <= time.monotonic():
                self.lose((rule.at(None, seconds=f"{limit:g}"),))
                return
            await asyncio.sleep(end - time.monotonic())

    def _compose(self, shares: Shares, sites: Mapping[int, Site]) -> dict[int, dict[JobId, Request]]:
        """All requests, by node, before the first build. What cannot be built stops the run, or with `keep_going`
        only what depends on it."""
        requests: dict[int, dict[JobId, Request]] = {node: {} for node in sites}
        for job_id, each in shares.items():
            job = self._jobs[job_id]
            if self._is_over(job_id):
                continue  # skipped, since what it needs could not be composed
            try:
                for share in each:
                    requests[share.node][job_id] = compose(part_of(job, share, len(each)), sites[share.node])
                if len(each) > 1:
                    from bakec.runtime import merge

                    merge.prepare([requests[share.node][job_id] for share in each])
            except Failed as failure:
                if not self._options.keep_going:
                    raise
                self._fail(job, failure)
                self._note_end(job)
                self._skip(advance(self._state, job_id, Phase.FAILED), job)
        return requests

    def _warn_of_no_output(self, requests: Mapping[int, Mapping[JobId, Request]], sites: Mapping[int, Site]) -> None:
        """Of targets asked for whose result nobody will be able to use."""
        lost = {
            request.job.target: sites[node].place.driver
            for node, each in requests.items()
            for request in each.values()
            if not request.job.exports and not request.job.call and not has_default(sites[node].place)
        }
        wanted = [job.target for job in self._jobs.values() if job.target in lost.keys() & set(self._plan.requested)]
        if wanted:
            targets = ", ".join(f"`{target}`" for target in wanted)
            self._warnings.append(NO_OUTPUT.at(None, targets=targets, driver=lost[wanted[0]]))

    def _workplace(
        self,
        fleet: Fleet,
        shares: Shares,
        sites: Mapping[int, Site],
        requests: Mapping[int, Mapping[JobId, Request]],
        display: Display,
    ) -> Workplace:
        return Workplace(
            builder=fleet.builder,
            stations={node: self._station(fleet, node, found, requests[node]) for node, found in sites.items()},
            shares=shares,
            turns=self,
            jobs=self._jobs,
            display=display,
            logs=self._logs,
            config=self.config,
            options=self._options,
        )

    def _introduce(self, digest: str, target: str, place: str) -> None:
        self._place.display.introduce(digest, target if len(self._jobs) > 1 else "", place)

    def _station(self, fleet: Fleet, index: int, found: Site, requests: Mapping[JobId, Request]) -> Station:
        connection = fleet.connections[index]
        node = Node(
            connection=connection,
            control=Control(connection.channel),
            look_up=self.config.credentials,
            env=self._options.env,
            ops=self._plan.ops,
            op_meta=self._plan.op_meta,
            dockerfiles=self._plan.dockerfiles,
            groups=placement.groups(self._plan.jobs) if found.place.features.spread else {},
            introduce=self._introduce,
        )
        return Station(
            name=fleet.builder.nodes[index].name,
            node=node,
            requests=requests,
            features=found.place.features,
            images=connection.driver.images,
        )

    # The schedule

    def phase(self, job: JobId) -> Phase:
        return self._state.phases[job]

    def may_retry(self, job: JobId) -> bool:
        return may_retry(self._state, job)

    async def pause(self, job: Job, seconds: float) -> None:
        self._records[job.id].leave()
        self._heard = time.monotonic() + seconds  # the silence is ours
        pause(self._state, job.id)
        self._dispatch()
        await asyncio.sleep(seconds)
        resume(self._state, job.id)
        self._dispatch()
        await self.granted(job)

    def heard(self) -> None:
        self._heard = time.monotonic()

    def reached(self, job: Job, phase: Phase) -> None:
        self.heard()
        self._records[job.id].leave()
        if phase.is_end:
            self._note_end(job)
        self._skip(advance(self._state, job.id, phase), job)
        if not self.is_stopping:
            self._dispatch()

    async def granted(self, job: Job) -> None:
        await self._grant(job.id)
        del self._grants[job.id]

    def _grant(self, job: JobId) -> asyncio.Future[None]:
        return self._grants.setdefault(job, asyncio.get_running_loop().create_future())

    def _dispatch(self) -> None:
        for job_id, phase in starts(self._state):
            self._records[job_id].enter(phase)
            if job_id not in self._tasks:
                self._tasks[job_id] = self._group.create_task(self._drive(self._jobs[job_id]), name=job_id)
            else:
                self._grant(job_id).set_result(None)

    def _skip(self, skipped: list[JobId], culprit: Job) -> None:
        is_at_fault = self._records[culprit.id].outcome is Outcome.FAILED
        for job_id in skipped:
            record, target = self._records[job_id], self._jobs[job_id].target
            if is_at_fault:
                record.outcome = Outcome.SKIPPED
                record.because = culprit.target
                record.diagnostics.append(SKIPPED.at(None, target=target, parent=culprit.target))
            if job_id in self._tasks:
                self._tasks[job_id].cancel()
            elif is_at_fault:
                self._note_end(self._jobs[job_id])

    async def _drive(self, job: Job) -> None:
        """A job from its start to its end, whatever that is."""
        record = self._records[job.id]
        record.started = time.monotonic()
        self._note(start=job.id)
        phase = Phase.CANCELLED
        try:
            await work(self._place, job, record)
            record.outcome = Outcome.CACHED if record.is_cached else Outcome.BUILT
            phase = Phase.DONE
        except asyncio.CancelledError:
            # Ours, if the run is stopping or the job was skipped; else somebody ends the whole program.
            if not self.is_stopping and not self._state.phases[job.id].is_end:
                raise
        except ConnectionLostError as lost:
            if not self.is_stopping:
                self.lose((LOST.at(None, endpoint=self._place.builder.place, reason=lost),))
        except Failed as failure:
            phase = Phase.FAILED
            self._fail(job, failure)
            if not self._options.keep_going:
                self._stop()
        record.seconds = time.monotonic() - record.started
        self.reached(job, phase)

    # The journal

    def _note(self, **entry: object) -> None:
        if self._journal is None:
            return
        try:
            self._journal.note(**entry)
        except Failed as failure:
            self._journal.close()
            self._journal = None
            self.lose(failure.diagnostics)

    def _note_end(self, job: Job) -> None:
        record = self._records[job.id]
        error = "; ".join(each.message for each in record.diagnostics)
        optional = {"because": record.because, "error": self._masked(error)}
        self._note(
            end=job.id,
            outcome=record.outcome.value,
            seconds=round(record.seconds, 3),
            work=[(phase, round(since, 3), round(until, 3)) for phase, since, until in record.work],
            attempts=record.attempts,
            steps=len(record.steps),
            cached=sum(record.steps.values()),
            **{key: value for key, value in optional.items() if value},
            **({"response": record.response} if record.outcome.is_success else {}),
        )

    def _masked(self, text: str) -> str:
        for mask in self._masks:
            text = text.replace(mask.decode(errors="replace"), "***")
        return text

    def close(self) -> None:
        """The run is over."""
        self._note(over=int(self.result(0.0).exit))
        if self._journal is not None:
            self._journal.close()

    # The end

    def _fail(self, job: Job, failure: Failed) -> None:
        self._records[job.id].outcome = Outcome.FAILED
        self._records[job.id].diagnostics.extend(failure.diagnostics)

    def _stop(self) -> None:
        """No new work, and an end to what is going on."""
        self.is_stopping = True
        if self._waiting is not None and self._waiting is not _current_task():
            self._waiting.cancel()  # still looking for the builder
        for job_id, task in self._tasks.items():
            if not self._state.phases[job_id].is_end and task is not asyncio.current_task():
                task.cancel()

    def interrupt(self) -> None:
        """The first asks for an end in order; whoever asks again does not want to wait for it."""
        if self.is_interrupted:
            if self._display is not None:
                self._display.close()  # gives the cursor back
            os._exit(Exit.INTERRUPTED)
        self.is_interrupted = True
        self._stop()

    def lose(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """The run cannot go on."""
        self._diagnostics.extend(diagnostics)
        self._stop()

    @property
    def is_lost(self) -> bool:
        return self.result(0.0).exit is not Exit.OK

    def jobs(self) -> tuple[JobResult, ...]:
        return tuple(_result_of(job, self._records[job.id]) for job in self._plan.jobs)

    def result(self, seconds: float) -> RunResult:
        jobs = self.jobs()
        own = [each for job in jobs if job.outcome is Outcome.FAILED for each in job.diagnostics]
        diagnostics = (*self._diagnostics, *own)
        code = diagnostics[0].rule.exit if diagnostics else Exit.OK
        if self.is_interrupted:
            code = Exit.INTERRUPTED
        warnings = tuple(self._warnings)
        return RunResult(jobs=jobs, exit=code, diagnostics=diagnostics, warnings=warnings, seconds=seconds)


def _result_of(job: Job, record: Record) -> JobResult:
    return JobResult(
        id=job.id,
        target=job.target,
        outcome=record.outcome,
        seconds=record.seconds,
        digest=record.response.get(publish.DIGEST, ""),
        response=record.response,
        diagnostics=tuple(record.diagnostics),
        attempts=record.attempts,
        warnings=tuple(map(metadata.warning, record.warnings)),
    )


def _current_task() -> asyncio.Task[object] | None:
    """None in a callback of the loop, and after its end."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
