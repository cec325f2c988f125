"""Which nodes of a builder build which platforms of a job: pure functions, deciding as the reference does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakec.ir.codes.run import OTHER_NODES
from bakec.ir.diagnostics import fail
from bakec.ir.plan import FrontendSolve, JobId
from bakec.ir.platforms import Platform, PlatformError, normalize, parse, runs
from bakec.ir.records import NamedTuple, replace
from bakec.runtime.schedule import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from bakec.ir.plan import Job

Able: TypeAlias = Sequence[Sequence[Platform]]
"""The platforms of each node."""


class Share(NamedTuple):
    """What one node, by its index, builds of a job; no platforms: whatever it builds by itself."""

    node: int
    platforms: tuple[str, ...] = ()


Shares: TypeAlias = Mapping[JobId, tuple[Share, ...]]


def place_configured(jobs: Iterable[Job], configured: Able) -> Shares | None:
    """By what nodes are configured for, exactly. None where that leaves a platform without a node: then the nodes
    have to be asked what they can do."""
    shares: dict[JobId, tuple[Share, ...]] = {}
    for job in jobs:
        found = [_best(platform, configured, _itself) for platform in job.platforms]
        if None in found:
            return None
        shares[job.id] = _combined(job, found)
    return shares


def place_able(jobs: Iterable[Job], able: Able) -> Shares:
    """By what nodes can run. What none of them can is left to the first, which will say so."""
    return {job.id: _combined(job, [_best(platform, able, runs) for platform in job.platforms]) for job in jobs}


def _itself(platform: Platform) -> tuple[Platform, ...]:
    return (platform,)


def _best(name: str, able: Able, runs: Callable[[Platform], tuple[Platform, ...]]) -> int | None:
    """The node whose platform is nearest to the wanted one; the first of equals."""
    try:
        wanted = normalize(parse(name))
    except PlatformError:
        return None
    best: tuple[int, Platform] | None = None
    for node, platforms in enumerate(able):
        for platform in map(normalize, platforms):
            ranks = runs(platform)
            if wanted in ranks and (best is None or _is_nearer(wanted, best[1], ranks)):
                best = (node, platform)
    return best[0] if best else None


def _is_nearer(wanted: Platform, best: Platform, ranks: Sequence[Platform]) -> bool:
    return best not in ranks or ranks.index(wanted) < ranks.index(best)


def _combined(job: Job, nodes: Sequence[int | None]) -> tuple[Share, ...]:
    """One share for each node, in the order of the platforms."""
    platforms: dict[int, list[str]] = {}
    for name, node in zip(job.platforms, nodes, strict=True):
        platforms.setdefault(node or 0, []).append(name)
    return tuple(Share(node, tuple(names)) for node, names in platforms.items()) or (Share(0),)


def check_links(jobs: Iterable[Job], shares: Shares) -> None:
    """A job can use another one's result only where that was made. Raises `Failed`."""
    for job in jobs:
        nodes = {share.node for share in shares[job.id]}
        for need in job.needs:
            if not nodes <= {share.node for share in shares[need.job]}:
                raise fail(OTHER_NODES.at(None, parent=need.job, name=need.context, target=job.target))


def groups(jobs: Iterable[Job]) -> dict[JobId, JobId]:
    """Job -> the first of all jobs that it is linked with, directly or through others."""
    towards: dict[JobId, JobId] = {}

    def first(job: JobId) -> JobId:
        while towards[job] != job:
            job = towards[job]
        return job

    for job in jobs:
        towards[job.id] = job.id
        for need in job.needs:
            towards[first(job.id)] = first(need.job)
    return {job: first(job) for job in towards}


def by_node(shares: Shares, jobs: Mapping[JobId, Job]) -> dict[int, dict[JobId, Job]]:
    """Node -> the jobs it has a share of."""
    found: dict[int, dict[JobId, Job]] = {}
    for job_id, each in shares.items():
        for share in each:
            found.setdefault(share.node, {})[job_id] = jobs[job_id]
    return found


def node_limits(shares: Shares, limit: int, claims: Mapping[JobId, Claim]) -> tuple[dict[str, int], dict[JobId, Claim]]:
    """A pool of `limit` slots for each node, and which jobs take from it: those that take from no other pool. A job
    of several nodes takes from the pool of its first."""
    pools = {f"node {share.node}": limit for each in shares.values() for share in each[:1]}
    taken = {job: Claim(f"node {each[0].node}") for job, each in shares.items() if job not in claims}
    return pools, taken


def part_of(job: Job, share: Share, count: int) -> Job:
    """The part of a job that is one of its `count` shares."""
    if count == 1:
        return job
    solve = job.solve
    if isinstance(solve, FrontendSolve):
        solve = replace(solve, attrs={**solve.attrs, "platform": ",".join(share.platforms), "multi-platform": "true"})
    else:
        builds = tuple(build for build in solve.builds if build.platform in share.platforms)
        solve = replace(solve, builds=builds, attrs={**solve.attrs, "multi-platform": "true"})
    return replace(job, platforms=share.platforms, solve=solve)
