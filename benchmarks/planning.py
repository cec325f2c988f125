"""Plans: what reading one costs, measured against compiling it, and against a bare interpreter. buildx has none."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.inputs import write
from benchmarks.measure import BAKEC, Row, Sample, environment, measure, median

PART = "plan"
SMALL, LARGE = 10, 5000
BARE = [sys.executable, "-c", "import msgpack"]
VERBS = {
    "show": ["show", "old"],
    "diff": ["diff", "old", "new"],
    "diff of equals": ["diff", "old", "old"],
}
INSIDE = """
import time
from bakec import Plan, compile_files
started = time.process_time()
data = compile_files("docker-bake.hcl").dump()
compiled = time.process_time()
Plan.load(data)
print(compiled - started, time.process_time() - compiled)
"""


def cases(rounds: int, seed: int, only: str) -> Iterator[Row]:
    """The second column is here what the first is measured against; the name says which."""
    for size in (SMALL, LARGE):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            write(folder, "wide", size, seed)
            for name, version in (("old", "1.0.0"), ("new", "1.0.1")):
                measure([*BAKEC, "compile", "--var", f"VERSION={version}", "-o", name], folder)
            yield from (row for row in _rows(folder, size, rounds if size == SMALL else 2) if only in row.name)


def _rows(folder: Path, size: int, rounds: int) -> Iterator[Row]:
    base, words, limit = (BARE, "python, msgpack", 1.5) if size == SMALL else ([*BAKEC, "compile"], "compile", 0.1)
    help_too = {"--help": ["--help"]} if size == SMALL else {}
    for name, verb in {**help_too, **VERBS}.items():
        pairs = [(measure([*BAKEC, *verb], folder), measure(base, folder)) for _ in range(rounds)]
        ours, against = (median(samples) for samples in zip(*pairs, strict=True))
        yield Row(PART, f"{name} {size} : {words}", ours, against, limit=limit)
    if size == LARGE:
        ours, against = (median(samples) for samples in zip(*(_inside(folder) for _ in range(rounds)), strict=True))
        yield Row(PART, f"load {size} : compile, in one process", ours, against, limit=limit)


def _inside(folder: Path) -> tuple[Sample, Sample]:
    done = subprocess.run(
        [sys.executable, "-c", INSIDE], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    compiled, loaded = map(float, done.stdout.split())
    return Sample(loaded, 0.0, loaded), Sample(compiled, 0.0, compiled)
