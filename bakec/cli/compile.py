"""`bakec compile`: definition files into a plan file."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bakec.cli.flags import add_definition_flags, add_lower_flags, compile_options
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.compiler.host import Host
from bakec.ir.codes import usage as codes
from bakec.ir.diagnostics import Diagnostics, fail


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec compile", "Compile definition files into a plan: no daemon, no network, no secrets.")
    add_definition_flags(parser)
    add_lower_flags(parser, "auto")
    parser.add_argument(
        "-o", "--output", default="plan.msgpack", metavar="FILE", help="plan to write, - for standard output"
    )
    args = parser.read(argv)
    from bakec.compiler.pipeline import compile_plan
    from bakec.ir.codec import digest

    sink = Diagnostics()
    plan = compile_plan(compile_options(args), Host(), sink)
    report(sink.items)
    write_file(args.output, plan.dump())
    if args.output != "-":
        jobs = len(plan.jobs)
        print(f"{args.output}: {jobs} job{'s' if jobs != 1 else ''}, {digest(plan)}", file=sys.stderr)
    return 0


def write_file(path: str, data: bytes) -> None:
    """Write `data` whole or not at all; `-` is standard output. Raises `Failed`."""
    if path == "-":
        sys.stdout.buffer.write(data)
        return
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp gave a name
            os.replace(name, target)  # noqa: PTH105
        except BaseException:
            os.unlink(name)  # noqa: PTH108
            raise
    except OSError as error:
        raise fail(codes.CANNOT_WRITE.at(None, path=path, reason=(error.strerror or str(error)).lower())) from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
