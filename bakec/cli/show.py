"""`bakec show`: a plan for a person to read."""

from __future__ import annotations

from bakec.cli.parser import Parser
from bakec.cli.plans import unseal_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bakec.ir.plan import Plan
    from bakec.runtime.placement import Share


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec show", "Print a plan.")
    parser.add_argument("plan", metavar="PLAN", help="plan file, - for standard input")
    parser.add_argument("--builder", default="", metavar="NAME", help="show which of its nodes would build what, too")
    parser.switch("--json", help="print the whole plan as JSON")
    args = parser.read(argv)
    plan, digest = unseal_plan(args.plan, () if args.json else ("origins",))
    nodes = _nodes(plan, args.builder) if args.builder else {}
    if args.json:
        import json

        from bakec.ir.codec import wire

        more = {"digest": digest, **({"nodes": nodes} if args.builder else {})}
        print(json.dumps({**wire(plan), **more}, indent=2, ensure_ascii=False, default=_bytes))
        return 0
    from bakec.compiler.render.show import render_plan

    print("\n".join(render_plan(plan, digest, nodes)))
    return 0


def _nodes(plan: Plan, builder: str) -> dict[str, dict[str, list[str]]]:
    """Job -> the nodes that build it, with the platforms of each; no nodes where they have to be asked first."""
    import os

    from bakec.runtime import builders, dockerconfig
    from bakec.runtime.placement import place_configured

    nodes = builders.choose(builder, os.environ, dockerconfig.load(os.environ)).nodes
    if len(nodes) == 1:
        return {job.id: {nodes[0].name: list(job.platforms)} for job in plan.jobs}
    placed: dict[str, dict[str, list[str]]] = {}
    shares = place_configured(plan.jobs, [node.platforms for node in nodes]) or {}
    for job in plan.jobs:
        mine: tuple[Share, ...] = shares.get(job.id, ())
        placed[job.id] = {nodes[share.node].name: list(share.platforms) for share in mine}
    return placed


def _bytes(value: Any) -> str:
    import base64

    return base64.b64encode(value).decode("ascii")
