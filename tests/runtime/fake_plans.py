"""Plans that the fake daemon can build."""

from collections.abc import Callable

from bakec.ir.plan import FrontendSolve, Job, JobId, Need, Plan, TargetName
from bakec.runtime.results import RunResult


def job(name: str, *needs: str, **fields: object) -> Job:
    """A job that the fake daemon knows by its name."""
    return Job(
        id=JobId(name),
        target=TargetName(name),
        solve=FrontendSolve(frontend="dockerfile.v0", attrs={"build-arg:NAME": name}),
        needs=tuple(Need(context=each, job=JobId(each)) for each in needs),
        **fields,
    )


def plan(*jobs: Job) -> Plan:
    return Plan(requested=tuple(each.target for each in jobs), jobs=jobs)


Runner = Callable[..., RunResult]
