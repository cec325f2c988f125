"""`scripts/engine` itself: what it starts it stops, and where it cannot work it says so."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/engine"


def script(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run((str(SCRIPT), *arguments), capture_output=True, text=True, check=False, **settings)


def leftovers(tag: str) -> list[str]:
    """Processes, bridges, mounts and control groups of an engine below `tag`."""
    processes = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/mounts").read_text()
    found = [line for line in (processes + mounts).splitlines() if tag in line and "pytest" not in line]
    return [line for line in found if not line.startswith("ps ")]


@pytest.fixture
def root() -> str:
    return f"/tmp/bakec-script-{os.getpid()}"


def test_an_engine_comes_and_goes_without_a_trace(root: str) -> None:
    before = subprocess.run(("ip", "-o", "link"), capture_output=True, text=True, check=True).stdout.count("bakec")
    assert script("start", "--root", root, "--with", "registry").returncode == 0
    again = script("start", "--root", root)
    printed = script("env", "--root", root).stdout

    assert again.returncode == 0
    assert f"export DOCKER_HOST=unix://{root}/docker.sock" in printed
    assert "export BAKEC_TEST_REGISTRY=127.0.0.1:" in printed
    assert script("stop", "--root", root).returncode == 0
    assert script("stop", "--root", root).returncode == 0
    assert leftovers(root) == []
    assert not Path(root).exists()
    after = subprocess.run(("ip", "-o", "link"), capture_output=True, text=True, check=True).stdout.count("bakec")
    assert after == before


def test_an_engine_that_was_killed_can_be_started_again(root: str) -> None:
    assert script("start", "--root", root).returncode == 0
    values = dict(
        line.removeprefix("export ").split("=", 1) for line in script("env", "--root", root).stdout.splitlines()
    )
    os.kill(int(values["BAKEC_TEST_ENGINE_PID"]), 9)
    assert script("start", "--root", root).returncode == 0
    assert script("stop", "--root", root).returncode == 0
    assert leftovers(root) == []


def test_without_an_engine_there_is_no_environment(root: str) -> None:
    done = script("env", "--root", root)
    assert done.returncode != 0
    assert "no engine runs" in done.stderr
    assert done.stdout == ""


def test_it_needs_root(root: str) -> None:
    command = f"exec {SCRIPT} start --root {root}"
    done = subprocess.run(
        ("setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", command), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "scripts/engine: needs root: an engine makes namespaces, mounts and a bridge\n"


def test_a_path_that_is_too_long_for_a_socket_is_refused() -> None:
    done = script("start", "--root", "/tmp/" + "x" * 120)
    assert done.returncode == 1
    assert "give a shorter --root" in done.stderr
