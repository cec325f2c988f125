"""Laws of a plan that its types do not say. Tests check them behind every stage, and reading checks them always."""

from __future__ import annotations

from bakec.ir.digests import digest_of
from bakec.ir.plan import LlbSolve
from bakec.ir.records import column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from bakec.ir.plan import Job, OpMeta, Plan


def problems(plan: Plan, left_out: Collection[str] = ()) -> Iterator[str]:
    """What is wrong with `plan`, one line each; nothing for a sound plan. Fields in `left_out` were not read."""
    if "origins" not in left_out:
        yield from _origins(plan)
    yield from _names(plan)
    yield from _jobs(plan)
    yield from _ops(plan)


def _origins(plan: Plan) -> Iterator[str]:
    count = len(plan.origins)
    inputs = enumerate(column(plan.origins, "inputs"))
    for at in dict.fromkeys(at for at, every in inputs for one in every if not 0 <= one < at):
        yield f"origin {at}: its inputs must come before it"
    for target in plan.targets:
        if target.origins and not 0 <= min(target.origins.values()) <= max(target.origins.values()) < count:
            yield f"target {target.name}: an origin is missing"
    for variable in plan.variables:
        if variable.origin is not None and not 0 <= variable.origin < count:
            yield f"variable {variable.name}: its origin is missing"


def _names(plan: Plan) -> Iterator[str]:
    yield from _unique("target", (target.name for target in plan.targets))
    yield from _unique("group", (group.name for group in plan.groups))
    yield from _unique("variable", (variable.name for variable in plan.variables))
    yield from _unique("job", (job.id for job in plan.jobs))


def _unique(kind: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{kind} {name}: there are two of that name"
        seen.add(name)


def _jobs(plan: Plan) -> Iterator[str]:
    done: set[str] = set()
    targets = {target.name for target in plan.targets}
    # All paths at once, since next to never one is bad.
    has_bad_paths = any(path[:1] == "/" or "\0" in path for path in _every_path(plan.jobs))
    for job in plan.jobs:
        if job.target not in targets:
            yield f"job {job.id}: its target {job.target} is missing"
        for need in job.needs:
            if need.job not in done:
                yield f"job {job.id}: needs {need.job}, which does not come before it"
        done.add(job.id)
        if has_bad_paths:
            yield from _paths(job)


def _paths(job: Job) -> Iterator[str]:
    """No path is absolute. One that leaves the root is sound: a run refuses it unless it was granted."""
    for path in _every_path((job,)):
        if path.startswith("/"):
            yield f"job {job.id}: path {path} is absolute"
        elif "\0" in path:
            yield f"job {job.id}: a path holds a zero byte"


def _every_path(jobs: Sequence[Job]) -> Iterator[str]:
    yield from (local.path for job in jobs for local in job.locals)
    yield from (export.dest for job in jobs for export in job.exports)
    yield from (secret.src for job in jobs for secret in job.secrets)
    yield from (path for job in jobs for ssh in job.ssh for path in ssh.paths)
    yield from (path for job in jobs for path in job.oci_layouts.values())
    for cache in (cache for job in jobs for cache in (*job.cache_from, *job.cache_to)):
        if cache.type == "local":
            yield from (cache.attrs[key] for key in ("src", "dest") if key in cache.attrs)


def _ops(plan: Plan) -> Iterator[str]:
    for digest, data in plan.ops.items():
        if digest != digest_of(data):
            yield f"op {digest}: the digest is not that of its bytes"
    yield from _meta(plan, plan.op_meta)
    for job in plan.jobs:
        for build in job.solve.builds if isinstance(job.solve, LlbSolve) else ():
            yield from _meta(plan, build.meta)
            if any(digest not in plan.ops for digest in build.ops):
                yield f"job {job.id}: an op is missing"


def _meta(plan: Plan, every: Mapping[str, OpMeta]) -> Iterator[str]:
    for digest, meta in every.items():
        if digest not in plan.ops:
            yield f"op {digest}: there is metadata but no op"
        if meta.progress_group is not None and [type(one) for one in meta.progress_group] != [str, str, bool]:
            yield f"op {digest}: its progress group is not id, name and weakness"
        if any(len(place) != 3 or not 0 <= place[0] < len(plan.dockerfiles) for place in meta.places):
            yield f"op {digest}: it was made in no Dockerfile of the plan"
