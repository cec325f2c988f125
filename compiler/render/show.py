"""A plan as text for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakec.compiler.render.values import entry, shown
from bakec.ir.plan import LlbSolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    from bakec.ir.plan import Cache, Exporter, Job, Plan

Nodes: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
"""Job -> the nodes that build it, with the platforms of each; none where the nodes have to be asked first."""


def render_plan(plan: Plan, digest: str, nodes: Nodes | None = None) -> Iterator[str]:
    """Header, inputs, then every job in the order in which it may start."""
    nodes = nodes or {}
    count = len(plan.jobs)
    yield f"plan {digest}"
    yield f"  for {', '.join(map(shown, plan.requested))}: {count} job{'s' if count != 1 else ''}"
    for file in plan.files:
        yield f"  from {shown(file.path)} ({shown(file.digest[:19])})"
    for variable in plan.variables:
        yield f"  {shown(variable.name)} = {shown(variable.value)} ({shown(variable.source)})"
    for name in plan.features:
        yield f"  needs a reader that knows {shown(name)}"
    for pin in plan.lock:
        yield f"  pinned {shown(pin.ref)} to {shown(pin.digest)}"
    views = {target.name: target for target in plan.targets}
    for job in plan.jobs:
        target = views[job.target]
        yield ""
        yield f"{shown(job.id)}{f' - {shown(job.description)}' if job.description else ''}"
        rows = (*_rows(job, target.view), *_places(nodes[job.id])) if job.id in nodes else _rows(job, target.view)
        for name, value in rows:
            yield f"  {name:<12}{value}"


def _places(nodes: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    if not nodes:
        yield "node", "decided by what the nodes say they can build, when the run starts"
    for name, platforms in nodes.items():
        yield "node", shown(name) + (f" for {', '.join(map(shown, platforms))}" if platforms else "")


def _rows(job: Job, view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a reviewer looks for: reads, options, writes, then what must be granted."""
    for need in job.needs:
        yield "needs", f"{shown(need.job)} as {shown(need.context)}"
    yield "context", shown(view.get("context", "."))
    yield "dockerfile", "(inline)" if job.dockerfile_inline else shown(view.get("dockerfile", "Dockerfile"))
    for name, value in _table(view, "contexts"):
        if not str(value).startswith("target:"):
            yield "reads", f"{shown(value)} as {shown(name)}"
    yield from _solve(job)
    for name in ("target", "network", "shm-size", "pull", "no-cache"):
        if view.get(name):
            yield name, shown(view[name])
    if job.call:
        yield "call", shown(job.call)
    for name, value in _table(view, "args"):
        yield "arg", f"{shown(name)}={shown(value)}"
    for name, value in _table(view, "labels"):
        yield "label", f"{shown(name)}={shown(value)}"
    if job.platforms:
        yield "platforms", ", ".join(map(shown, job.platforms))
    yield from _writes(job, view)


def _writes(job: Job, view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for tag in job.tags:
        yield "tag", shown(tag)
    for one in view.get("attest") or ():
        yield "attest", entry(one)
    for export in job.exports:
        yield "output", _export(export)
    for cache in job.cache_from:
        yield "cache from", _cache(cache)
    for cache in job.cache_to:
        yield "cache to", _cache(cache)
    for secret in job.secrets:
        source = f"env {secret.env}" if secret.env else secret.src or secret.id
        yield "secret", f"{shown(secret.id)} from {shown(source)}"
    for ssh in job.ssh:
        yield "ssh", shown(" ".join((ssh.id, *ssh.paths)))
    for entitlement in job.entitlements:
        yield "entitled", shown(entitlement)


def _solve(job: Job) -> Iterator[tuple[str, str]]:
    if isinstance(job.solve, LlbSolve):
        made_for = f" for a builder of {shown(job.solve.builder)}" if job.solve.builder else ""
        yield "llb", f"{sum(len(build.ops) for build in job.solve.builds)} ops{made_for}"
    elif job.solve.reason:
        yield "frontend", f"{shown(job.solve.frontend)}: {shown(job.solve.reason)}"


def _table(view: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    table = view.get(name)
    return table.items() if isinstance(table, dict) else ()


def _export(export: Exporter) -> str:
    dest = {"dest": export.dest} if export.dest else {}
    return entry({"type": export.type, **dest, **export.attrs})


def _cache(cache: Cache) -> str:
    return entry({"type": cache.type, **cache.attrs})
