"""`bakec run`: perform a plan on a builder."""

from __future__ import annotations

import gc
import math
import os
import sys
from pathlib import Path

from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.cli.plans import read_plan
from bakec.ir.codes import define as codes
from bakec.ir.codes import run as run_codes
from bakec.ir.diagnostics import fail
from bakec.runtime.policies import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from bakec.cli.parser import Arguments
    from bakec.compiler.options import CompileOptions
    from bakec.ir.plan import Plan
    from bakec.runtime.schedule import Claim

MODES: Final = ("auto", "plain", "tty", "quiet", "rawjson")
"""How progress may be shown."""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec run", "Build everything in a plan, in parallel, each job after those it needs.")
    parser.add_argument("plan", metavar="PLAN", help="plan file, - for standard input")
    parser.add_argument("--root", default=".", metavar="DIR", help="folder that the plan's paths are relative to")
    parser.add_argument("--journal", default="", metavar="FILE", help="note finished jobs here (default: PLAN.journal)")
    parser.switch("--resume", help="skip the jobs that the journal says are finished")
    parser.switch("--only-failed", help="with --resume: run only what has failed, and what that needs")
    add_run_flags(parser)
    args = parser.read(argv)
    plan = read_plan(args.plan)
    if args.only_failed and not args.resume:
        raise fail(run_codes.HAS_NO_JOURNAL.at(None, flag="--only-failed", needed="--resume"))
    if args.resume and args.plan == "-" and not args.journal:
        raise fail(run_codes.HAS_NO_JOURNAL.at(None, flag="--resume", needed="--journal"))
    journal = args.journal or (f"{args.plan}.journal" if args.plan != "-" else "")
    return perform(plan, args, root=Path(args.root), journal=Path(journal) if journal else None, resume=args.resume)


def add_run_flags(parser: Parser) -> None:
    """How to run: the flags of `docker buildx bake` that do not change what is built, and our own."""
    add = parser.add_argument
    add("--builder", default="", metavar="NAME", help="builder or its address (default: the current one)")
    add("-j", "--jobs", type=_count, default=0, metavar="N", help="how many jobs may work at once (default: no limit)")
    add(
        "--node-jobs",
        type=_count,
        default=0,
        metavar="N",
        help="how many on each node of the builder (default: no limit)",
    )
    add("--pool", action="append", default=[], metavar="NAME=SLOTS", help="a pool of slots for something scarce")
    weight = "what TARGET takes while it works: slots of --jobs, or of a pool (TARGET=N@POOL)"
    add("--weight", action="append", default=[], metavar="TARGET=N", help=weight)
    add("--fail", choices=("fast", "keep-going"), default="fast", help="what a failed job stops (default: all)")
    parser.switch("--keep-going", help="go on with what does not depend on a failed job: --fail keep-going")
    publish = "push each target when it is built, all after all are built, or nothing"
    add("--publish", choices=("each", "after-all", "never"), default="each", help=publish)
    parser.switch("--dry-run", help="print what would be built in which order, and build nothing")
    progress = "how to show progress, on standard error (default: BUILDKIT_PROGRESS, or auto)"
    add("--progress", choices=MODES, default="", metavar="MODE", help=progress)
    add("--metadata-file", default="", metavar="FILE", help="write the results as JSON")
    add("--timeout", type=_seconds, default=0.0, metavar="SECONDS", help="how long one job may take")
    add("--deadline", type=_seconds, default=0.0, metavar="SECONDS", help="how long the run may take")
    add("--idle-timeout", type=_seconds, default=0.0, metavar="SECONDS", help="how long the builder may be silent")
    add("--log-dir", default="", metavar="DIR", help="write a log of each target to DIR/TARGET.log")
    add("--allow", action="append", default=[], metavar="PRIVILEGE", help="grant a privilege that the plan asks for")
    retries = "try a job again when the infrastructure failed it, or when FAULT did (network, server, limit, other)"
    add("--retries", action="append", default=[], metavar="[FAULT=]N", help=retries)


