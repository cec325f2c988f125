"""From a text to the records that the compiler makes of it."""

from pathlib import Path

from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import compile_plan
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.plan import FrontendSolve, Job, Plan


def plan_of(text: str, folder: Path, *targets: str, env: dict[str, str] | None = None) -> Plan:
    (folder / "docker-bake.hcl").write_text(text, "utf-8")
    options = CompileOptions(targets=targets or ("app",), warnings=False)
    return compile_plan(options, Host(env=env or {}, cwd=folder), Diagnostics())


def job_of(attributes: str, folder: Path, env: dict[str, str] | None = None) -> Job:
    """The one job of a target with these attributes."""
    (job,) = plan_of(f'target "app" {{\n{attributes}\n}}\n', folder, env=env).jobs
    return job


def attrs_of(attributes: str, folder: Path) -> dict[str, str]:
    solve = job_of(attributes, folder).solve
    assert isinstance(solve, FrontendSolve)
    return dict(solve.attrs)
