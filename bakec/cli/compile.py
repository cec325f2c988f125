"""`bakec compile`: definition files into a plan file."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from bakec.cli.flags import add_definition_flags, add_lower_flags, compile_options
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.compiler.host import Host
from bakec.ir.codes import usage as codes
from bakec.ir.diagnostics import Diagnostics, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec compile", "Compile definition files into a plan: no daemon, no network, no secrets.")
    add_definition_flags(parser)
    add_lower_flags(parser, "auto")
    parser.add_argument(
        "-o", "--output", default="plan.msgpack", metavar="FILE", help="plan to write, - for standard output"
    )
    args = parser.read(argv)
    from bakec import __version__
    from bakec.compiler.pipeline import compile_plan
    from bakec.ir.codec import seal

    sink = Diagnostics()
    plan = compile_plan(compile_options(args), Host(), sink)
    report(sink.items)
    data, digest = seal(plan, f"bakec {__version__}")
    write_file(args.output, data)
    if args.output != "-":
        jobs = len(plan.jobs)
        print(f"{args.output}: {jobs} job{'s' if jobs != 1 else ''}, {digest}", file=sys.stderr)
    return 0


def write_file(path: str, data: bytes) -> None:
    """Write `data` whole or not at all; `-` is standard output. Raises `Failed`."""
    if path == "-":
        sys.stdout.buffer.write(data)
        return
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name}.{os.urandom(8).hex()}")  # noqa: PTH118 - `tempfile` is slow to import
    try:
        try:
            with open(fresh, "xb") as file:  # noqa: PTH123
                file.write(data)
            os.replace(fresh, path)  # noqa: PTH105
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(fresh)  # noqa: PTH108
            raise
    except OSError as error:
        raise fail(codes.CANNOT_WRITE.at(None, path=path, reason=(error.strerror or str(error)).lower())) from error
