"""The kubernetes driver on a real cluster: `make test-kubernetes` stands one up and runs this. Builders are made, used
and removed with the command line, as users do it; buildx takes part where both use one builder."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine import builder_image

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "bakec-test/buildkit:cluster"
GOLDENS = sorted((ROOT / "tests/kubernetes/golden").glob("*/manifests.json"))
DOCS = ROOT / "docs/drivers/kubernetes.md"
BAKE = """
target "default" {
  context = "context"
  dockerfile-inline = <<EOT
FROM scratch
COPY busybox /bin/busybox
RUN --network=none ["/bin/busybox", "--install", "/bin"]
RUN --network=none ["/bin/sh", "-c", "sleep ${SLEEP}; echo built for ${NAME} > /made"]
EOT
  output = ["type=local,dest=out"]
}
variable "NAME" { default = "one" }
variable "SLEEP" { default = "0" }
"""
READY_SECONDS = 180
pytestmark = pytest.mark.cluster
Do = Callable[..., subprocess.CompletedProcess[str]]


class Api:
    """The API server, as the administrator asks it."""

    def __init__(self, kubeconfig: Path) -> None:
        document = json.loads(kubeconfig.read_text())
        self._server = document["clusters"][0]["cluster"]["server"]
        self._token = document["users"][0]["user"]["token"]

    def __call__(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server + path, data, headers, method=method)
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return json.load(answer)

    def pods(self) -> list[Any]:
        return list(self("GET", "/api/v1/namespaces/default/pods")["items"])

    def scale(self, name: str, replicas: int) -> None:
        """And wait until that many are ready, and no others are left."""
        path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
        self("PATCH", path, {"spec": {"replicas": replicas}}, "application/merge-patch+json")
        self.wait(lambda: self("GET", path)["status"].get("readyReplicas", 0) == replicas == len(self.pods()))

    def wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.5)


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """Fails, and skips nothing, where no cluster runs."""
    if not os.environ.get("BAKEC_TEST_CLUSTER"):
        pytest.fail("no cluster: run `make test-kubernetes`")
    return Path(os.environ["KUBECONFIG"])


@pytest.fixture(scope="session")
def api(kubeconfig: Path) -> Api:
    return Api(kubeconfig)


@pytest.fixture(scope="session")
def busybox() -> Path:
    done = subprocess.run((str(ROOT / "scripts/engine"), "unpack"), capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "usr/bin/busybox"


@pytest.fixture(scope="session")
def image(kubeconfig: Path, busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with a real BuildKit, in the cluster's store."""
    folder = tmp_path_factory.mktemp("image")
    builder_image.make(folder / "files", busybox.parents[2], os.environ)
    archive = folder / "image.tar"
    subprocess.run(("docker", "tag", builder_image.IMAGE, IMAGE), check=True)
    subprocess.run(("docker", "save", "-o", str(archive), IMAGE), check=True)
    subprocess.run((str(ROOT / "scripts/cluster"), "load", "--root", str(kubeconfig.parent), str(archive)), check=True)
    return IMAGE


