"""`bakec show`: a plan for a person to read."""

from collections.abc import Sequence
from typing import Any

from bakec.cli.parser import Parser
from bakec.cli.plans import unseal_plan


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec show", "Print a plan.")
    parser.add_argument("plan", metavar="PLAN", help="plan file, - for standard input")
    parser.switch("--json", help="print the whole plan as JSON")
    args = parser.read(argv)
    plan, digest = unseal_plan(args.plan)
    if args.json:
        import json

        from bakec.ir.codec import wire

        print(json.dumps({**wire(plan), "digest": digest}, indent=2, ensure_ascii=False, default=_bytes))
        return 0
    from bakec.compiler.render.show import render_plan

    print("\n".join(render_plan(plan, digest)))
    return 0


def _bytes(value: Any) -> str:
    import base64

    return base64.b64encode(value).decode("ascii")
