"""`python -m benchmarks`: bakec and the installed buildx, alternately in one run; medians, ratios, memory, growth.

Wall time of whole processes, so that start-up counts. `--rounds` and `--seed` vary the run, `--only SHAPE` picks one.
Results are appended to benchmarks/history.jsonl, and drawn in benchmarks/ratios.svg.
"""

import argparse
import json
import math
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.inputs import SHAPES
from benchmarks.picture import draw

HERE = Path(__file__).resolve().parent


class Sample(NamedTuple):
    seconds: float
    megabytes: float


class Row(NamedTuple):
    """Medians of one input: seconds and peak resident memory (MB) of both, and how the time grew from the size before
    (1 is linear)."""

    shape: str
    size: int
    bakec: float
    buildx: float
    bakec_memory: float
    buildx_memory: float
    growth: float | None

    @property
    def ratio(self) -> float:
        return self.bakec / self.buildx


def measure(command: Sequence[str], folder: Path) -> Sample:
    """One process from start to end, its output thrown away."""
    started = time.perf_counter()
    with (folder / "out").open("wb") as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {child.returncode}")
    return Sample(seconds, usage.ru_maxrss / 1024)


def buildx() -> list[str]:
    """The buildx program itself: started through docker it would pay for two."""
    docker = shutil.which("docker")
    folders = [Path(docker).resolve().parent.parent if docker else Path("/usr"), Path("/usr")]
    for folder in folders:
        for place in ("libexec/docker/cli-plugins", "lib/docker/cli-plugins"):
            found = folder / place / "docker-buildx"
            if found.exists():
                return [str(found)]
    raise SystemExit("buildx is not installed: scripts/engine start, then eval its env")


def rows(rounds: int, seed: int, only: str) -> Iterator[Row]:
    ours, theirs = [sys.executable, "-m", "bakec"], buildx()
    for shape, (generate, name, sizes) in SHAPES.items():
        if only and shape != only:
            continue
        before: Row | None = None
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder)
                (path / name).write_text(generate(size, random.Random(seed + size)))
                tries = rounds if size <= 1000 else max(2, rounds // 2)
                measure([*ours, "print"], path)
                samples = [
                    (measure([*ours, "print"], path), measure([*theirs, "bake", "--print"], path)) for _ in range(tries)
                ]
            row = _row(shape, size, samples, before)
            before = row
            yield row


def _row(shape: str, size: int, samples: list[tuple[Sample, Sample]], before: Row | None) -> Row:
    ours = statistics.median(one.seconds for one, _ in samples)
    growth = math.log(ours / before.bakec) / math.log(size / before.size) if before else None
    return Row(
        shape,
        size,
        ours,
        statistics.median(two.seconds for _, two in samples),
        statistics.median(one.megabytes for one, _ in samples),
        statistics.median(two.megabytes for _, two in samples),
        growth,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", choices=["", *SHAPES])
    args = parser.parse_args()
    print(f"{'shape':<10} {'size':>6} {'bakec s':>9} {'buildx s':>9} {'ratio':>7} {'MB':>6} {'MB':>6} {'growth':>7}")
    found: list[Row] = []
    for row in rows(args.rounds, args.seed, args.only):
        found.append(row)
        growth = "" if row.growth is None else f"{row.growth:.2f}"
        print(
            f"{row.shape:<10} {row.size:>6} {row.bakec:>9.3f} {row.buildx:>9.3f} {row.ratio:>7.2f} "
            f"{row.bakec_memory:>6.0f} {row.buildx_memory:>6.0f} {growth:>7}",
            flush=True,
        )
    if not args.only:
        keep(found, args.seed, args.rounds)


def keep(found: Sequence[Row], seed: int, rounds: int) -> None:
    """Append to the history and draw the picture."""
    record = {
        "seed": seed,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rows": [[row.shape, row.size, round(row.bakec, 4), round(row.buildx, 4)] for row in found],
    }
    with (HERE / "history.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    (HERE / "ratios.svg").write_text(draw([(f"{row.shape} {row.size}", row.ratio) for row in found]))


if __name__ == "__main__":
    main()
