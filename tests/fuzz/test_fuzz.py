"""No input makes a traceback, takes more than 1 GiB, or does not end."""

import os
import time
from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz.bombs import COMPOSE, HCL, JSON
from tests.fuzz.mutate import flags, mutated
from tests.fuzz.runner import Runner

FINE = ("ok", "failed")
SECONDS = float(os.environ.get("BAKEC_FUZZ_SECONDS", "20"))
SEED = int(os.environ.get("BAKEC_FUZZ_SEED", "1"))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


@pytest.mark.parametrize("name", HCL)
def test_hcl_bombs(name: str, runner: Runner) -> None:
    assert runner.run("docker-bake.hcl", HCL[name]) in FINE


@pytest.mark.parametrize("name", JSON)
def test_json_bombs(name: str, runner: Runner) -> None:
    assert runner.run("docker-bake.json", JSON[name]) in FINE


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_bombs(name: str, runner: Runner) -> None:
    assert runner.run("compose.yaml", COMPOSE[name]) in FINE


def test_mutations(runner: Runner) -> None:
    """BAKEC_FUZZ_SECONDS says how long, BAKEC_FUZZ_SEED with which ones."""
    end = time.monotonic() + SECONDS
    seed, done = SEED * 1_000_000, 0
    while time.monotonic() < end:
        rng = Random(seed + done)
        name, text = mutated(rng)
        sets, variables = flags(rng)
        result = runner.run(name, text, sets, variables)
        assert result in FINE, f"seed {seed + done}: {name} {sets} {variables}\n{text[:3000]}\n{result}"
        done += 1
    assert done
