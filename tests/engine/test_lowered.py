"""Images from lowered plans are those that the builder's own frontend makes, and each way finds the other's cache."""

import io
import json
import os
import re
import tarfile
import urllib.request
import uuid
from collections.abc import Mapping
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
    import pprint
    pprint.pprint(found)
    assert 0


def provenance(registry: str, name: str, digest: str) -> dict[str, object]:
    """The predicate of the first provenance attestation of a pushed image."""

    def fetch(kind: str, digest: str) -> dict[str, object]:
        accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
        request = urllib.request.Request(f"http://{registry}/v2/{name}/{kind}/{digest}", headers=accept)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    kinds = {one["annotations"]["vnd.docker.reference.type"]: one for one in fetch("manifests", digest)["manifests"] if "annotations" in one}
    layers = fetch("manifests", kinds["attestation-manifest"]["digest"])["layers"]
    return fetch("blobs", layers[0]["digest"])["predicate"]
