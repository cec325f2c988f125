"""The build graphs of a plan: as text, JSON, a dot file, or the protobuf that BuildKit's own tools read."""

from __future__ import annotations

import json

from bakec.ir.llb import dump_op, stored
from bakec.ir.llb.ops import ExecOp, FileOp, MergeOp, SourceOp, decode_op, encode
from bakec.ir.llb.show import dump
from bakec.ir.plan import LlbSolve, OpMeta
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from bakec.ir.llb.ops import Op
    from bakec.ir.plan import Job, Plan, PlatformBuild

SHORT = len("sha256:") + 12


class Graph(NamedTuple):
    """One platform of a lowered job."""

    job: Job
    build: PlatformBuild


class Step(NamedTuple):
    """One op: its digest, what it is called, where it stands (`path:line`), and the digests it builds on."""

    digest: str
    op: Op
    name: str
    place: str
    inputs: tuple[str, ...]


def graphs(plan: Plan, target: str = "") -> list[Graph]:
    """The graphs of a plan, or of one of its targets."""
    jobs = (job for job in plan.jobs if target in ("", job.target) and isinstance(job.solve, LlbSolve))
    return [Graph(job, build) for job in jobs if isinstance(job.solve, LlbSolve) for build in job.solve.builds]


def steps(plan: Plan, graph: Graph) -> Iterator[Step]:
    """The ops of a graph but the last, which only names the result."""
    for digest in graph.build.ops[:-1]:
        op = decode_op(plan.ops[digest])
        meta = graph.build.meta.get(digest) or plan.op_meta.get(digest) or OpMeta()
        yield Step(digest, op, title(op, meta), place(plan, meta), tuple(one.digest for one in op.inputs))


def title(op: Op, meta: OpMeta) -> str:
    """The name that a build shows, else what the op is."""
    name = meta.description.get("llb.customname")
    if name:
        return name
    match op.op:
        case SourceOp(identifier=identifier):
            return identifier
        case ExecOp(meta=process) if process is not None:
            return " ".join(process.args)
        case FileOp():
            return "file"
        case MergeOp():
            return "merge"
        case _:
            return "step"


def place(plan: Plan, meta: OpMeta) -> str:
    """Where an op stands in its Dockerfile, `path:line`; empty if it stands nowhere."""
    for file, first, _ in meta.places:
        return f"{plan.dockerfiles[file].path}:{first}"
    return ""


def render_text(plan: Plan, found: list[Graph]) -> Iterator[str]:
    """A heading for each graph, and a line for each step: number, digest, the numbers it builds on, name, place."""
    for at, graph in enumerate(found):
        if at:
            yield ""
        yield f"{graph.job.id} ({graph.build.platform})"
        numbers: dict[str, int] = {}
        for number, step in enumerate(steps(plan, graph), 1):
            numbers[step.digest] = number
            inputs = ",".join(str(numbers[digest]) for digest in dict.fromkeys(step.inputs))
            where = f"  {step.place}" if step.place else ""
            yield f"  {number:>3} {step.digest[:SHORT]} {f'<{inputs}' if inputs else '':<6} {step.name}{where}"


def render_json(plan: Plan, found: list[Graph]) -> str:
    """A list of graphs with their ops, metadata and image config."""
    return json.dumps([_plain(plan, graph) for graph in found], indent=2, ensure_ascii=False)


def _plain(plan: Plan, graph: Graph) -> dict[str, Any]:
    definition = stored.from_plan(graph.build, plan.ops, {**plan.op_meta, **graph.build.meta})
    ops = [
        {
            "digest": step.digest,
            "name": step.name,
            "place": step.place,
            "op": dump_op(step.op),
            "metadata": dump(definition.metadata[step.digest]) if step.digest in definition.metadata else {},
        }
        for step in steps(plan, graph)
    ]
    config = json.loads(graph.build.config)
    return {"job": graph.job.id, "platform": graph.build.platform, "ops": ops, "config": config}


def render_dot(plan: Plan, found: list[Graph]) -> Iterator[str]:
    """All graphs in one picture; ops that they share are drawn once."""
    nodes: dict[str, str] = {}
    edges: dict[tuple[str, str], None] = {}
    for graph in found:
        result = f"{graph.job.id} ({graph.build.platform})"
        nodes[result] = f"  {_quoted(result)} [shape=box];"
        for step in steps(plan, graph):
            label = f"{step.name}\n{step.place}" if step.place else step.name
            nodes.setdefault(step.digest, f"  {_quoted(step.digest)} [label={_quoted(label)}];")
            edges.update(dict.fromkeys((digest, step.digest) for digest in step.inputs))
        for digest in graph.build.ops[-1:]:
            edges[decode_op(plan.ops[digest]).inputs[0].digest, result] = None
    yield "digraph llb {"
    yield from nodes.values()
    yield from (f"  {_quoted(one)} -> {_quoted(other)};" for one, other in edges)
    yield "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def raw(plan: Plan, graph: Graph) -> bytes:
    """The `Definition` message of one graph, with the stand-ins that a run would replace."""
    return encode(stored.from_plan(graph.build, plan.ops, {**plan.op_meta, **graph.build.meta}))
