"""`bakec llb`: the build graphs that a plan holds."""

from __future__ import annotations

import sys

from bakec.cli.parser import Parser
from bakec.cli.plans import read_plan
from bakec.ir.codes import lock as codes
from bakec.ir.codes import plan as plan_codes
from bakec.ir.diagnostics import fail
from bakec.ir.plan import FrontendSolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.compiler.render import llb as render
    from bakec.ir.plan import Plan


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec llb", "Print the build graphs of lowered targets.")
    parser.add_argument("plan", metavar="PLAN", help="plan file, - for standard input")
    parser.add_argument("--target", default="", metavar="NAME", help="one target (default: all that are lowered)")
    parser.add_argument("--platform", default="", metavar="PLATFORM", help="one platform")
    forms = ("text", "json", "dot", "raw")
    parser.add_argument("--format", choices=forms, default="text", help="form of the output; raw is protobuf")
    args = parser.read(argv)
    plan = read_plan(args.plan)
    from bakec.compiler.render import llb as render
    from bakec.ir.llb import WireError

    found = [one for one in render.graphs(plan, args.target) if args.platform in ("", one.build.platform)]
    if not found:
        raise fail(codes.NO_GRAPH.at(None, what=args.target or args.plan, reason=_reason(plan, args.target)))
    if args.format == "raw" and len(found) > 1:
        names = ", ".join(f"{one.job.id} ({one.build.platform})" for one in found)
        raise fail(codes.ONE_GRAPH.at(None, names=names))
    try:
        _print(plan, found, args.format)
    except (WireError, ValueError) as error:
        raise fail(plan_codes.INVALID.at(None, path=args.plan, reason=f"an op cannot be read: {error}")) from error
    return 0


def _print(plan: Plan, found: list[render.Graph], form: str) -> None:
    from bakec.compiler.render import llb as render

    match form:
        case "json":
            print(render.render_json(plan, found))
        case "dot":
            print("\n".join(render.render_dot(plan, found)))
        case "raw":
            sys.stdout.buffer.write(render.raw(plan, found[0]))
        case _:
            print("\n".join(render.render_text(plan, found)))


def _reason(plan: Plan, target: str) -> str:
    """Why there is no graph."""
    for job in plan.jobs:
        if target in ("", job.target) and isinstance(job.solve, FrontendSolve) and job.solve.reason:
            return job.solve.reason
    return "there is no such target or platform in the plan"
