"""The public API: compile, diff, explain, run. The command line is made of these functions.

Every function raises `Failed` for what a user can mend; its `diagnostics` carry code, message, place and hint.
Nothing here prints, but `run`, which shows the progress that is asked for on standard error.
"""

from __future__ import annotations

import os

from bakec.ir.diagnostics import Diagnostics, Failed, fail
from bakec.ir.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bakec.compiler.render.explain import Explanation, Reason
    from bakec.impact import Affected
    from bakec.ir.changes import PlanDiff
    from bakec.runtime.results import RunResult

__all__ = [
    "Diagnostics", "Failed", "Plan", "PlanDiff", "affected", "compile_files", "diff", "digest", "explain", "run", "why",
]  # fmt: skip


def compile_files(
    *files: str | os.PathLike[str],
    targets: Iterable[str] = ("default",),
    sets: Iterable[str] = (),
    variables: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    root: str | os.PathLike[str] | None = None,
    checkout: str | os.PathLike[str] | None = None,
    warnings: Diagnostics | None = None,
) -> Plan:
    """The plan of `targets` in the definition files `files`; without files those of the default names in `root`.

    `sets` are `TARGET.KEY=VALUE` overrides, `variables` those of `--var`. `env` stands for the environment, `root` for
    the working folder, `checkout` for what is in it: files are read there, and paths are relative to `root` still.
    Warnings are added to `warnings`. Raises `Failed`. No daemon and no network is used.
    """
    from bakec.compiler.host import Host
    from bakec.compiler.options import CompileOptions
    from bakec.compiler.pipeline import compile_plan

    options = CompileOptions(
        files=tuple(os.fspath(file) for file in files),
        targets=tuple(targets),
        sets=tuple(sets),
        variables=dict(variables or {}),
    )
    folder = os.path.join(os.getcwd(), root or "")  # noqa: PTH109, PTH118 - `pathlib` is most of a small `show`
    host = Host(env=dict(os.environ if env is None else env), cwd=folder, checkout=checkout)
    return compile_plan(options, host, Diagnostics() if warnings is None else warnings)


def digest(plan: Plan) -> str:
    """`sha256:` digest of the plan: equal plans have equal digests, on every machine."""
    from bakec.ir import codec

    return codec.digest(plan)


def diff(old: Plan, new: Plan) -> PlanDiff:
    """What changes from `old` to `new`, and why."""
    from bakec.ir.diff import diff as compare

    return compare(old, new)


def explain(plan: Plan, query: str) -> list[Explanation]:
    """The values that `TARGET.FIELD` means, each with the step that made it. Raises `Failed`."""
    from bakec.compiler.render.explain import explain as find

    return find(plan, query)


def why(plan: Plan, name: str) -> list[Reason]:
    """The chain of groups, links and inheritance that brings `name` into the run. Raises `Failed`."""
    from bakec.compiler.render.explain import why as find

    return find(plan, name)


def affected(
    plan: Plan, changed: Iterable[str], *, old: Plan | None = None, root: str | os.PathLike[str] = "."
) -> list[Affected]:
    """The targets of `plan` that a change touches, and why, each after those it uses: their values differ from those in
    `old`, they read one of the files `changed`, whose paths are relative to `root`, or they use such a target. Without
    `old`, a definition file among `changed` affects all targets."""
    from bakec.impact import affected as find

    return find(plan, changed, os.fspath(root), old)


def run(
    plan: Plan,
    *,
    root: str | os.PathLike[str] = ".",
    builder: str = "",
    jobs: int = 0,
    keep_going: bool = False,
    progress: str = "quiet",
    allow: Sequence[str] = (),
) -> RunResult:
    """Build everything in `plan`; paths are relative to `root`, `allow` grants privileges as `--allow` does.

    Raises `Failed`, before anything is built, for a privilege that the plan asks for and was not granted.
    """
    from pathlib import Path

    from bakec.ir.codes import define
    from bakec.runtime import privileges
    from bakec.runtime.engine import run_plan
    from bakec.runtime.options import RunOptions

    folder = Path(root)
    missing = privileges.missing(plan, folder, privileges.parse_allow(allow))
    if any(not one.file or privileges.files_are_checked(os.environ) for one in missing):
        raise fail(define.REFUSED.at(None))
    return run_plan(plan, RunOptions(root=folder, builder=builder, jobs=jobs, keep_going=keep_going, progress=progress))


def __getattr__(name: str) -> object:
    if name == "PlanDiff":
        from bakec.ir.changes import PlanDiff

        return PlanDiff
    raise AttributeError(f"module 'bakec.api' has no attribute {name!r}")
