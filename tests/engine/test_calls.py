"""Questions to the frontend: what we print is what buildx prints."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakec.cli.main import main

DOCKERFILE = """from scratch AS base
# NAME says hello
ARG NAME=world
COPY file /file
MAINTAINER me

# last is what is built
FROM base AS last
"""
BAKE = """
target "default" {}
target "second" { description = "the other one" }
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, engine: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "file").write_text("x")
    (tmp_path / "docker-bake.hcl").write_text(BAKE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", engine["DOCKER_HOST"])


@pytest.mark.parametrize(
    "flags",
    [("--check",), ("--check", "default", "second"), ("--call=outline",), ("--call=targets", "default", "second")],
    ids=" ".join,
)
def test_answers_are_printed_as_buildx_prints_them(
    flags: tuple[str, ...], engine: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = subprocess.run(
        ("docker", "buildx", "bake", "--progress=quiet", *flags), env=dict(engine), capture_output=True, check=False
    )
    code = main(["bake", "--progress=quiet", *flags])

    assert wanted.stdout.decode() == capsys.readouterr().out
    assert wanted.returncode == code


def test_a_check_with_warnings_can_be_told_not_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["bake", "--progress=quiet", "--call=check"])
    assert 0 == main(["bake", "--progress=quiet", "--call=check,ignorestatus=true"])
    assert "MaintainerDeprecated" in capsys.readouterr().out
