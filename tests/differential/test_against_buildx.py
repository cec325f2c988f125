"""Made-up definitions mean the same here and to the `docker buildx bake` that is installed."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.differential.generate import Case, generate
from tests.differential.outcome import Outcome, comparable, ours, reference, write

pytestmark = pytest.mark.engine

# The first 300 suit every release since 0.29; some of the later ones need a newer language library in the reference.
COUNT = int(os.environ.get("BAKEC_DIFFERENTIAL", "300"))
BATCH = 25
ATTEMPTS = 12
ENV = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG", "DOCKER_HOST") if name in os.environ}

KNOWN = (
    r"variable cycle not allowed for (nope|vv1)",
    r"does not exist: undefined",
    r"Invalid JSON string",
    r"Unsuitable value for (left|right) operand: bool required",
)
"""Messages of the reference that ours need not agree with: an undefined name met twice (docs/differences.md), places in
broken JSON strings, and a null operand of `&&` and `||`, for which older releases have another message."""
VARIABLE = (
    r", and \d+ other diagnostic\(s\)$",
    r' Did you mean "[^"]*"\?',
    r'element "[^"]*(?:\\"[^"]*)*": ',
    r", but have [^.,;]*",
)


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_print(first: int, tmp_path: Path) -> None:
    """Definitions `first` and the 24 behind it. BAKEC_DIFFERENTIAL=N makes N of them."""
    cases = {seed: generate(seed) for seed in range(first, min(COUNT, first + BATCH))}
    for seed, case in cases.items():
        (tmp_path / str(seed)).mkdir()
        write(case, tmp_path / str(seed))
    with ThreadPoolExecutor(4) as pool:
        theirs = pool.map(lambda seed: reference(cases[seed], tmp_path / str(seed), ENV), cases)
        different = [
            line
            for (seed, case), outcome in zip(cases.items(), theirs, strict=True)
            for line in difference(seed, case, tmp_path / str(seed), outcome)
        ]
    assert not different, "\n".join(different)


def difference(seed: int, case: Case, folder: Path, theirs: Outcome) -> Iterator[str]:
    """What differs. The reference chooses some things at random, so it is asked again before it is believed."""
    mine = ours(case, folder)
    for _ in range(ATTEMPTS):
        if agree(mine, theirs, case):
            return
        theirs = reference(case, folder, ENV)
    yield f"seed {seed}: {case.args} {case.env}\n  ours   {shown(mine)}\n  buildx {shown(theirs)}"


def agree(mine: Outcome, theirs: Outcome, case: Case) -> bool:
    if (mine.json is None) != (theirs.json is None):
        # Undefined names in `try` and in functions of JSON files: see docs/differences.md.
        return any(re.search(one, mine.message + theirs.message) for one in KNOWN[:2])
    if mine.json is not None:
        return bool(comparable(mine, case) == comparable(theirs, case))
    # Where the reference crashes, any message will do.
    return (
        first_message(mine) == first_message(theirs)
        or theirs.message.startswith("panic: ")
        or any(re.search(one, theirs.message) for one in KNOWN)
    )


def first_message(outcome: Outcome) -> str:
    """Without what is random or newer than some releases: the count of further messages, a proposed name, which
    element of a map is at fault, and what was there instead of what is required."""
    text = outcome.message
    for random in VARIABLE:
        text = re.sub(random, "", text)
    return text.rstrip(".")


def shown(outcome: Outcome) -> str:
    return outcome.message or f"printed {str(outcome.json)[:2000]}"


def test_the_definitions_use_the_language(tmp_path: Path) -> None:
    """Of 300 made-up definitions at least a third is valid and at least a quarter is not."""
    valid = 0
    for seed in range(300):
        folder = tmp_path / str(seed)
        folder.mkdir()
        write(generate(seed), folder)
        valid += ours(generate(seed), folder).json is not None
    assert 100 <= valid <= 225
