"""Progress on a terminal, redrawn in place: the targets at work with their steps, above them what has ended last.

What scrolls away, wraps and hides the cursor is left to `rich`; what there is room for is decided here.
"""

from __future__ import annotations

import os
import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bakec.runtime.progress.plain import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, TextIO

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse
    from bakec.runtime.progress.board import Board, Target
    from bakec.runtime.progress.trace import Item, Step, Trace

LOG_LINES: Final = 4
"""Lines of output shown below a step that is going on."""
BAR: Final = 20
USUAL_SIZE: Final = (80, 24)
DONE_STYLE, FAILED_STYLE, STOPPED_STYLE = "blue", "red", "yellow"

Row = tuple[Text, str]
"""What is on the left of a line and may be cut off, and the time on its right."""


class Tty:
    def __init__(self, stream: TextIO, trace: Trace, look: Callable[[], Board]) -> None:
        self.trace = trace
        self._stream = stream
        self._look = look
        self._started = time.monotonic()
        self._console = Console(file=stream, force_terminal=True, highlight=False, emoji=False, markup=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def introduce(self, digest: str, owner: str, place: str) -> None:
        self.trace.introduce(digest, owner, place)

    def update(self, prefix: str, response: StatusResponse) -> None:
        self.trace.update(prefix, response)

    def tick(self) -> None:
        width, height = self._console.size = size_of(self._stream)
        self.trace.changed.clear()
        rows = self._frame(self._look(), height - 1)
        self._live.update(table(rows, width), refresh=True)

    def close(self) -> None:
        """Leave every step on the screen, and the output of those that failed. A second time does nothing."""
        if not self._live.is_started:
            return
        self._live.stop()
        steps = [step for step in self.trace.steps.values() if step.is_started]
        width, _ = self._console.size = size_of(self._stream)
        rows = [self._heading(len(steps), None), *map(self._step_row, steps)]
        self._console.print(Group(table(rows, width), *self._failures(steps)))

    # The picture

    def _frame(self, board: Board, height: int) -> list[Row]:
        """What there is room for: the targets at work and their steps, and above them the latest that ended."""
        steps = [step for step in self.trace.steps.values() if step.is_started]
        ended = sorted((step for step in steps if step.is_completed), key=lambda step: step.ended)
        rows = list(self._going(board, [step for step in steps if not step.is_completed]))[: max(1, height - 1)]
        room = max(0, height - 1 - len(rows))
        above = map(self._step_row, ended[len(ended) - room :] if room else ())
        return [self._heading(len(ended), len(steps), board), *above, *rows]

    def _heading(self, ended: int, total: int | None, board: Board | None = None) -> Row:
        seconds = time.monotonic() - self._started
        text = f"[+] Building {seconds:.1f}s ({ended}/{ended if total is None else total})"
        if total is None:
            text += " FINISHED"
        return Text(text + (board.summary() if board else "")), ""

    def _going(self, board: Board, steps: list[Step]) -> Iterator[Row]:
        """The steps at work, below their targets if there are several."""
        for target in board.working():
            yield target_row(target)
            for step in steps:
                if step.owner == target.name:
                    yield from self._block(step)
        names = {target.name for target in board.working()}
        for step in steps:
            if step.owner not in names:
                yield from self._block(step)

    def _block(self, step: Step) -> Iterator[Row]:
        yield self._step_row(step)
        for item in step.items.values():
            if item.completed is None:
                yield Text(f" => => {harmless(item.id)}{bar(item)}{describe(item)}"), ""
        for line in step.last_lines[-LOG_LINES:]:
            yield Text(" => => # ").append_text(Text.from_ansi(line)), ""

    def _step_row(self, step: Step) -> Row:
        mark = "CACHED " if step.cached else "ERROR " if step.error else ""
        style = DONE_STYLE if step.is_completed else ""
        if step.error:
            style = STOPPED_STYLE if step.is_canceled else FAILED_STYLE
        return Text(f" => {mark}{harmless(step.name)}", style=style), f"{step.seconds(self.trace.now()):.1f}s"

    def _failures(self, steps: list[Step]) -> Iterator[Text]:
        for step in steps:
            if step.error and not step.is_canceled:
                self.trace.flush(step)
                yield Text(f"------\n > {harmless(step.name)}:")
                yield from map(Text.from_ansi, (*step.last_lines, "------"))


def target_row(target: Target) -> Row:
    return Text(f"{target.name}  {target.phase}", style="bold"), f"{time.monotonic() - target.since:.1f}s"


def table(rows: list[Row], width: int) -> Table:
    """Each row in one line of the terminal, whatever its length."""
    made = Table.grid(expand=True, padding=(0, 1, 0, 0))
    made.width = width
    made.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    made.add_column(justify="right", no_wrap=True)
    for left, right in rows:
        made.add_row(left, right)
    return made


def harmless(text: str) -> str:
    """Without what a terminal would obey."""
    return Text.from_ansi(text).plain


def bar(item: Item) -> str:
    """How much of a transfer is done, where that is known."""
    if not item.total:
        return ""
    done = min(BAR, BAR * item.current // item.total)
    return f" {'━' * done}{'─' * (BAR - done)}"


def size_of(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of the terminal behind a stream, as they are now."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return USUAL_SIZE  # not a terminal, or one that does not know
    return (columns, lines) if columns and lines else USUAL_SIZE
