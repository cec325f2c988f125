"""Definitions to JSON: `bakec print` and `buildx bake --print`."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.inputs import SHAPES, Shape, write
from benchmarks.measure import BAKEC, Row, Sample, buildx, compare, growth, measure

PART = "compile"
LARGE = 1000
"""Above it two rounds are enough: start-up and chance count for little."""


def cases(rounds: int, seed: int, only: str) -> Iterator[Row]:
    for name, shape in SHAPES.items():
        sizes = [size for size in shape.sizes if only in f"{name} {size}"]
        yield from _sizes(name, shape, sizes, rounds, seed)


def _sizes(name: str, shape: Shape, sizes: Sequence[int], rounds: int, seed: int) -> Iterator[Row]:
    before: tuple[int, Sample] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            write(folder, name, size, seed)
            flags = [] if shape.file else [f"--file={each.name}" for each in sorted(folder.iterdir())]
            ours = [*BAKEC, "print", *flags]
            theirs = [*buildx(), "bake", "--print", *flags]
            measure(ours, folder)  # the first time fills the caches of both
            mine, other, note = compare(
                lambda: measure(ours, folder),  # noqa: B023 - called within the block
                (lambda: measure(theirs, folder)) if size <= shape.asked else None,  # noqa: B023
                rounds if size <= LARGE else min(rounds, 2),
            )
        yield Row(PART, f"{name} {size}", mine, other, growth(size, mine, before), _limit(name, size), note)
        before = size, mine


def _limit(name: str, size: int) -> float:
    if size < 100:
        return 1.25
    if size < 5000:
        return 1.0
    return 0.1 if name == "matrix" else 0.25
