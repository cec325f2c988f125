"""`bakec graph`: targets and what they use."""

from __future__ import annotations

from bakec.cli.parser import Parser
from bakec.cli.plans import add_plan_flags, plan_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec graph", "The graph of groups and targets.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="targets or groups to compile (default: default)")
    add_plan_flags(parser)
    forms = ("tree", "mermaid", "dot", "json", "html")
    parser.add_argument("--format", choices=forms, default="tree", help="form of the output")
    parser.switch("--json", help="shorthand for --format=json")
    parser.switch("--inherits", help="also show which targets inherit from which")
    args = parser.read(argv)
    from bakec.compiler.render import graph as forms_of

    graph = forms_of.graph_of(plan_from(args, args.targets), inherits=args.inherits)
    form = "json" if args.json else args.format
    if form == "html":
        from bakec.compiler.render.html import render_graph

        print(render_graph(graph))
        return 0
    render = {
        "tree": forms_of.render_tree,
        "mermaid": forms_of.render_mermaid,
        "dot": forms_of.render_dot,
        "json": forms_of.render_json,
    }
    print("\n".join(render[form](graph)))
    return 0