def _seconds(text: str) -> float:
    """A length of time; 0 is no limit."""
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{text!r} is no length of time")
    return seconds


def _count(text: str) -> int:
    """0 is no limit."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"invalid number: {text!r}")
    return int(text)


def perform(
    plan: Plan,
    args: Arguments,
    *,
    root: Path,
    journal: Path | None = None,
    resume: bool = False,
    implied: Iterable[str] = (),
) -> int:
    """Run `plan` as the flags say; returns the exit code. Raises `Failed` for privileges that were not granted."""
    from bakec.runtime.limits import parse_claims, parse_pools
    from bakec.runtime.retry import parse as parse_retries

    pools, retries = parse_pools(args.pool), parse_retries(args.retries)
    claims = parse_claims(args.weight, plan, {**pools, "": args.jobs})
    if args.dry_run:
        print(_rehearse(plan, {**pools, "": args.jobs}, claims), end="")
        return 0
    check_privileges(plan, root, args.allow, implied)
    refuse(plan, root)
    from bakec.runtime.engine import run_plan
    from bakec.runtime.options import RunOptions

    # What is here stays; what the run makes from now on may have cycles.
    gc.freeze()
    gc.enable()
    options = RunOptions(
        root=root,
        builder=args.builder,
        jobs=args.jobs,
        node_jobs=args.node_jobs,
        pools=pools,
        claims=claims,
        keep_going=bool(args.keep_going) or args.fail == "keep-going",
        publish=args.publish,
        progress=args.progress or _usual_mode(os.environ),
        metadata_file=Path(args.metadata_file) if args.metadata_file else None,
        timeout=args.timeout,
        retries=retries,
        journal=journal,
        resume=resume,
        failed_only=bool(getattr(args, "only_failed", False)),
        deadline=args.deadline,
        idle=args.idle_timeout,
        log_dir=Path(args.log_dir) if args.log_dir else None,
    )
    result = run_plan(plan, options)
    report((*result.warnings, *result.diagnostics))
    if not any(job.call for job in plan.jobs):
        return result.exit
    from bakec.cli.calls import parse_form, print_calls

    return result.exit or print_calls(plan, result, parse_form(getattr(args, "call", "")))


def _usual_mode(env: Mapping[str, str]) -> str:
    """How progress is shown unless a flag says so. Raises `Failed`."""
    mode = env.get("BUILDKIT_PROGRESS") or "auto"
    if mode not in MODES:
        reason = f"it is none of {', '.join(MODES)}"
        raise fail(run_codes.BAD_LIMIT.at(None, flag="BUILDKIT_PROGRESS", value=mode, reason=reason))
    return mode


def _rehearse(plan: Plan, limits: Mapping[str, int], claims: Mapping[str, Claim]) -> str:
    """The order of a run in which all work takes the same time, a line for each round."""
    from bakec.runtime.schedule import begin, rounds

    targets = {job.id: job.target for job in plan.jobs}
    of_jobs = {job.id: claims[job.target] for job in plan.jobs if job.target in claims}
    found = list(rounds(begin(plan.jobs, limits, of_jobs)))
    lines = [f"{number}  {' '.join(targets[job] for job in jobs)}" for number, jobs in enumerate(found, start=1)]
    return "\n".join([*lines, f"{len(targets)} targets in {len(found)} rounds; nothing was built"]) + "\n"


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


def build(options: CompileOptions, args: Arguments) -> int:
    """Compile and run in one. Raises `Failed`."""
    from bakec.compiler.host import Host
    from bakec.compiler.pipeline import compile_plan
    from bakec.ir.diagnostics import Diagnostics

    host = Host()
    sink = Diagnostics()
    plan = compile_plan(options, host, sink, check=True)
    report(sink.items)
    return perform(plan, args, root=Path(host.cwd), implied=chosen_paths(plan))
