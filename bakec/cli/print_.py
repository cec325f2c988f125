"""`bakec print`: the resolved definitions, byte for byte what `docker buildx bake --print` prints."""

from __future__ import annotations

from bakec.cli.bake_json import bake_json
from bakec.cli.flags import add_definition_flags, compile_options
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.compiler.host import Host
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.compiler.options import CompileOptions


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec print", "Print the resolved groups and targets as JSON that bake reads back.")
    add_definition_flags(parser)
    return print_definitions(compile_options(parser.read(argv)))


def print_definitions(options: CompileOptions) -> int:
    """Resolve, check what a build would read here, and print. Raises `Failed`."""
    from bakec.compiler.pipeline import load, printable

    host = Host()
    sink = Diagnostics()
    _, _, selection = load(replace(options, traces=False), host, sink)
    view = printable(selection, host)
    report(sink.items)
    print(bake_json(view))
    return 0
