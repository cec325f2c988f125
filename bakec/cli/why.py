"""`bakec why`: what brings a target into the run."""

from __future__ import annotations

import json
from dataclasses import asdict

from bakec import api
from bakec.cli.parser import Parser
from bakec.cli.plans import add_plan_flags, plan_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec why", "The chain of groups, links and inheritance that brings a target into the run.")
    parser.add_argument("name", metavar="TARGET", help="target or group")
    add_plan_flags(parser)
    parser.add_argument("--target", action="append", default=[], metavar="TARGET", help="targets of the run (default)")
    parser.switch("--json", help="print JSON")
    args = parser.read(argv)
    from bakec.compiler.render.explain import render_why

    reasons = api.why(plan_from(args, args.target), args.name)
    print(json.dumps([asdict(one) for one in reasons], indent=2) if args.json else "\n".join(render_why(reasons)))
    return 0
