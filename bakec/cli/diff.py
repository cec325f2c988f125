"""`bakec diff`: what changes between two plans."""

from __future__ import annotations

import os
import sys

from bakec.cli.parser import Parser
from bakec.cli.plans import add_source_flags, keep, sides
from bakec.ir.diagnostics import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_EPILOG = """\
Each side is a plan file, a definition file (several with commas between), a folder, or a git revision. One argument
OLD..NEW names two revisions; one side alone is compared with the working folder."""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec diff", "What changes from one plan to another, and why.")
    parser.epilog = _EPILOG
    parser.add_argument("sides", nargs="+", metavar="SIDE", help="OLD NEW, OLD..NEW, or OLD")
    add_source_flags(parser)
    parser.add_argument("--target", action="append", default=[], metavar="TARGET", help="targets to compile")
    forms = ("text", "markdown", "json", "html")
    parser.add_argument("--format", choices=forms, default="text", help="form of the output")
    parser.switch("--json", help="shorthand for --format=json")
    parser.switch("--summary", help="print the summary line alone")
    parser.switch("--full", help="also list what added and removed targets hold")
    parser.switch("--exit-code", help="exit 1 if the plans differ")
    size = 60_000
    parser.add_argument("--max-size", type=int, default=size, metavar="N", help=f"characters of markdown ({size})")
    args = parser.read(argv)
    if len(args.sides) > 2:
        parser.error("expected OLD NEW, OLD..NEW, or OLD")
    from bakec.ir.diff import diff

    old, new = sides(args.sides, args)
    result = keep(diff(old, new))
    form = "json" if args.json else args.format
    if form == "json":
        from bakec.compiler.render.diff import render_json

        lines: Iterable[str] = [render_json(result)]
    elif form == "markdown":
        from bakec.compiler.render.markdown import render_markdown

        lines = [render_markdown(result, max_size=args.max_size, summary_only=args.summary)]
    elif form == "html":
        from bakec.compiler.render.html import render_diff

        lines = [render_diff(result, old, new)]
    else:
        from bakec.compiler.render.diff import render_text

        lines = colored(render_text(result, summary_only=args.summary, full=args.full))
    print("\n".join(lines))
    return Exit.DIFFERENT if args.exit_code and not result.empty else Exit.OK


_COLORS = {"+": "32", "-": "31", "~": "33", ">": "36"}


def colored(lines: Iterable[str]) -> Iterator[str]:
    """The lines with the color of their symbol, on a terminal that wants some."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        yield from lines
        return
    for line in lines:
        color = _COLORS.get(line.lstrip()[:2].rstrip(), "") if line.lstrip()[1:2] == " " else ""
        yield f"\x1b[{color}m{line}\x1b[0m" if color else line
