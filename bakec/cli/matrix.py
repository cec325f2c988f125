"""`bakec matrix`: targets as the matrix of a CI service."""

from __future__ import annotations

from bakec.cli.affected import add_change_flags, touched
from bakec.cli.parser import Parser
from bakec.cli.plans import add_plan_flags, plan_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = """\
In a workflow of GitHub, a step of one job makes the matrix:

    bakec matrix --since origin/main --format github >> "$GITHUB_OUTPUT"

The strategy of another one is `matrix: {include: ${{ fromJSON(needs.JOB.outputs.matrix) }}}`; it builds
`${{ matrix.target }}`, if the matrix is not `[]`."""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec matrix", "Targets as the matrix of a CI service, an entry for each build.")
    parser.epilog = _EPILOG
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="targets or groups to compile (default: default)")
    add_plan_flags(parser)
    axis = "an attribute that entries hold too, of a list one value each: platforms, tags, …"
    parser.add_argument("--by", action="append", default=[], type=_axis, metavar="NAME", help=axis)
    parser.switch("--waves", help="also list what targets use, and number the entries so that it comes first")
    add_change_flags(parser, "list every target")
    parser.add_argument("--format", choices=("json", "github"), default="json", help="form of the output")
    parser.switch("--json", help="shorthand for --format=json")
    args = parser.read(argv)
    changes = args.since or args.changed
    if args.plan and changes:
        parser.error("--since and --changed are about definition files: they go without --plan")
    from bakec.compiler.render import matrix as forms_of

    plan = plan_from(args, args.targets)
    only = {one.name for one in touched(plan, args, "", parser)} if changes else None
    found = forms_of.entries(plan, list(dict.fromkeys(args.by)), waves=args.waves, only=only)
    if args.json or args.format == "json":
        print(forms_of.render_json(found))
    else:
        print("\n".join(forms_of.render_github(found, waves=args.waves)))
    return 0


def _axis(text: str) -> str:
    from bakec.compiler.render.matrix import AXES

    if text not in AXES:
        raise ValueError(f"invalid choice: {text!r} (choose from {', '.join(AXES)})")
    return text
