"""`bakec diff`: what changes between two plans."""

import dataclasses
import json
from collections.abc import Sequence
from enum import Enum
from typing import Any

from bakec.cli.flags import Parser
from bakec.cli.plans import read_plan
from bakec.ir.diagnostics import Exit


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec diff", "What changes from one plan to another, and why.")
    parser.add_argument("old", metavar="OLD", help="plan file")
    parser.add_argument("new", metavar="NEW", help="plan file")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the output")
    parser.switch("--json", help="shorthand for --format=json")
    parser.switch("--summary", help="print the summary line alone")
    parser.switch("--full", help="also list what added targets hold")
    parser.switch("--exit-code", help="exit 1 if the plans differ")
    args = parser.read(argv)
    from bakec.ir.diff import diff

    result = diff(read_plan(args.old), read_plan(args.new))
    if args.json or args.format == "json":
        print(json.dumps(_plain(result), indent=2, ensure_ascii=False))
    else:
        from bakec.compiler.render.diff import render_text

        print("\n".join(render_text(result, summary_only=args.summary, full=args.full)))
    return Exit.DIFFERENT if args.exit_code and not result.empty else Exit.OK


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.name.lower()
    return value
