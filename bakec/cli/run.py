"""`bakec run`: perform a plan on a builder."""

import argparse
import gc
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bakec.cli.flags import Parser
from bakec.cli.output import report
from bakec.cli.plans import read_plan
from bakec.compiler.options import CompileOptions
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.plan import Plan
from bakec.runtime.policies import refuse


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
    add("--allow", action="append", default=[], metavar="PRIVILEGE", help="grant a privilege that the plan asks for")
    add("--retries", type=int, default=0, metavar="N", help="try a job again when the infrastructure failed it")


def perform(
    plan: Plan,
    args: argparse.Namespace,
    *,
    root: Path,
    journal: Path | None = None,
    resume: bool = False,
    implied: Iterable[str] = (),
) -> int:
    """Run `plan` as the flags say; returns the exit code. Raises `Failed` for privileges that were not granted."""
    check_privileges(plan, root, args.allow, implied)
    refuse(plan, root)
    # What is here stays; what the run makes from now on may have cycles.
    gc.freeze()
    gc.enable()
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
    if not any(job.call for job in plan.jobs):
        return result.exit
    from bakec.cli.calls import parse_form, print_calls

    return result.exit or print_calls(plan, result, parse_form(getattr(args, "call", "")))


def check_privileges(plan: Plan, root: Path, allow: Sequence[str], implied: Iterable[str]) -> None:
    """Tell what the plan asks for beyond what was granted, ask on a terminal, else refuse. Raises `Failed`."""
    from bakec.runtime import privileges

    wanted = privileges.missing(plan, root, privileges.parse_allow(allow), implied)
    if not wanted:
        return
    for line in privileges.report(wanted, ["bakec", *sys.argv[1:]]):
        print(line, file=sys.stderr)
    if all(one.file for one in wanted) and not privileges.files_are_checked(os.environ):
        return
    if sys.stdin.isatty():
        print("Do you want to grant requested privileges and continue? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() == "y":
            return
    raise fail(codes.REFUSED.at(None))


def chosen_paths(plan: Plan) -> Iterator[str]:
    """Paths that `--set` gave: naming one on the command line grants it."""
    for target in plan.targets:
        for path, index in target.origins.items():
            if plan.origins[index].kind == "--set":
                yield from _paths_of(target.view, path)


def _paths_of(view: Mapping[str, Any], path: str) -> Iterator[str]:
    name, _, position = path.partition("[")
    if name in ("output", "cache-from", "cache-to", "secret", "ssh") and position:
        entry = view[name][int(position.removesuffix("]"))]
        yield from (entry[key] for key in ("dest", "src") if key in entry)
        yield from entry.get("paths", ())


def build(options: CompileOptions, args: argparse.Namespace) -> int:
    """Compile and run in one. Raises `Failed`."""
    from bakec.compiler.host import Host
    from bakec.compiler.pipeline import compile_plan
    from bakec.ir.diagnostics import Diagnostics

    host = Host()
    sink = Diagnostics()
    plan = compile_plan(options, host, sink, check=True)
    report(sink.items)
    return perform(plan, args, root=host.cwd, implied=chosen_paths(plan))
