"""`bakec run`: perform a plan on a builder."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bakec.cli.flags import Parser
from bakec.cli.output import report
from bakec.cli.plans import read_plan
from bakec.compiler.options import CompileOptions
from bakec.ir.plan import Plan


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec run", "Build everything in a plan, in parallel, each job after those it needs.")
    parser.add_argument("plan", metavar="PLAN", help="plan file, - for standard input")
    parser.add_argument("--root", default=".", metavar="DIR", help="folder that the plan's paths are relative to")
    parser.add_argument("--journal", default="", metavar="FILE", help="note finished jobs here (default: PLAN.journal)")
    parser.switch("--resume", help="skip the jobs that the journal says are finished")
    add_run_flags(parser)
    args = parser.read(argv)
    plan = read_plan(args.plan)
    journal = args.journal or (f"{args.plan}.journal" if args.plan != "-" else "")
    return perform(plan, args, root=Path(args.root), journal=Path(journal) if journal else None, resume=args.resume)


def add_run_flags(parser: Parser) -> None:
    """How to run: the flags of `docker buildx bake` that do not change what is built, and our own."""
    add = parser.add_argument
    add("--builder", default="", metavar="NAME", help="builder or its address (default: the current one)")
    add("-j", "--jobs", type=int, default=0, metavar="N", help="how many jobs may work at once (default: no limit)")
    parser.switch("--keep-going", help="go on with what does not depend on a failed job")
    add("--progress", default="auto", metavar="MODE", help="auto, plain, tty, quiet or rawjson (on standard error)")
    add("--metadata-file", default="", metavar="FILE", help="write the results as JSON")
    add("--timeout", type=float, default=0.0, metavar="SECONDS", help="how long one job may take")
    add("--retries", type=int, default=0, metavar="N", help="try a job again when the infrastructure failed it")


def perform(
    plan: Plan, args: argparse.Namespace, *, root: Path, journal: Path | None = None, resume: bool = False
) -> int:
    """Run `plan` as the flags say; returns the exit code."""
    from bakec.runtime.engine import run_plan
    from bakec.runtime.options import RunOptions

    options = RunOptions(
        root=root,
        builder=args.builder,
        jobs=args.jobs,
        keep_going=bool(args.keep_going),
        progress=args.progress,
        metadata_file=Path(args.metadata_file) if args.metadata_file else None,
        timeout=args.timeout,
        retries=args.retries,
        journal=journal,
        resume=resume,
    )
    result = run_plan(plan, options)
    sys.stderr.flush()
    report(result.diagnostics)
    return result.exit


def build(options: CompileOptions, args: argparse.Namespace) -> int:
    """Compile and run in one. Raises `Failed`."""
    from bakec.compiler.host import Host
    from bakec.compiler.pipeline import compile_plan
    from bakec.ir.diagnostics import Diagnostics

    host = Host()
    sink = Diagnostics()
    plan = compile_plan(options, host, sink, check=True)
    report(sink.items)
    return perform(plan, args, root=host.cwd)
