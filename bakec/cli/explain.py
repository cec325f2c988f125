"""`bakec explain`: where a value comes from."""

from __future__ import annotations

import json

from bakec import api
from bakec.cli.parser import Parser
from bakec.cli.plans import add_plan_flags, plan_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec explain", "The whole chain of what made a value.")
    parser.add_argument("value", metavar="TARGET.FIELD", help="app.tags[0], app.args.VERSION, app.context, app")
    add_plan_flags(parser)
    parser.switch("--json", help="print JSON")
    args = parser.read(argv)
    from bakec.compiler.render.explain import explanation_data, render_explanations

    plan = plan_from(args, [args.value.partition(".")[0]])
    found = api.explain(plan, args.value)
    if args.json:
        print(json.dumps(explanation_data(plan, found), indent=2))
    else:
        print("\n".join(render_explanations(plan, found)))
    return 0
