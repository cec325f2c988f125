"""Images from lowered plans are those that the builder's own frontend makes, and each way finds the other's cache."""

import io
import json
import os
import re
import subprocess
import tarfile
import threading
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from lowered_cases import CASES, SHELL, target
from real_plans import docker, inspect

from bakec.cli.main import main
from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import compile_plan
from bakec.ir.diagnostics import Diagnostics, Exit
from bakec.ir.plan import LlbSolve, Plan
from bakec.runtime.engine import run_plan
from bakec.runtime.options import RunOptions

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

    def run(self, plan: Plan) -> str:
        """Run a plan; returns what was shown."""
        shown = io.StringIO()
        found = run_plan(plan, RunOptions(root=self.root, env=self.env, progress="plain", stderr=shown))
        assert found.exit is Exit.OK, found.diagnostics
        return shown.getvalue()

    def digest(self, plan: Plan) -> str:
        """The digest of what `app` is published as."""
        found = run_plan(plan, RunOptions(root=self.root, env=self.env, progress="quiet"))
        assert found.exit is Exit.OK, found.diagnostics
        return next(job.digest for job in found.jobs if job.target == "app")

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


def steps(shown: str) -> dict[str, bool]:
    """Every instruction that a build came to, and whether its result was there already. Bases and directories are
    looked at each time, whoever asks for them."""
    names = dict(re.findall(r"^#(\d+) (\[.*\] (?:ONBUILD )?(?:RUN|COPY|ADD|WORKDIR) .*)$", shown, re.MULTILINE))
    cached = set(re.findall(r"^#(\d+) CACHED$", shown, re.MULTILINE))
    return {name: number in cached for number, name in names.items()}


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
    assert not all(steps(project.run(one)).values())
    ids = image_ids(one, project.env)
    again = steps(project.run(other))
    assert image_ids(other, project.env) == ids
    assert again and all(again.values()), again


# --- several platforms, on an engine with the containerd image store ------------------------------------------

MANY = """
target "app" {
  context   = "context"
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  contexts  = { parent = "target:parent" }
  output    = ["type=image,name={registry}/lowered/many,push=true"]
  dockerfile-inline = <<EOT
FROM --platform=$BUILDPLATFORM {base} AS tools
ARG TARGETPLATFORM
RUN echo {nonce} for $TARGETPLATFORM > /made
FROM parent
ARG TARGETARCH
COPY --from=tools /made /$TARGETARCH
WORKDIR /srv
EOT
}
target "parent" {
  context   = "library"
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  dockerfile-inline = <<EOT
FROM scratch
COPY nonce /
ENV PATH=/bin
EOT
}
"""


@pytest.fixture
def store_project(
    tmp_path: Path, containerd_engine: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory, busybox: Path
) -> Project:
    images = push_images(containerd_engine, tmp_path_factory.mktemp("images"), busybox)
    return new_project(tmp_path, containerd_engine, images, busybox)


