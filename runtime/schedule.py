"""Which jobs may go on: decided by pure functions over the state of a run, whenever that state changes.

A job passes through phases. It is *solved* (its frontend has made LLB), *built* and *finished* (exported,
and ended). A job that is linked to others keeps the daemon from forgetting shared work by an order of its
own: it is built when all that use it are solved and all that it uses are built, and finished when all that
use it are done. A job that waits, for others or for another try, holds no slot, so a limit of one slot cannot lock
the run.

Slots come in pools. All jobs take from the one without a name (`--jobs`); a job may also take from a named pool
that stands for something scarce. A job that does not fit its pool yet holds back those behind it in that pool: a
heavy one is not overtaken for ever.
"""

from __future__ import annotations

import heapq
from collections import Counter
from enum import IntEnum

from bakec.ir.plan import JobId
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bakec.ir.plan import Job


class Phase(IntEnum):
    """In the order they are passed. Odd ones up to FINISHING are work, which takes a slot."""

    WAITING = 0
    SOLVING = 1
    SOLVED = 2
    BUILDING = 3
    BUILT = 4
    FINISHING = 5
    DONE = 6
    FAILED = 7
    SKIPPED = 8
    CANCELLED = 9

    @property
    def is_work(self) -> bool:
        return self in (Phase.SOLVING, Phase.BUILDING, Phase.FINISHING)

    @property
    def is_end(self) -> bool:
        return self >= Phase.DONE

    @property
    def is_loss(self) -> bool:
        return self > Phase.DONE


Start = tuple[JobId, Phase]
"""A job and the phase of work that it may enter."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a job at work takes: one slot of all and `slots` of `pool`, or `slots` of all."""

    pool: str = ""
    slots: int = 1

    @property
    def of_all(self) -> int:
        return 1 if self.pool else self.slots


USUAL = Claim()


@dataclass(slots=True)
class RunState:
    """Where each job of a run is. `limits` are the slots of each pool; one that is missing or 0 has no limit."""

    parents: Mapping[JobId, tuple[JobId, ...]]
    children: Mapping[JobId, tuple[JobId, ...]]
    order: Mapping[JobId, int]
    limits: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[JobId, Claim] = field(default_factory=dict)
    phases: dict[JobId, Phase] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    """Slots in use, by pool."""
    paused: set[JobId] = field(default_factory=set)
    """Jobs that have failed and are to be tried again, but not yet."""
    ready: dict[str, list[tuple[int, int, JobId]]] = field(default_factory=dict)
    """Of each pool, a heap of what may be entered: later phases first, then the plan's order."""

    def claim(self, job: JobId) -> Claim:
        return self.claims.get(job, USUAL)

    def has_room(self, pool: str, slots: int) -> bool:
        limit = self.limits.get(pool, 0)
        return not limit or self.taken[pool] + slots <= limit

    def is_linked(self, job: JobId) -> bool:
        return bool(self.parents[job] or self.children[job])

    @property
    def is_over(self) -> bool:
        return all(phase.is_end for phase in self.phases.values())


def begin(
    jobs: Iterable[Job],
    limits: Mapping[str, int] | None = None,
    claims: Mapping[JobId, Claim] | None = None,
    *,
    done: frozenset[JobId] = frozenset(),
) -> RunState:
    """The state of a run before its first job; `done` jobs are not run again. A job that others need and
    that was done is run again if one of those is not: its result is needed. No claim may be larger than its pool."""
    jobs = tuple(jobs)
    children: dict[JobId, list[JobId]] = {job.id: [] for job in jobs}
    parents: dict[JobId, tuple[JobId, ...]] = {}
    for job in jobs:
        parents[job.id] = tuple(dict.fromkeys(need.job for need in job.needs))
        for parent in parents[job.id]:
            children[parent].append(job.id)
    state = RunState(
        parents=parents,
        children={job: tuple(users) for job, users in children.items()},
        order={job.id: index for index, job in enumerate(jobs)},
        limits=limits or {},
        claims=claims or {},
    )
    for job in reversed(jobs):
        needed = any(state.phases[child] is Phase.WAITING for child in children[job.id])
        state.phases[job.id] = Phase.DONE if job.id in done and not needed else Phase.WAITING
    for job in jobs:
        _look_at(state, job.id)
    return state


