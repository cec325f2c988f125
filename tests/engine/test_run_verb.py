"""`bakec run` as people use it: from another folder, with everything noted, and again after a failure."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BAKE = """
target "fine" {
  context           = "context"
  dockerfile-inline = "FROM scratch\\nCOPY busybox /sh\\n"
  output            = ["out"]
}
target "broken" {
  context           = "context"
  dockerfile-inline = "FROM scratch\\nCOPY late /\\n"
  output            = ["late"]
}
target "child" {
  contexts          = { broken = "target:broken" }
  dockerfile-inline = "FROM broken\\nENV CHILD=yes\\n"
  output            = ["type=cacheonly"]
}
"""


@pytest.fixture
def plan(project: Path, engine: Mapping[str, str]) -> Path:
    (project / "docker-bake.hcl").write_text(BAKE)
    bakec(engine, project, "compile", "-o", "plan", "fine", "broken", "child")
    return project / "plan"


def bakec(env: Mapping[str, str], folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "bakec", *arguments)
    env = {**env, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def outcomes(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    told = bakec(env, folder, "report", "journal", "--format=json").stdout
    return {job["target"]: job["outcome"] for job in json.loads(told)["jobs"]}


def test_a_run_from_another_folder_is_mended(plan: Path, engine: Mapping[str, str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    flags = ("--root", str(plan.parent), "--journal", "journal", "--log-dir", "logs", "--metadata-file", "meta.json")
    limits = ("-j", "2", "--timeout", "60", "--deadline", "120", "--idle-timeout", "60", "--retries", "network=2")
    first = bakec(engine, elsewhere, "run", str(plan), *flags, *limits, "--keep-going", "--progress=quiet")

    assert first.returncode == 5, first.stderr
    assert (plan.parent / "out/sh").exists()
    assert {path.name for path in elsewhere.iterdir()} == {"journal", "logs"}  # no metadata without success
    assert outcomes(engine, elsewhere)["child"] == "skipped"

    (plan.parent / "context/late").write_text("now")
    again = ("--resume", "--only-failed", "--progress=plain")
    second = bakec(engine, elsewhere, "run", str(plan), *flags, *again)

    assert second.returncode == 0, second.stderr
    assert (plan.parent / "late/late").read_text() == "now"
    assert outcomes(engine, elsewhere)["broken"] in ("built", "cached")
    assert outcomes(engine, elsewhere)["child"] == "skipped"
    assert "left out" in second.stderr
    third = bakec(engine, elsewhere, "run", str(plan), *flags, "--resume", "--progress=plain")
    assert third.returncode == 0, third.stderr
    assert "done before" in third.stderr
    assert set(json.loads((elsewhere / "meta.json").read_text())) == {"fine", "broken", "child"}
