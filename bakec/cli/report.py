"""`bakec report`: what a journal says of a run."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from bakec.cli.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

FORMATS: Final = ("text", "markdown", "html", "json", "junit")
"""Each is a module of `runtime.reports`."""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec report", "What came of a run, where its time went, and why targets were not built.")
    parser.add_argument("journal", metavar="JOURNAL", help="the journal of `bakec run` (PLAN.journal)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to print it (default: text)")
    args = parser.read(argv)
    from bakec.runtime import history

    found = history.read(Path(args.journal))
    print(import_module(f"bakec.runtime.reports.{args.format}").render(found), end="")
    return 0
