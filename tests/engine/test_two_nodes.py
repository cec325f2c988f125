"""A builder of two nodes, each a daemon of its own: the parts of an image meet in the registry."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from real_plans import docker
from relays import passing_on
from test_containerd_store import manifest

ROOT = Path(__file__).resolve().parents[2]
OURS = (sys.executable, "-m", "bakec")
BAKE = """
target "base" {
  context = "context"
  dockerfile-inline = "FROM scratch\\nCOPY busybox /busybox\\nARG TARGETARCH\\nENV ARCH=$TARGETARCH\\n"
  platforms = ["linux/amd64", "linux/arm64"]
}
target "default" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base\\nLABEL made=by-nodes\\n"
  platforms = ["linux/amd64", "linux/arm64"]
  annotations = ["index:org.example.kind=whole"]
  attest = ["type=provenance,disabled=true"]
}
"""


@pytest.fixture
def nodes(
    containerd_engine: Mapping[str, str], other_engine: Mapping[str, str], project: Path
) -> Iterator[Mapping[str, str]]:
    """An environment with the builder `two`, as the store holds it after `docker buildx create` and `--append`."""
    config = project / "config"
    (config / "instances").mkdir(parents=True)
    with ExitStack() as stack:
        paths = [project / f"{name}.sock" for name in ("one", "two")]
        for engine, path in zip((containerd_engine, other_engine), paths, strict=True):
            stack.enter_context(passing_on(engine["DOCKER_HOST"], path))
        stored = [
            {"Name": f"two{at}", "Endpoint": f"unix://{path}", "Platforms": [{"architecture": arch, "os": "linux"}]}
            for at, (path, arch) in enumerate(zip(paths, ("amd64", "arm64"), strict=True))
        ]
        instance = {"Name": "two", "Driver": "remote", "Nodes": stored}
        (config / "instances/two").write_text(json.dumps(instance))
        yield {**containerd_engine, "BUILDX_CONFIG": str(config), "BUILDX_BUILDER": "two", "PYTHONPATH": str(ROOT)}


def bake(env: Mapping[str, str], folder: Path, *arguments: str, tool: tuple[str, ...]) -> dict[str, dict[str, object]]:
    command = (*tool, "bake", "--progress=plain", f"--metadata-file={folder}/meta.json", *arguments)
    done = subprocess.run(command, env=dict(env), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads((folder / "meta.json").read_text())
    return found


def test_two_nodes_push_one_image_as_buildx_does(nodes: Mapping[str, str], project: Path) -> None:
    (project / "docker-bake.hcl").write_text(BAKE)
    registry = nodes["BAKEC_TEST_REGISTRY"]
    ours, theirs = f"{registry}/nodes/ours:1", f"{registry}/nodes/theirs:1"
    push = ("--push", "--set=base.output=type=cacheonly")
    environment = {**nodes, "SOURCE_DATE_EPOCH": "0"}
    told = bake(environment, project, *push, f"--set=default.tags={ours}", tool=OURS)
    bake(environment, project, *push, f"--set=default.tags={theirs}", tool=("docker", "buildx"))

    index = manifest(ours)
    assert [each["platform"]["architecture"] for each in index["manifests"]] == ["amd64", "arm64"]
    assert index["annotations"] == {"org.example.kind": "whole"}
    assert index == manifest(theirs)
    assert told["default"]["containerimage.digest"].startswith("sha256:")
    configs = docker(nodes, "buildx", "imagetools", "inspect", "--format={{json .Image}}", ours)
    found = {name: image["config"] for name, image in json.loads(configs).items()}
    assert "ARCH=arm64" in found["linux/arm64"]["Env"]
    assert found["linux/amd64"]["Labels"] == {"made": "by-nodes"}


def test_each_node_builds_its_own_platform(
    nodes: Mapping[str, str], other_engine: Mapping[str, str], project: Path
) -> None:
    (project / "docker-bake.hcl").write_text(BAKE)
    docker(other_engine, "builder", "prune", "--all", "--force")
    bake(nodes, project, "--set=*.output=type=cacheonly", tool=OURS)
    kept = docker(other_engine, "builder", "du", "--verbose")
    assert "linux/arm64" in kept
    assert "linux/amd64" not in kept


def test_a_failing_registry_is_one_error_of_publishing(nodes: Mapping[str, str], project: Path) -> None:
    (project / "docker-bake.hcl").write_text(BAKE)
    push = ("--push", "--set=base.output=type=cacheonly", "--set=default.tags=127.0.0.1:1/none/app:1")
    command = (*OURS, "bake", *push)
    done = subprocess.run(command, env=dict(nodes), cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "BK704" in done.stderr
