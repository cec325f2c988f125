"""The golden vectors: everything the reference's frontend gave for each of them, byte for byte."""

import os
from pathlib import Path

import pytest

from tests.llb_vectors import cases_in, run_case

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT.parent / "shared" / "golden" / "llb"
CASES = cases_in([VECTORS])


@pytest.mark.skipif(not VECTORS.is_dir() and "CI" not in os.environ, reason="the vectors are kept outside")
def test_the_vectors_are_there() -> None:
    assert len(CASES) > 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_vector(case: Path) -> None:
    assert run_case(case) == []
