"""Small projects, compiled without a builder. Pins come from a lock file that the tests write."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import compile_plan
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.plan import FrontendSolve, Job, LlbSolve, Plan

BASE_DIGEST = "sha256:" + "5" * 64
OTHER_DIGEST = "sha256:" + "6" * 64


def config(**settings: object) -> dict[str, object]:
    layer = "sha256:" + "1" * 64
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"], **settings},
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created_by": "made"}],
    }


@dataclass
class Project:
    """A folder to compile in."""

    root: Path

    def write(self, **files: str) -> "Project":
        """Write files; `__` in a name stands for a slash and `_` at its start for a dot."""
        for name, text in files.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self

    def bake(self, text: str) -> "Project":
        (self.root / "docker-bake.hcl").write_text(text)
        return self

    def lock(self, builder: str = "linux/amd64", **images: dict[str, object]) -> "Project":
        """A lock file with `base` and `tools` pinned as given, for amd64."""
        body = {
            "format": 1,
            "builder": builder,
            "images": {
                f"docker.io/library/{name}:1": {
                    "digest": BASE_DIGEST if name == "base" else OTHER_DIGEST,
                    "configs": {"linux/amd64": one},
                }
                for name, one in images.items()
            },
            "repositories": {},
        }
        (self.root / "bakec.lock").write_text(json.dumps(body))
        return self

    def compile(self, *targets: str, sink: Diagnostics | None = None, **options: object) -> Plan:
        host = Host(env={}, cwd=self.root)
        given = CompileOptions(targets=targets or ("app",), **options)
        return compile_plan(given, host, Diagnostics() if sink is None else sink)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def job(plan: Plan, name: str = "app") -> Job:
    return next(one for one in plan.jobs if one.target == name)


def reason(plan: Plan, name: str = "app") -> str:
    """Why a job was not lowered; empty if it was."""
    solve = job(plan, name).solve
    return solve.reason if isinstance(solve, FrontendSolve) else ""


def names(plan: Plan, name: str = "app") -> list[str]:
    """What the steps of a lowered job are called."""
    solve = job(plan, name).solve
    assert isinstance(solve, LlbSolve)
    found = []
    for build in solve.builds:
        for digest in build.ops[:-1]:
            meta = build.meta.get(digest) or plan.op_meta[digest]
            found.append(meta.description["llb.customname"])
    return found


Compile = Callable[..., Plan]
