"""`bakec bake`: compile and run in one, with the flags of `docker buildx bake`."""

from __future__ import annotations

from bakec.cli.flags import add_definition_flags, add_lower_flags, compile_options
from bakec.cli.parser import Parser
from bakec.cli.run import add_run_flags, build
from bakec.ir.codes import usage as codes
from bakec.ir.diagnostics import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec bake", "Compile definition files and build the targets, as docker buildx bake does.")
    add_definition_flags(parser)
    # The daemon's record of how an image was made names the frontend, so only asking for it changes that.
    add_lower_flags(parser, "frontend")
    add = parser.add_argument
    parser.switch("--print", help="print the resolved definitions and stop")
    add("--list", default="", metavar="WHAT", help="list targets or variables ([type=]WHAT[,format=table|json])")
    parser.switch("--list-targets", help="shorthand for --list=targets")
    parser.switch("--list-variables", help="shorthand for --list=variables")
    add_run_flags(parser)
    args = parser.read(argv)
    args.list = args.list or ("targets" if args.list_targets else "variables" if args.list_variables else "")
    if args.print and args.list:
        raise fail(codes.PRINT_AND_LIST.at(None))
    if args.allow:
        from bakec.runtime.privileges import parse_allow

        parse_allow(args.allow)
    options = compile_options(args)
    if args.list:
        from bakec.cli.list import print_list

        return print_list(options, args.list)
    if args.print:
        from bakec.cli.print_ import print_definitions

        return print_definitions(options)
    return build(options, args)
