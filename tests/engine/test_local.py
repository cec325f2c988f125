"""The local driver with the real dockerd that `scripts/engine` unpacks: started when it is needed, kept, and ended."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from real_plans import BASE, Runner, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter
from bakec.runtime import builders, contexts, dockerconfig
from bakec.runtime.drivers.local import BRIDGE

OUTPUT = (Exporter(type="local", dest="out"),)
STEP = f'{BASE}RUN ["/bin/busybox", "sh", "-c", "ip addr > /addresses"]\n'


@pytest.fixture
def alone(busybox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An environment without an engine and with a dockerd."""
    prefix = busybox.parents[2]
    libraries = sorted({str(path.parent) for path in prefix.rglob("lib*.so.*")})
    env = {
        "HOME": str(tmp_path),
        "PATH": f"{prefix}/usr/sbin:{prefix}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "XDG_STATE_HOME": f"/tmp/bakec-local-{os.getpid()}",  # a socket's path must be short
    }
    monkeypatch.setattr(contexts, "DEFAULT_HOST", f"unix://{tmp_path}/nobody")
    before = bridges()
    yield env
    assert builder(env, "rm", "local").returncode == 0
    assert not Path(f"{env['XDG_STATE_HOME']}/bakec/local").exists()
    assert bridges() == before


def bridges() -> set[str]:
    return {path.name for path in Path("/sys/class/net").glob(f"{BRIDGE}*")}


def builder(env: Mapping[str, str], *argv: str) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "bakec", "builder", *argv)
    return subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)


def test_it_is_started_said_kept_and_stopped(alone: dict[str, str], run: Runner, project: Path) -> None:
    before = bridges()
    first = run(job("one", STEP, exports=OUTPUT), env=alone)
    assert first.exit is Exit.OK, [each.message for each in first.diagnostics]
    assert (
        "inet 10.215." in (project / "out/addresses").read_text() or "eth0" in (project / "out/addresses").read_text()
    )
    assert len(bridges() - before) == 1
    assert [each.rule.code for each in first.warnings] == ["BK766"]
    assert "builds run in a private dockerd" in first.warnings[0].message
    assert re.search(r"/bakec/local/socket +running ", builder(alone, "ls").stdout)

    again = run(job("one", STEP, exports=OUTPUT), env=alone)
    assert (again.exit, again.warnings) == (Exit.OK, ())
    assert again.jobs[0].outcome.value == "cached"

    assert builder(alone, "stop", "local").returncode == 0
    assert "stopped" in builder(alone, "inspect", "local").stdout
    assert bridges() == before

    warm = run(job("one", STEP, exports=OUTPUT), env=alone)
    assert [each.rule.code for each in warm.warnings] == ["BK766"]
    assert warm.jobs[0].outcome.value == "cached"


def test_it_is_chosen_only_where_there_is_nothing_else(alone: dict[str, str]) -> None:
    def chosen(env: Mapping[str, str]) -> str:
        return builders.choose("", env, dockerconfig.load(env)).driver

    assert chosen(alone) == "local"
    assert chosen({**alone, "DOCKER_HOST": "unix:///nonexistent"}) == "docker"
    assert chosen({**alone, "PATH": "/nonexistent"}) == "docker"


def test_what_does_not_come_up_is_one_clear_error(alone: dict[str, str], run: Runner, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/buildkitd").write_text("#!/bin/sh\necho no kernel for this >&2\nexit 1\n")
    (tmp_path / "bin/buildkitd").chmod(0o755)
    result = run(job("one", STEP), env={**alone, "PATH": f"{tmp_path}/bin:{alone['PATH']}"})
    assert result.exit is Exit.DRIVER
    assert result.diagnostics[0].message == (
        f"cannot start a local builder: {tmp_path}/bin/buildkitd did not come up: no kernel for this"
    )
