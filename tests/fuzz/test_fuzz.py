"""No input makes a traceback, takes more than 1 GiB, or does not end."""

import os
import time
from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz.bombs import COMPOSE, HCL, JSON
from tests.fuzz.mutate import damaged, flags, mutated
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


def test_mutations_that_reach_new_code_are_mutated_on(runner: Runner) -> None:
    """Guided by coverage: a file that runs lines of the compiler for the first time becomes a seed of its own."""
    end = time.monotonic() + SECONDS
    rng = Random(SEED)
    found: list[tuple[str, str]] = []
    gained = 0
    while time.monotonic() < end:
        if found and rng.random() < 0.7:
            name, before = rng.choice(found)
            text = damaged(before, rng)
        else:
            name, text = mutated(rng)
        sets, variables = flags(rng)
        result, more = runner.explore(name, text, sets, variables)
        assert result in FINE, f"{name} {sets} {variables}\n{text[:3000]}\n{result}"
        if more and len(text) < 20_000:
            found.append((name, text))
            gained += more
    assert len(found) > 1
    assert gained > 1000