def starts(state: RunState) -> list[Start]:
    """Take what may start now: call it after every event."""
    taken: list[Start] = []
    waiting: set[str] = set()
    while heads := [(heap[0], pool) for pool, heap in state.ready.items() if heap and pool not in waiting]:
        (later, _, job), pool = min(heads)
        phase = Phase(-later)
        claim = state.claim(job)
        if state.phases[job] is not Phase(phase - 1) or job in state.paused:
            heapq.heappop(state.ready[pool])  # it was put there twice, or has been skipped or paused since
        elif not state.has_room("", claim.of_all):
            break
        elif pool and not state.has_room(pool, claim.slots):
            waiting.add(pool)
        else:
            heapq.heappop(state.ready[pool])
            _set(state, job, phase)
            taken.append((job, phase))
    return taken


def advance(state: RunState, job: JobId, phase: Phase) -> list[JobId]:
    """A job has come to `phase`. Returns the jobs that can no longer succeed, now SKIPPED: those that use a
    job that was lost. What they were doing has to be stopped."""
    if state.phases[job].is_end:
        return []
    if phase is Phase.SOLVED and not state.is_linked(job):
        phase = Phase.BUILT
    _set(state, job, phase)
    skipped: list[JobId] = []
    lost = [job] if phase.is_loss else []
    while lost:
        for child in state.children[lost.pop()]:
            if not state.phases[child].is_end:
                _set(state, child, Phase.SKIPPED)
                skipped.append(child)
                lost.append(child)
    for changed in (job, *skipped):
        for other in (changed, *state.parents[changed], *state.children[changed]):
            _look_at(state, other)
    return skipped


def may_retry(state: RunState, job: JobId) -> bool:
    """Whether nobody holds on to what the job has made so far."""
    return all(state.phases[child] is Phase.WAITING or state.phases[child].is_end for child in state.children[job])


def pause(state: RunState, job: JobId) -> None:
    """The job will be tried again, from the phase that it was in: it gives its slots back until it is resumed."""
    _set(state, job, Phase(state.phases[job] - 1))
    state.paused.add(job)


def resume(state: RunState, job: JobId) -> None:
    state.paused.discard(job)
    _look_at(state, job)


def _set(state: RunState, job: JobId, phase: Phase) -> None:
    before = state.phases.get(job, Phase.WAITING)
    change = phase.is_work - before.is_work
    if change:
        claim = state.claim(job)
        state.taken[""] += change * claim.of_all
        if claim.pool:
            state.taken[claim.pool] += change * claim.slots
    state.phases[job] = phase


def _look_at(state: RunState, job: JobId) -> None:
    """Put the job on the heap if it may go on. Doing so twice is harmless: `starts` checks the phase."""
    phase = state.phases[job]
    is_at_rest = phase in (Phase.WAITING, Phase.SOLVED, Phase.BUILT) and job not in state.paused
    if is_at_rest and _may_leave(state, job, phase):
        heap = state.ready.setdefault(state.claim(job).pool, [])
        heapq.heappush(heap, (-(phase + 1), state.order[job], job))


def _may_leave(state: RunState, job: JobId, phase: Phase) -> bool:
    parents, children = state.parents[job], state.children[job]
    if phase is Phase.WAITING:
        return all(Phase.SOLVED <= state.phases[each] <= Phase.DONE for each in parents)
    if phase is Phase.SOLVED:
        return all(state.phases[each] >= Phase.SOLVED for each in children) and all(
            state.phases[each] >= Phase.BUILT for each in parents
        )
    return all(state.phases[each].is_end for each in children)


def rounds(state: RunState) -> Iterator[list[JobId]]:
    """Play a run in which building takes the same time for all and the rest none: what is built together, in order."""
    built: list[Start] = []
    while True:
        going = starts(state)
        for job, phase in going:
            if phase is (Phase.BUILDING if state.is_linked(job) else Phase.FINISHING):
                built.append((job, phase))
            else:
                advance(state, job, Phase(phase + 1))
        if not going:
            if not built:
                return
            yield [job for job, _ in built]
            for job, phase in built:
                advance(state, job, Phase(phase + 1))
            built = []