@pytest.mark.parametrize("first", ["llb", "frontend"])
def test_an_image_of_several_platforms_is_the_same_both_ways(
    store_project: Project, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    store_project.write(MANY.replace("{registry}", store_project.env["BAKEC_TEST_REGISTRY"]))
    assert store_project.lock(monkeypatch) == Exit.OK
    second = {"llb": "frontend", "frontend": "llb"}[first]

    made = store_project.digest(store_project.compile(first))
    assert store_project.digest(store_project.compile(second)) == made


def test_provenance_of_a_lowered_image_has_its_sources_but_no_frontend(
    store_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    del store_project.env["BUILDX_NO_DEFAULT_ATTESTATIONS"]
    registry = store_project.env["BAKEC_TEST_REGISTRY"]
    output = f'output = ["type=image,push=true"]\ntags = ["{registry}/lowered/attested"]'
    store_project.write(target("FROM {base}\nCOPY nonce /", output).replace('tags = ["bakec-test/lowered-app"]', "", 1))
    assert store_project.lock(monkeypatch) == Exit.OK
    found = {
        lower: provenance(registry, "lowered/attested", store_project.digest(store_project.compile(lower)))
        for lower in ("frontend", "llb")
    }
    for part in ("buildType", "builder"):
        assert found["llb"][part] == found["frontend"][part]
    assert digests(found["llb"]) == digests(found["frontend"])
    assert found["frontend"]["invocation"]["configSource"] == {"entryPoint": "Dockerfile"}
    assert found["llb"]["invocation"]["configSource"] == {}
    assert found["frontend"]["invocation"]["parameters"]["frontend"] == "dockerfile.v0"
    assert "frontend" not in found["llb"]["invocation"]["parameters"]


def digests(predicate: dict[str, Any]) -> list[object]:
    """What an image was made from."""
    return [one["digest"] for one in predicate["materials"]]


def provenance(registry: str, name: str, digest: str) -> dict[str, Any]:
    """The predicate of the first provenance attestation of a pushed image."""

    def fetch(kind: str, digest: str) -> dict[str, Any]:
        accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
        request = urllib.request.Request(f"http://{registry}/v2/{name}/{kind}/{digest}", headers=accept)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    listed = fetch("manifests", digest)["manifests"]
    attested = next(one for one in listed if "vnd.docker.reference.type" in one.get("annotations", {}))
    layers = fetch("manifests", attested["digest"])["layers"]
    return fetch("blobs", layers[0]["digest"])["predicate"]


# --- what a plan was made for ---------------------------------------------------------------------------------


def test_a_plan_for_another_platform_is_refused_before_anything_is_built(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(CASES["copy"])
    plan = project.compile("llb", build_platform="linux/arm64")
    found = run_plan(plan, RunOptions(root=project.root, env=project.env, progress="quiet"))
    assert found.exit is Exit.DRIVER
    assert [one.message for one in found.diagnostics] == [
        "target `app` was compiled for a builder of platform linux/arm64, and this one is linux/amd64"
    ]


def test_a_failing_step_is_shown_in_its_dockerfile(project: Project) -> None:
    project.write(target(f"{SHELL}RUN echo {{nonce}}; exit 3"))
    plan = project.compile("llb", build_platform="linux/amd64")
    found = run_plan(plan, RunOptions(root=project.root, env=project.env, progress="quiet"))
    (problem,) = found.diagnostics
    assert (problem.subject.source.name, problem.subject.line) == ("app (inline)", 4)
    assert "exit code: 3" in problem.message


def test_pins_hold_for_jobs_of_the_frontend_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(CASES["pinned base"])
    assert project.lock(monkeypatch) == Exit.OK
    plan = compile_plan(
        CompileOptions(targets=("app",), lower="frontend", locked=True),
        Host(env=project.env, cwd=project.root),
        Diagnostics(),
    )
    text = project.run(plan)
    assert f"{project.images.base}@sha256:" in text
    ids = image_ids(plan, project.env)
    lowered = project.compile("llb")
    assert all(steps(project.run(lowered)).values())
    assert image_ids(lowered, project.env) == ids


# --- what is shown --------------------------------------------------------------------------------------------


def test_each_step_is_shown_with_its_target_and_its_line(project: Project) -> None:
    """Also a step that two targets share: it is the one's that it was written for."""
    (project.root / "context/Dockerfile").write_text("FROM scratch\nARG N\nCOPY busybox /busybox\n")
    project.write(
        'target "base" {{\n  context = "context"\n  args = {{ N = "{nonce}" }}\n}}\n'
        'target "app" {{\n  contexts = {{ base = "target:base" }}\n'
        '  dockerfile-inline = "FROM base\\nCOPY word /word\\n"\n}}\n'
    )
    shown = project.run(project.compile("llb", build_platform="linux/amd64"))
    assert "[base 1/1] COPY busybox /busybox  context/Dockerfile:3\n" in shown
    assert "COPY word /word  app (inline):2\n" in shown


# --- the lock file --------------------------------------------------------------------------------------------


def test_a_lock_is_kept_until_it_is_told_to_look_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, busybox: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"{project.env['BAKEC_TEST_REGISTRY']}/lowered/moving:1"
    folder = tmp_path_factory.mktemp("moving")

    def push(text: str) -> None:
        (folder / "Dockerfile").write_text(f"FROM scratch\nCOPY Dockerfile /\nENV SAYS={text}\n")
        docker(project.env, "buildx", "build", "--quiet", "--tag", name, "--push", str(folder))
        docker(project.env, "image", "rm", "--force", name)

    push("before")
    project.write(target(f"FROM {name}\nCOPY nonce /"))
    assert project.lock(monkeypatch) == Exit.OK
    first = (project.root / "bakec.lock").read_bytes()
    assert project.lock(monkeypatch, "--check") == Exit.OK
    push("after")
    assert project.lock(monkeypatch) == Exit.OK
    assert (project.root / "bakec.lock").read_bytes() == first
    assert project.lock(monkeypatch, "--check") == Exit.DIFFERENT
    assert (project.root / "bakec.lock").read_bytes() == first
    assert project.lock(monkeypatch, "--update", name) == Exit.OK
    assert b"SAYS=after" in (project.root / "bakec.lock").read_bytes()
    assert project.lock(monkeypatch, "--check") == Exit.OK


def test_an_image_that_is_not_there_fails_with_its_name(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{project.env['BAKEC_TEST_REGISTRY']}/lowered/nobody:1"
    project.write(target(f"FROM {name}"))
    assert project.lock(monkeypatch) == Exit.DRIVER
    assert f"cannot resolve {name}: " in capsys.readouterr().err
    assert not (project.root / "bakec.lock").exists()


def test_without_a_builder_nothing_is_locked(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(CASES["pinned base"])
    project.env["DOCKER_HOST"] = f"unix://{project.root}/nobody.sock"
    assert project.lock(monkeypatch) == Exit.DRIVER
    assert "BK70" in capsys.readouterr().err


# --- repositories ---------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    command = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the bare repository `code.git`, and the address that it is served at."""
    root = tmp_path_factory.mktemp("site")
    (root / "work/sub").mkdir(parents=True)
    (root / "work/sub/file").write_text("first")
    git(root / "work", "init", "-q", "-b", "main")
    git(root / "work", "add", "-A")
    git(root / "work", "commit", "-q", "-m", "first")
    git(root, "clone", "-q", "--bare", "work", "code.git")
    git(root / "code.git", "update-server-info")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield root, f"http://127.0.0.1:{server.server_port}/code.git"
        server.shutdown()
        thread.join()


def test_a_repository_is_read_at_its_locked_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str]
) -> None:
    root, address = site
    url = f"{address}#main:sub"
    outputs = f'contexts = {{{{ code = "{url}" }}}}\n output = ["out"]'
    added = f"ADD {address}#main /all\n"
    project.write(target(f"FROM scratch\nCOPY --from=code file /\n{added}", outputs))
    assert project.lock(monkeypatch) == Exit.OK
    commit = git(root / "code.git", "rev-parse", "main")
    assert json.loads((project.root / "bakec.lock").read_text())["repositories"][url]["commit"] == commit

    (root / "work/sub/file").write_text("second")
    git(root / "work", "commit", "-q", "-a", "-m", "second")
    git(root / "work", "push", "-q", "../code.git", "main")
    git(root / "code.git", "update-server-info")
    project.run(project.compile("llb", locked=True))
    assert (project.root / "out/file").read_text() == "first"
    assert (project.root / "out/all/sub/file").read_text() == "first"
    assert project.lock(monkeypatch, "--check") == Exit.DIFFERENT
