"""Laws of a plan that its types do not say. Tests check them behind every stage, and reading checks them always."""

import hashlib
from collections.abc import Iterator

from bakec.ir.plan import Job, LlbSolve, Plan


def problems(plan: Plan) -> Iterator[str]:
    """What is wrong with `plan`, one line each; nothing for a sound plan."""
    yield from _origins(plan)
    yield from _targets(plan)
    yield from _jobs(plan)
    for digest, data in plan.ops.items():
        if digest != "sha256:" + hashlib.sha256(data).hexdigest():
            yield f"op {digest}: the digest is not that of its bytes"


def _origins(plan: Plan) -> Iterator[str]:
    count = len(plan.origins)
    for at, origin in enumerate(plan.origins):
        if any(not 0 <= one < at for one in origin.inputs):
            yield f"origin {at}: its inputs must come before it"
    for target in plan.targets:
        if any(not 0 <= at < count for at in target.origins.values()):
            yield f"target {target.name}: an origin is missing"
    for variable in plan.variables:
        if variable.origin is not None and not 0 <= variable.origin < count:
            yield f"variable {variable.name}: its origin is missing"


def _targets(plan: Plan) -> Iterator[str]:
    names = [target.name for target in plan.targets]
    if len(set(names)) < len(names):
        yield "two targets have one name"


def _jobs(plan: Plan) -> Iterator[str]:
    done: set[str] = set()
    targets = {target.name for target in plan.targets}
    for job in plan.jobs:
        if job.id in done:
            yield f"job {job.id}: there are two of that name"
        if job.target not in targets:
            yield f"job {job.id}: its target {job.target} is missing"
        for need in job.needs:
            if need.job not in done:
                yield f"job {job.id}: needs {need.job}, which does not come before it"
        done.add(job.id)
        yield from _paths(job)
        if isinstance(job.solve, LlbSolve):
            for build in job.solve.builds:
                if any(digest not in plan.ops for digest in build.ops):
                    yield f"job {job.id}: an op is missing"


def _paths(job: Job) -> Iterator[str]:
    paths = [local.path for local in job.locals]
    paths += [export.dest for export in job.exports]
    paths += [secret.src for secret in job.secrets]
    paths += [path for ssh in job.ssh for path in ssh.paths]
    for path in paths:
        if path.startswith("/"):
            yield f"job {job.id}: path {path} is absolute"
        elif "\0" in path:
            yield f"job {job.id}: a path holds a zero byte"
