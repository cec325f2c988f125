"""`bakec lint`: warnings about definitions that are valid and most likely wrong."""

from __future__ import annotations

import sys

from bakec.cli.flags import add_definition_flags, compile_options
from bakec.cli.output import FORMS, report
from bakec.cli.parser import Parser
from bakec.compiler.host import Host
from bakec.ir.diagnostics import Diagnostics, Exit
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.compiler.options import CompileOptions
    from bakec.ir.diagnostics import Diagnostic


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec lint", "Look for mistakes in definition files that are valid nevertheless.")
    add_definition_flags(parser)
    parser.add_argument("--format", choices=FORMS, default="", help="form of the result (default: text)")
    parser.switch("--exit-code", help="exit with 1 if something was found")
    args = parser.read(argv)
    found = lint(compile_options(args))
    report(found, args.format or args.diagnostics, sys.stdout)
    return Exit.DIFFERENT if found and args.exit_code else Exit.OK


def lint(options: CompileOptions) -> list[Diagnostic]:
    """What all rules find. Raises `Failed` for definitions that are not valid."""
    from bakec.compiler.lint.check import ALWAYS, ASKED, check
    from bakec.compiler.lint.project import Project
    from bakec.compiler.pipeline import load

    host = Host()
    parsed, definitions, selection = load(replace(options, warnings=False), host, Diagnostics())
    project = Project(files=parsed.files, definitions=definitions, selection=selection, host=host)
    return check(project, (*ALWAYS, *ASKED))
