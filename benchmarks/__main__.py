"""`python -m benchmarks`: bakec and the installed buildx, alternately in one run; medians, ratios, memory, growth.

Wall time of whole processes, so that start-up counts. `--rounds` and `--seed` vary the run, `--only TEXT` picks the
cases whose name holds it, and the parts are `compile`, `plan` and `run` (all, unless named). A whole run is added to
benchmarks/history.jsonl, and drawn in benchmarks/ratios.svg.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks import compiling, planning, running
from benchmarks.measure import Row, Sample
from benchmarks.picture import draw

HERE = Path(__file__).resolve().parent
PARTS = {each.PART: each.cases for each in (compiling, planning, running)}
HEAD = (
    f"{'':<8} {'case':<36} {'bakec s':>9} {'buildx s':>9} {'ratio':>7} {'limit':>6} {'MB':>5} {'MB':>5} {'growth':>6}"
)


def main() -> None:
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__, formatter_class=form)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT")
    args = parser.parse_args()
    if unknown := set(args.parts) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    print(HEAD)
    found: list[Row] = []
    for part in args.parts or PARTS:
        for row in PARTS[part](args.rounds, args.seed, args.only):
            print(shown(row), flush=True)
            found.append(row)
    if not args.parts and not args.only:
        keep(found, args.seed, args.rounds)


def shown(row: Row) -> str:
    other, ratio = row.buildx, row.ratio
    parts = [
        f"{row.part:<8} {row.name:<36} {row.bakec.seconds:>9.3f}",
        f"{other.seconds:>9.3f} {ratio:>7.2f}" if other else f"{'-':>9} {'-':>7}",
        f"{row.limit:>6g}" if other and row.limit else f"{'':>6}",
        f"{row.bakec.megabytes:>5.0f} {other.megabytes:>5.0f}" if other else f"{row.bakec.megabytes:>5.0f} {'-':>5}",
        f"{row.growth:>6.2f}" if row.growth is not None else f"{'':>6}",
        row.note,
    ]
    return " ".join(parts).rstrip()


def keep(found: Sequence[Row], seed: int, rounds: int) -> None:
    """Append to the history and draw the picture."""
    record = {
        "seed": seed,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rows": [[row.part, row.name, _rounded(row.bakec), _rounded(row.buildx)] for row in found],
    }
    with (HERE / "history.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    ratios = [(row.name, row.ratio) for row in found if row.ratio is not None and row.part != planning.PART]
    (HERE / "ratios.svg").write_text(draw(ratios))


def _rounded(sample: Sample | None) -> list[float] | None:
    return [round(value, 4) for value in sample] if sample else None


if __name__ == "__main__":
    main()
