"""What the verbs for builders share: flags, the way into the event loop, and tables."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TypeVar

from bakec.ir.durations import SECOND, parse_duration
from bakec.runtime import dockerconfig
from bakec.runtime.scene import Scene

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Sequence
    from typing import Any

    from bakec.cli.parser import Arguments, Parser

Result = TypeVar("Result")


def add_timeout(parser: Parser) -> None:
    about = "how long a daemon may take to tell of itself (default: 20s)"
    parser.add_argument("--timeout", type=seconds, default=20.0, metavar="DURATION", help=about)


def add_builder(parser: Parser) -> None:
    parser.add_argument(
        "--builder", default="", metavar="NAME", help="builder or its address (default: the current one)"
    )


def make_scene(args: Arguments) -> Scene:
    env = dict(os.environ)
    return Scene(env=env, config=dockerconfig.load(env), seconds=getattr(args, "timeout", 20.0))


def perform(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on an event loop of its own."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def confirmed(question: str) -> bool:
    """Ask; anything but `y` is no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "y"


def seconds(text: str) -> float:
    return parse_duration(text) / SECOND


def table(rows: Sequence[Sequence[str]], *, minimum: int = 10, gap: int = 3) -> Iterator[str]:
    """Lines of left-aligned columns; a column is at least `minimum` wide, the last one ends with its text."""
    widths = [max(minimum, max(map(len, column)) + gap) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "".join((*cells, row[-1]))


def aligned(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of cells: a cell that another follows is as wide as the widest one of the unbroken run of lines that
    have it, and a space."""
    block: list[Sequence[str]] = []
    for line in (*lines, ()):
        if len(line) > 1:
            block.append(line)
            continue
        yield from _block(block)
        block = []
        yield from line


def _block(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    if not lines:
        return
    width = max(len(line[0]) for line in lines) + 1
    tails = iter(list(aligned(line[1:] for line in lines)))
    for line in lines:
        yield line[0].ljust(width) + next(tails)
