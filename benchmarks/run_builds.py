"""`python -m benchmarks.run_builds`: builds on a real engine, bakec and buildx alternately in one run.

Needs an engine on a tmpfs (`scripts/engine start --tmpfs`, then eval its env): on a disk the engine is measured.
Wall time of whole processes. `--only NAME` picks one case, `--rounds` how often it is repeated.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.__main__ import HERE, buildx, measure

MEGABYTE = 1 << 20


class Case(NamedTuple):
    """`make` writes a context into a folder and returns the number of targets; with `fresh` nothing may be cached."""

    name: str
    make: Callable[[Path], int]
    fresh: bool = False


def targets(count: int) -> Callable[[Path], int]:
    def make(folder: Path) -> int:
        (folder / "file").write_text("content")
        return count

    return make


def large_file(folder: Path) -> int:
    with (folder / "file").open("wb") as file:
        for _ in range(500):
            file.write(os.urandom(MEGABYTE))
    return 1


def many_files(folder: Path) -> int:
    for index in range(50_000):
        place = folder / f"d{index // 500}"
        place.mkdir(exist_ok=True)
        (place / f"f{index}").write_bytes(os.urandom(2048))
    return 1


CASES = (
    Case("1 target, nothing to do", targets(1)),
    Case("10 targets, nothing to do", targets(10)),
    Case("100 targets, nothing to do", targets(100)),
    Case("300 targets, nothing to do", targets(300)),
    Case("a file of 500 MB", large_file, fresh=True),
    Case("50,000 files", many_files, fresh=True),
)


def definition(count: int, mark: str) -> str:
    names = [f"t{index}" for index in range(count)]
    listed = ", ".join(f'"{name}"' for name in names)
    blocks = [f'group "default" {{\n  targets = [{listed}]\n}}\n']
    for name in names:
        text = f"FROM scratch\\nCOPY . /\\nENV N={name}{mark}\\n"
        blocks.append(f'target "{name}" {{\n  dockerfile-inline = "{text}"\n  tags = ["bench/{name}"]\n}}\n')
    return "\n".join(blocks)


def seconds(case: Case, program: list[str], mark: str, rounds: int) -> Iterator[float]:
    """Each round of a fresh case gets a folder of its own, so that nothing of it is at the daemon."""
    with tempfile.TemporaryDirectory() as made:
        for number in range(rounds + (not case.fresh)):
            folder = Path(made) / (f"{mark}{number}" if case.fresh else mark)
            if not folder.exists():
                folder.mkdir()
                count = case.make(folder)
                (folder / ".dockerignore").write_text("docker-bake.hcl\nout\n")
                (folder / "docker-bake.hcl").write_text(definition(count, mark))
            found = measure([*program, "bake", "--progress=quiet"], folder).seconds
            if case.fresh or number:  # the first of the others fills the cache
                yield found


def compare(case: Case, rounds: int) -> tuple[float, float]:
    """Medians of bakec and buildx; they take turns, round by round."""
    ours = seconds(case, [sys.executable, "-m", "bakec"], "a", rounds)
    theirs = seconds(case, buildx(), "b", rounds)
    pairs = list(zip(ours, theirs, strict=True))
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = str(HERE.parent)
    print(f"{'case':<28} {'bakec':>8} {'buildx':>8} {'ratio':>6}")
    for case in CASES:
        if args.only in case.name:
            ours, theirs = compare(case, args.rounds)
            print(f"{case.name:<28} {ours:7.2f}s {theirs:7.2f}s {ours / theirs:5.2f}x", flush=True)


if __name__ == "__main__":
    main()
