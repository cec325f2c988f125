"""Builds on a real engine: `bakec bake` and `buildx bake`.

The engine should keep its data in memory (`scripts/engine start --tmpfs`): on a disk, the disk is measured.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import BAKEC, Row, Sample, buildx, compare, measure, settle

PART = "run"
MEGABYTE = 1 << 20


class Case(NamedTuple):
    """`make` writes a context into a folder; with `fresh` nothing of it may be at the daemon. `rounds` is how often it
    is measured at most, `limit` what the ratio is to be."""

    name: str
    targets: int
    make: Callable[[Path], None]
    limit: float
    fresh: bool = False
    rounds: int = 5


def small(folder: Path) -> None:
    (folder / "file").write_text("content")


def large_file(folder: Path) -> None:
    with (folder / "file").open("wb") as file:
        for _ in range(500):
            file.write(os.urandom(MEGABYTE))


def many_files(folder: Path) -> None:
    for index in range(50_000):
        place = folder / f"d{index // 500}"
        place.mkdir(exist_ok=True)
        (place / f"f{index}").write_bytes(os.urandom(2048))


CASES = (
    Case("1 target, nothing to do", 1, small, 1.5),
    Case("10 targets, nothing to do", 10, small, 1.0),
    Case("100 targets, nothing to do", 100, small, 1.0),
    Case("300 targets, nothing to do", 300, small, 1.0, rounds=2),
    Case("a file of 500 MB", 1, large_file, 1.0, fresh=True, rounds=3),
    Case("50,000 files", 1, many_files, 1.0, fresh=True, rounds=3),
)


def definition(count: int, mark: str) -> str:
    names = [f"t{index}" for index in range(count)]
    listed = ", ".join(f'"{name}"' for name in names)
    blocks = [f'group "default" {{\n  targets = [{listed}]\n}}\n']
    for name in names:
        text = f"FROM scratch\\nCOPY . /\\nENV N={name}{mark}\\n"
        blocks.append(f'target "{name}" {{\n  dockerfile-inline = "{text}"\n  tags = ["bench/{name}"]\n}}\n')
    return "\n".join(blocks)


class Side:
    """One of the two programs, building one case in a folder of its own."""

    def __init__(self, program: list[str], case: Case, folder: Path) -> None:
        self.command = [*program, "bake", "--progress=quiet"]
        self.case = case
        self.folder = folder
        self.rounds = 0

    def __call__(self) -> Sample:
        """Raises `ProcessFailed`."""
        if not self.rounds or self.case.fresh:
            self._prepare()
        if not self.rounds and not self.case.fresh:
            measure(self.command, self.folder)  # fills the cache
        self.rounds += 1
        settle()
        return measure(self.command, self.folder)

    def _prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.case.make(self.folder)
        (self.folder / ".dockerignore").write_text("docker-bake.hcl\n.out\n")
        mark = f"{self.folder.name}{self.rounds}"
        (self.folder / "docker-bake.hcl").write_text(definition(self.case.targets, mark))


def cases(rounds: int, seed: int, only: str) -> Iterator[Row]:
    """Whatever the seed, the contents of files are random."""
    del seed
    for case in CASES:
        if only in case.name:
            with tempfile.TemporaryDirectory() as made:
                ours = Side(BAKEC, case, Path(made) / "a")
                theirs = Side(buildx(), case, Path(made) / "b")
                mine, other, note = compare(ours, theirs, min(rounds, case.rounds))
            yield Row(PART, case.name, mine, other, limit=case.limit, note=note)
