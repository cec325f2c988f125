"""`bakec lock`: pin every image and repository that the targets read."""

from __future__ import annotations

import os
import sys

from bakec.cli.compile import write_file
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.cli.plans import add_source_flags
from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions, parse_variables
from bakec.compiler.passes.lower import LOCK_FILE, build_platform
from bakec.compiler.sources import read_bytes
from bakec.ir.codes import lock as codes
from bakec.ir.diagnostics import Diagnostics, Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.compiler.lock import Lock
    from bakec.compiler.locking import Locker


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec lock", "Ask a builder what images and repositories stand for, and write it down.")
    add = parser.add_argument
    add("targets", nargs="*", metavar="TARGET", help="targets, groups or patterns (default: default)")
    add_source_flags(parser)
    add("--builder", default="", metavar="NAME", help="builder or its address (default: the current one)")
    add("--lock-file", default="", metavar="FILE", help=f"file to write (default: {LOCK_FILE})")
    add("--build-platform", default="", metavar="PLATFORM", help="platform of the builders (default: that of this one)")
    add("--update", action="append", default=[], metavar="NAME", help="look again what NAME (or all) stands for")
    parser.switch("--prune", help="drop what the targets do not use")
    parser.switch("--check", help="compare with what the builder finds now, write nothing, exit 1 if it differs")
    args = parser.read(argv)
    from bakec.compiler.lock import Lock, dump, load
    from bakec.compiler.locking import ALL, Locker, stale
    from bakec.compiler.pipeline import compile_jobs

    options = CompileOptions(
        files=tuple(args.file),
        targets=tuple(args.targets) or ("default",),
        sets=tuple(args.set),
        variables=parse_variables(tuple(args.var)),
        build_platform=args.build_platform,
    )
    host, sink, path = Host(), Diagnostics(), args.lock_file or LOCK_FILE
    data = read_bytes(path, host)
    old = Lock() if data is None else load(data, path)
    locker = Locker(
        plan=compile_jobs(options, host, sink),
        host=host,
        old=old,
        update=(ALL,) if args.check else tuple(args.update),
        builder=build_platform(options),
        prune=bool(args.prune),
        now=_now(),
    )
    new = _resolve(locker, args.builder)
    report([*sink.items, *locker.warnings])
    if args.check:
        differences = [codes.LOCK_STALE.at(None, path=path, what=what) for what in stale(old, new)]
        report(differences)
        return Exit.DIFFERENT if differences else Exit.OK
    if dump(new) != data:
        write_file(path, dump(new))
    print(f"{path}: {len(new.images)} images, {len(new.repositories)} repositories", file=sys.stderr)
    return Exit.OK


def _now() -> str:
    from datetime import UTC, datetime

    try:
        now = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        now = datetime.now(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _resolve(locker: Locker, builder: str) -> Lock:
    """The lock with nothing left open. A builder is asked only if there is something to ask. Raises `Failed`."""
    platform = locker.builder or locker.old.builder
    if platform and not locker.questions(platform, {}) and not locker.open_repositories():
        return locker.finished(platform, {}, {})
    from bakec.runtime.resolve import resolve

    found = resolve(builder, os.environ, locker.open_repositories, locker.questions)
    return locker.finished(found.platform, found.images, found.commits)
