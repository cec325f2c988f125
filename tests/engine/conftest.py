"""A real engine for the tests of this folder: `scripts/engine start --with registry`, then its `env`.

Tests fail, and are not skipped, when no engine answers: a green run means that plans were built.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

import pytest
from leaks import nothing_left
from real_plans import Runner, plan

from bakec.ir.plan import Job
from bakec.runtime.engine import run_plan
from bakec.runtime.options import RunOptions
from bakec.runtime.results import RunResult

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/engine"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


def engine_env(*arguments: str) -> dict[str, str]:
    """The environment that `scripts/engine env` prints; fails the test when no engine runs."""
    shell = f'eval "$({SCRIPT} env {" ".join(arguments)})" && env -0'
    done = subprocess.run(("sh", "-c", shell), capture_output=True, text=True, check=False)
    text = subprocess.run((str(SCRIPT), "env", *arguments), capture_output=True, text=True, check=False)
    if text.returncode:
        pytest.fail(f"no engine answers: {text.stderr}")
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where temporary files go. Nothing is left there, nor running, at the end of any test of this folder."""
    tmp_path_factory.getbasetemp()  # it must not come to be in our folder
    with nothing_left() as folder:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="session")
def engine() -> Mapping[str, str]:
    """The shared engine: as the environment says, else the one of `scripts/engine`."""
    found = dict(os.environ) if os.environ.get("DOCKER_HOST") else engine_env()
    done = subprocess.run(("docker", "version"), env=found, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"no engine answers at {found.get('DOCKER_HOST')}: {done.stderr}")
    return found


@pytest.fixture(scope="session")
def containerd_engine(engine: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """An engine with the containerd image store, beside the shared one; started here unless it runs."""
    root = Path(engine["DOCKER_HOST"].removeprefix("unix://")).parent
    flags = ("--containerd-store", "--root", f"{root}-containerd")
    running = subprocess.run((str(SCRIPT), "env", *flags), capture_output=True, check=False).returncode == 0
    subprocess.run((str(SCRIPT), "start", *flags, "--tmpfs", "--with", "registry"), check=True)
    yield engine_env(*flags)
    if not running:
        subprocess.run((str(SCRIPT), "stop", *flags), check=True)


@pytest.fixture(scope="session")
def other_engine() -> Iterator[Mapping[str, str]]:
    """A second one with that store, for builders of two nodes."""
    flags = ("--containerd-store", "--root", "/tmp/bakec-second-node")
    subprocess.run((str(SCRIPT), "start", *flags, "--tmpfs"), check=True)
    yield engine_env(*flags)
    subprocess.run((str(SCRIPT), "stop", *flags), check=True)


@pytest.fixture
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """An engine that a test may kill."""
    flags = ("--root", f"/tmp/bakec-own-{os.getpid()}")
    subprocess.run((str(SCRIPT), "start", *flags, "--tmpfs"), check=True)
    yield engine_env(*flags)
    subprocess.run((str(SCRIPT), "stop", *flags), check=True)


@pytest.fixture(scope="session")
def busybox() -> Path:
    prefix = subprocess.run((str(SCRIPT), "unpack"), capture_output=True, text=True, check=True).stdout.strip()
    return Path(prefix) / "usr/bin/busybox"


@pytest.fixture
def project(tmp_path: Path, busybox: Path) -> Path:
    """A folder whose `context` holds a static shell: enough to build from scratch without a network."""
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(busybox, context / "busybox")
    return tmp_path


@pytest.fixture
def run(engine: Mapping[str, str], project: Path) -> Runner:
    """Run jobs in the project's folder; what was shown on standard error is the `text` of the runner."""

    def perform(*jobs: Job, env: Mapping[str, str] = engine, **options: object) -> RunResult:
        stream = StringIO()
        settings = {"progress": "plain", **options}
        found = run_plan(plan(*jobs), RunOptions(root=project, env=env, stderr=stream, **settings))
        perform.text = stream.getvalue()  # type: ignore[attr-defined]
        return found

    return perform
