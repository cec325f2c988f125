"""What `--pool` and `--weight` say, and the flags of the command line that stop a run before it begins."""

import subprocess
import sys
from pathlib import Path

import pytest
from fake_plans import job, plan

from bakec.ir.diagnostics import Failed
from bakec.runtime.limits import parse_claims, parse_pools
from bakec.runtime.schedule import Claim

ROOT = Path(__file__).resolve().parents[2]
PLAN = plan(job("a"), job("b"))


def test_weights_count_in_the_pool_they_name() -> None:
    pools = parse_pools(["net=2", "memory=16"])
    claims = parse_claims(["a=8@memory", "b=2"], PLAN, {**pools, "": 4})
    assert pools == {"net": 2, "memory": 16}
    assert claims == {"a": Claim("memory", 8), "b": Claim("", 2)}


@pytest.mark.parametrize("text", ["net", "=2", "net=0", "net=x", "net=-1"])
def test_a_pool_needs_a_name_and_slots(text: str) -> None:
    with pytest.raises(Failed, match="it is not NAME=SLOTS"):
        parse_pools([text])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "it is not TARGET=SLOTS"),
        ("a=0", "it is not TARGET=SLOTS"),
        ("c=1", "the plan has no target `c`"),
        ("a=1@none", "there is no --pool `none`"),
        ("a=3@net", "there are only 2 slots"),
    ],
)
def test_a_weight_that_could_never_start_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        parse_claims([text], PLAN, {"net": 2, "": 0})


def bake(folder: Path, *flags: str, **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "docker-bake.hcl").write_text(
        'group "default" {\n  targets = ["a", "b", "c"]\n}\ntarget "a" {}\ntarget "c" {}\n'
        'target "b" {\n  contexts = { a = "target:a" }\n}\n'
    )
    command = [sys.executable, "-m", "bakec", "bake", *flags]
    full = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "DOCKER_HOST": "unix:///nowhere", **env}
    return subprocess.run(command, cwd=folder, env=full, capture_output=True, text=True, check=False)


def test_a_dry_run_prints_the_rounds_and_needs_no_builder(tmp_path: Path) -> None:
    done = bake(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "3 targets in 2 rounds; nothing was built"


def test_flags_may_come_from_the_environment(tmp_path: Path) -> None:
    done = bake(tmp_path, BAKEC_DRY_RUN="1", BAKEC_POOL="one=1", BAKEC_WEIGHT="a=1@one\nb=1@one\nc=1@one")
    assert done.stdout.splitlines()[-1] == "3 targets in 3 rounds; nothing was built", done.stderr


def test_a_bad_weight_is_a_mistake_of_usage(tmp_path: Path) -> None:
    done = bake(tmp_path, "--dry-run", "--weight", "nobody=1")
    assert done.returncode == 2
    assert "the plan has no target `nobody`" in done.stderr
