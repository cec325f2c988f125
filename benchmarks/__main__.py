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
COLUMNS = ("case", "bakec s", "buildx s", "ratio", "limit", "cpu", "MB", "MB", "growth")
LINE = "{:<8} {:<36} {:>9} {:>9} {:>6} {:>6} {:>6} {:>5} {:>5} {:>6} {}"


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
    print(LINE.format("", *COLUMNS, "").rstrip())
    found: list[Row] = []
    for part in args.parts or PARTS:
        for row in PARTS[part](args.rounds, args.seed, args.only):
            print(shown(row), flush=True)
            found.append(row)
    if not args.parts and not args.only:
        keep(found, args.seed, args.rounds)


def shown(row: Row) -> str:
    cells = [
        f"{row.bakec.seconds:.3f}",
        *((f"{row.buildx.seconds:.3f}", f"{row.ratio:.2f}") if row.buildx else ("-", "-")),
        f"{row.limit:g}" if row.limit and row.buildx else "",
        f"{row.cpu_ratio:.2f}" if row.buildx else "-",
        f"{row.bakec.megabytes:.0f}",
        f"{row.buildx.megabytes:.0f}" if row.buildx else "-",
        "" if row.growth is None else f"{row.growth:.2f}",
    ]
    return LINE.format(row.part, row.name, *cells, row.note).rstrip()


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
