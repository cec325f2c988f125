"""A plan as text for a person."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bakec.ir.plan import Exporter, Job, LlbSolve, Plan


def render_plan(plan: Plan, digest: str) -> Iterator[str]:
    """Header, inputs, then every job in the order in which it may start."""
    count = len(plan.jobs)
    yield f"plan {digest}"
    yield f"  for {', '.join(plan.requested)}: {count} job{'s' if count != 1 else ''}"
    for file in plan.files:
        yield f"  from {file.path} ({file.digest[:19]})"
    for variable in plan.variables:
        yield f"  {variable.name} = {_value(variable.value)} ({variable.source})"
    views = {target.name: target.view for target in plan.targets}
    for job in plan.jobs:
        yield ""
        yield from _job(job, views[job.target])


def _value(text: str) -> str:
    return text if text and "\n" not in text else json.dumps(text)


def _job(job: Job, view: Mapping[str, Any]) -> Iterator[str]:
    title = f" - {job.description}" if job.description else ""
    yield f"{job.id}{title}"
    for need in job.needs:
        yield f"  needs      {need.job} as {need.context}"
    yield f"  context    {view.get('context', '.')}"
    yield f"  dockerfile {'(inline)' if job.dockerfile_inline else view.get('dockerfile', 'Dockerfile')}"
    if isinstance(job.solve, LlbSolve):
        yield f"  llb        {sum(len(build.ops) for build in job.solve.builds)} ops"
    for name in ("target", "network", "shm-size", "call"):
        if view.get(name):
            yield f"  {name:<10} {view[name]}"
    for name, value in view.get("args", {}).items():
        yield f"  arg        {name}={value}"
    for name, value in view.get("labels", {}).items():
        yield f"  label      {name}={value}"
    if job.platforms:
        yield f"  platforms  {', '.join(job.platforms)}"
    for tag in job.tags:
        yield f"  tag        {tag}"
    for export in job.exports:
        yield f"  output     {_export(export)}"
    for secret in job.secrets:
        yield f"  secret     {secret.id} from {(secret.env and f'env {secret.env}') or secret.src or secret.id}"
    for ssh in job.ssh:
        yield f"  ssh        {ssh.id}"
    for entitlement in job.entitlements:
        yield f"  entitled   {entitlement}"


def _export(export: Exporter) -> str:
    attrs = [f"{name}={value}" for name, value in export.attrs.items()]
    return ",".join([export.type, *([f"dest={export.dest}"] if export.dest else []), *attrs])
