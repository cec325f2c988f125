"""Which jobs may become LLB at compile time, and why the others may not: what can be said without opening a file.

The work itself is in `compiler.lowering`, which is imported only if there is some: it takes longer to load than most
compilations take.
"""

from __future__ import annotations

from bakec.compiler.platforms import parse_platform
from bakec.compiler.sources import read_bytes
from bakec.ir.codes import lock as codes
from bakec.ir.diagnostics import fail
from bakec.ir.fields import RESOURCE_ATTRS
from bakec.ir.plan import FrontendSolve
from bakec.ir.platforms import PlatformError, full_name
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.host import Host
    from bakec.compiler.options import CompileOptions
    from bakec.ir.diagnostics import Diagnostics
    from bakec.ir.plan import Job, Plan

LOCK_FILE: Final = "bakec.lock"
_NO_PLATFORM: Final = "it is built for the builder's platform, which neither the lock file nor --build-platform tells"


def lower_jobs(plan: Plan, options: CompileOptions, host: Host, sink: Diagnostics) -> Plan:
    """The plan with every job lowered that can be, the others with the reason why not, and all with the pins of the
    lock file if there is one. Raises `Failed`.

    Before: all jobs are jobs of the frontend.
    """
    path = options.lock_file or LOCK_FILE
    data = read_bytes(path, host)
    pins = data is not None or options.locked
    if options.lower == "frontend" and not pins:
        return plan
    from bakec.compiler.lock import Lock, load

    lock = Lock() if data is None else load(data, path)
    builder = build_platform(options) or lock.builder
    obstacles = {job.id: reason for job in plan.jobs for reason in _first(_obstacles(job, options, builder))}
    if len(obstacles) == len(plan.jobs) and not pins and options.lower != "llb":
        return replace(plan, jobs=tuple(_left(job, obstacles[job.id]) for job in plan.jobs))
    from bakec.compiler.lowering import Lowering, lower_plan

    lowering = Lowering(
        mode=options.lower,
        lock=lock,
        path=path,
        pins=pins,
        locked=options.locked,
        builder=builder,
        obstacles=obstacles,
    )
    made = lower_plan(plan, lowering, host, sink)
    sink.check()
    return made


def build_platform(options: CompileOptions) -> str:
    """The builder's platform as it was given. Raises `Failed`."""
    if not options.build_platform:
        return ""
    try:
        return full_name(parse_platform(options.build_platform))
    except PlatformError as error:
        raise fail(codes.BAD_PLATFORM.at(None, text=options.build_platform, reason=error)) from error


def _first(reasons: Iterator[str]) -> Iterator[str]:
    for reason in reasons:
        yield reason
        return


def _left(job: Job, reason: str) -> Job:
    assert isinstance(job.solve, FrontendSolve)
    return replace(job, solve=replace(job.solve, reason=reason))


def _obstacles(job: Job, options: CompileOptions, builder: str) -> Iterator[str]:
    """Why a job cannot be lowered whatever is in its Dockerfile."""
    assert isinstance(job.solve, FrontendSolve)
    attrs = job.solve.attrs
    if options.lower == "frontend":
        yield "compiled with --lower frontend"
    if job.call:
        yield f"it asks the frontend for `{job.call}`"
    if job.solve.frontend != "dockerfile.v0":
        yield f"BUILDKIT_SYNTAX asks for the frontend {attrs.get('source', '')}"
    if job.oci_layouts:
        yield f"context `{next(iter(job.oci_layouts))}` is an OCI layout, which is read where the plan runs"
    if any(key.startswith("attest:") for key in attrs):
        yield "its attestations tell of the frontend"
    if "=host-gateway" in attrs.get("add-hosts", ""):
        yield "the address of host-gateway is the builder's"
    if any(name in attrs for name in RESOURCE_ATTRS.values()):
        yield "its resource limits are set by the frontend"
    if job.dockerfile_inline is None and all(one.name != "dockerfile" for one in job.locals):
        yield "its Dockerfile is not on this machine"
    if not job.platforms and not builder:
        yield _NO_PLATFORM
