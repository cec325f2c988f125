"""Images from lowered plans are those that the builder's own frontend makes, and each way finds the other's cache."""

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lowered_cases import CASES, target
from real_plans import docker, inspect

from bakec.cli.main import main
from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import compile_plan
from bakec.ir.diagnostics import Diagnostics, Exit
from bakec.ir.plan import LlbSolve, Plan
from bakec.runtime.engine import run_plan
from bakec.runtime.options import RunOptions
from bakec.runtime.results import Outcome, RunResult

BASE = """FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin BASE=yes
WORKDIR /srv
LABEL from=registry
FROM base AS trigger
ONBUILD COPY nonce /from-trigger
ONBUILD RUN echo triggered > /triggered
"""


@dataclass(frozen=True)
class Images:
    """Images that were pushed into the registry of an engine."""

    base: str
    trigger: str


def push_images(env: Mapping[str, str], folder: Path, busybox: Path) -> Images:
    (folder / "busybox").write_bytes(busybox.read_bytes())
    (folder / "busybox").chmod(0o755)
    (folder / "Dockerfile").write_text(BASE)
    found = {}
    for stage in ("base", "trigger"):
        found[stage] = f"{env['BAKEC_TEST_REGISTRY']}/lowered/{stage}:1"
        docker(env, "buildx", "build", "--quiet", "--target", stage, "--tag", found[stage], "--push", str(folder))
        # An engine prefers an image of its own to that of the registry, and calls its layers otherwise.
        docker(env, "image", "rm", "--force", found[stage])
    return Images(**found)


@pytest.fixture(scope="session")
def images(engine: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory, busybox: Path) -> Images:
    return push_images(engine, tmp_path_factory.mktemp("images"), busybox)


@dataclass
class Project:
    """A folder with everything that the cases read, and the engine it is built on."""

    root: Path
    env: dict[str, str]
    images: Images

    def write(self, definition: str) -> None:
        """Write the definition file, with a nonce that no build has seen."""
        self.nonce = uuid.uuid4().hex
        text = definition
        values = {"base": self.images.base, "trigger": self.images.trigger, "nonce": self.nonce}
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        (self.root / "docker-bake.hcl").write_text(text.replace("{{", "{").replace("}}", "}"))
        for folder in ("context", "ignoring", "library"):
            (self.root / folder / "nonce").write_text(self.nonce)

    def compile(self, lower: str, target: str = "app", **options: str) -> Plan:
        """A plan; that of the frontend knows nothing of the lock file."""
        host = Host(env=self.env, cwd=self.root)
        lock_file = "none.lock" if lower == "frontend" else ""
        given = CompileOptions(targets=(target,), lower=lower, lock_file=lock_file, **options)
        return compile_plan(given, host, Diagnostics())

    def run(self, plan: Plan, **options: object) -> RunResult:
        found = run_plan(plan, RunOptions(root=self.root, env=self.env, progress="quiet", **options))
        assert found.exit is Exit.OK, found.diagnostics
        return found

    def lock(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        monkeypatch.chdir(self.root)
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        return main(["lock", "app", *arguments])


def new_project(root: Path, env: Mapping[str, str], images: Images, busybox: Path) -> Project:
    for folder in ("context", "ignoring", "library"):
        (root / folder).mkdir()
        (root / folder / "busybox").write_bytes(busybox.read_bytes())
        (root / folder / "busybox").chmod(0o755)
        (root / folder / "tree").mkdir()
        (root / folder / "tree/leaf").write_text("leaf")
    (root / "ignoring/.dockerignore").write_text("# not these\n*.md\ntree/*\n!tree/kept\n")
    (root / "ignoring/README.md").write_text("ignored")
    (root / "ignoring/tree/kept").write_text("kept")
    (root / "library/.dockerignore").write_text("busybox\n")
    (root / "word").write_text("a secret word")
    with tarfile.open(root / "context/archive.tar.gz", "w:gz") as archive:
        inside = tarfile.TarInfo("inside")
        inside.size = 7
        archive.addfile(inside, io.BytesIO(b"content"))
    return Project(root, {**os.environ, **env, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}, images)


@pytest.fixture
def project(tmp_path: Path, engine: Mapping[str, str], images: Images, busybox: Path) -> Project:
    return new_project(tmp_path, engine, images, busybox)


def image_ids(plan: Plan, env: Mapping[str, str]) -> dict[str, object]:
    return {tag: inspect(env, tag)["Id"] for job in plan.jobs for tag in job.tags if not _is_linked(plan, job.target)}


def _is_linked(plan: Plan, name: str) -> bool:
    return next(one.linked for one in plan.targets if one.name == name)


def is_cached(result: RunResult) -> bool:
    """No job ran a step. Jobs without steps of their own count as built."""
    return any(job.outcome is Outcome.CACHED for job in result.jobs)


@pytest.mark.parametrize("first", ["llb", "frontend"])
@pytest.mark.parametrize("name", CASES)
def test_both_ways_make_one_image_and_share_their_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, first: str
) -> None:
    project.write(CASES[name])
    assert project.lock(monkeypatch) == Exit.OK
    lowered, plain = project.compile("llb"), project.compile("frontend")
    assert all(isinstance(job.solve, LlbSolve) for job in lowered.jobs)

    one, other = (lowered, plain) if first == "llb" else (plain, lowered)
    project.run(one)
    ids = image_ids(one, project.env)
    again = project.run(other)
    assert image_ids(other, project.env) == ids
    assert is_cached(again)