@pytest.fixture(scope="module")
def env(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With a store of builders of its own."""
    return {**os.environ, "KUBECONFIG": str(kubeconfig), "BUILDX_CONFIG": str(tmp_path_factory.mktemp("store"))}


@pytest.fixture
def project(tmp_path: Path, busybox: Path) -> Path:
    (tmp_path / "context").mkdir()
    shutil.copy(busybox, tmp_path / "context/busybox")
    (tmp_path / "docker-bake.hcl").write_text(BAKE)
    return tmp_path


@pytest.fixture
def bakec(project: Path, env: dict[str, str]) -> Do:
    """The command line, in the project's folder."""

    def run(*arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "bakec", *arguments)
        done = subprocess.run(
            command, cwd=project, env={**env, **variables}, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def builder(bakec: Do, api: Api, image: str) -> Iterator[str]:
    """A builder that is made for a test and removed after it. Its node is called as it is."""
    options = f"image={image},limits.memory=4Gi"
    bakec("builder", "create", "--name", "kube", "--node", "kube", "--driver", "kubernetes", "--driver-opt", options)
    yield "kube"
    bakec("builder", "rm", "kube", check=False)
    api.wait(lambda: not api.pods())


def test_a_builder_from_its_making_to_its_removal(bakec: Do, builder: str, api: Api, project: Path) -> None:
    boot = bakec("builder", "bootstrap", builder)
    assert "waiting for 1 pods to be ready, timeout: 2m0s" in boot.stderr
    limits = api.pods()[0]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"memory": "4Gi"}

    bakec("bake", "--builder", builder)
    assert (project / "out/made").read_text() == "built for one\n"

    api.scale("kube", 3)
    bakec("bake", "--builder", builder, NAME="two")
    assert (project / "out/made").read_text() == "built for two\n"

    bakec("builder", "rm", builder)
    assert api("GET", "/apis/apps/v1/namespaces/default/deployments")["items"] == []


def test_pods_that_are_deleted_in_a_build(bakec: Do, builder: str, api: Api) -> None:
    bakec("builder", "bootstrap", builder)
    api.scale("kube", 2)

    done = {}

    def build() -> None:
        done["result"] = bakec("bake", "--builder", builder, "--progress", "plain", check=False, SLEEP="15")

    thread = threading.Thread(target=build)
    thread.start()
    time.sleep(6)
    for pod in api.pods():
        api("DELETE", f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")
    thread.join()
    assert done["result"].returncode in (5, 7)
    errors = [line for line in done["result"].stderr.splitlines() if line.startswith("error[")]
    assert len(errors) == 1
    assert re.search(r"kube-\S+: (was|is being) deleted", errors[0])


def test_both_tools_use_one_builder(bakec: Do, builder: str, env: dict[str, str], project: Path) -> None:
    bakec("builder", "bootstrap", builder)
    command = ("docker", "buildx", "bake", "--builder", builder, "--allow", "fs.write=out")
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (project / "out/made").read_text() == "built for one\n"
    assert "CACHED" in bakec("bake", "--builder", builder, "--progress", "plain").stderr


def test_a_builder_of_buildx(bakec: Do, env: dict[str, str], image: str, api: Api, project: Path) -> None:
    options = ("--driver", "kubernetes", "--driver-opt", f"image={image}", "--bootstrap")
    command = ("docker", "buildx", "create", "--name", "theirs", *options)
    subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    made = len(api.pods())
    bakec("bake", "--builder", "theirs")
    assert (project / "out/made").exists()
    assert made == len(api.pods()) == 1
    bakec("builder", "rm", "theirs")
    api.wait(lambda: not api.pods())


def test_an_image_that_cannot_be_pulled(bakec: Do, api: Api) -> None:
    options = "image=127.0.0.1:9/none,timeout=20s"
    bakec("builder", "create", "--name", "none", "--driver", "kubernetes", "--driver-opt", options)
    done = bakec("bake", "--builder", "none", check=False)
    assert done.returncode == 7
    assert "expected 1 replicas to be ready, got 0" in done.stderr
    assert re.search(r"(ErrImagePull|ImagePullBackOff): .*127\.0\.0\.1:9/none", done.stderr)
    bakec("builder", "rm", "none")
    api.wait(lambda: not api.pods())


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.parent.name)
def test_the_cluster_takes_every_manifest(api: Api, path: Path) -> None:
    for manifest in json.loads(path.read_text()):
        group = "/api/v1" if manifest["apiVersion"] == "v1" else f"/apis/{manifest['apiVersion']}"
        kind = f"{manifest['kind'].lower()}s"
        api("POST", f"{group}/namespaces/default/{kind}?dryRun=All", manifest)


def documented_role() -> dict[str, Any]:
    """The Role of the page about the driver."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return next(document for document in map(yaml.safe_load, blocks) if document.get("kind") == "Role")


def test_the_documented_rights_are_enough_and_needed(
    bakec: Do, builder: str, api: Api, kubeconfig: Path, tmp_path: Path
) -> None:
    document = json.loads(kubeconfig.read_text())
    document["contexts"][0]["context"]["user"] = "limited"
    (tmp_path / "limited").write_text(json.dumps(document))
    limited = {"KUBECONFIG": str(tmp_path / "limited")}
    options = ("--driver", "kubernetes", "--driver-opt", f"image={IMAGE}")
    create = ("builder", "create", "--name", builder, "--node", builder, *options)
    bakec("builder", "rm", builder)
    refused = bakec(*create, check=False, **limited)
    assert refused.returncode == 7
    assert 'User "limited" cannot get resource "deployments"' in refused.stderr

    role = documented_role()
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    name = role["metadata"]["name"]
    role["metadata"]["namespace"] = "default"
    binding = {
        "metadata": {"name": name},
        "subjects": [{"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"},
    }
    api("POST", f"{rbac}/roles", role)
    api("POST", f"{rbac}/rolebindings", binding)
    try:
        bakec(*create, **limited)
        bakec("bake", "--builder", builder)
        bakec("builder", "rm", builder)
    finally:
        api("DELETE", f"{rbac}/rolebindings/{name}")
        api("DELETE", f"{rbac}/roles/{name}")
