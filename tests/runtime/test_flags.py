"""The flags of `bakec run`: all are documented, and what makes no sense is refused before anything is done."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bakec.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/running.md").read_text()


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docker-bake.hcl").write_text('target "a" {\n  dockerfile-inline = "FROM scratch"\n}\n')
    assert main(["compile", "-o", "p", "a"]) == 0
    return tmp_path / "p"


def flags_of(verb: str) -> list[str]:
    command = (sys.executable, "-m", "bakec", verb, "--help")
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"(?m)^  (?:-\w(?: \w+)?, )?(--[\w-]+)", text)) - {"--help"})


@pytest.mark.parametrize("flag", [*flags_of("run"), "--format"])
def test_every_flag_is_documented(flag: str) -> None:
    assert f"`{flag}" in DOCUMENT


@pytest.mark.parametrize(
    "flag",
    [
        "--jobs=-1",
        "--jobs=x",
        "--node-jobs=1.5",
        "--timeout=-1",
        "--deadline=nan",
        "--idle-timeout=inf",
        "--progress=loud",
        "--pool=none",
        "--weight=a=1000000000",
        "--weight=b=1",
        "--retries=often",
        "--publish=later",
        "--fail=slowly",
        "--only-failed",
        "--no-such-flag",
    ],
)
def test_what_makes_no_sense_is_a_mistake_of_usage(saved: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert usage(str(saved), flag) == 2

    said = capsys.readouterr()
    assert "ERROR: " in said.err
    assert not saved.with_name("p.journal").exists()


def usage(*arguments: str) -> int:
    return main(["run", *arguments])


def test_a_mode_of_buildkit_is_the_default(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKIT_PROGRESS", "loud")
    assert usage(str(saved)) == 2
    monkeypatch.setenv("BUILDKIT_PROGRESS", "")
    assert usage(str(saved), "--dry-run") == 0
