"""Progress on a terminal: the steps that are going on, redrawn in place, above them what has ended."""

import os
import shutil
import time
from typing import TextIO

from bakec.ir.records import dataclass
from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse
from bakec.runtime.progress.plain import describe
from bakec.runtime.progress.trace import Step, Trace

HIDE, SHOW, CLEAR_DOWN = "\x1b[?25l", "\x1b[?25h", "\x1b[J"
BLUE, RED, YELLOW, RESET = "\x1b[34m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
LOG_LINES = 4
"""Lines of output shown below a step that is going on."""


@dataclass(slots=True)
class Tty:
    stream: TextIO
    trace: Trace
    started: float = 0.0
    _drawn: int = 0

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.stream.write(HIDE)

    def update(self, prefix: str, response: StatusResponse) -> None:
        self.trace.update(prefix, response)

    def tick(self) -> None:
        width, height = shutil.get_terminal_size()
        lines = self._fit(height - 2, width)
        up = f"\x1b[{self._drawn}A\r" if self._drawn else ""
        self.stream.write(up + CLEAR_DOWN + "".join(f"{line}\n" for line in lines))
        self.stream.flush()
        self._drawn = len(lines)

    def close(self) -> None:
        """Leave every step on the screen, and the output of those that failed."""
        steps = [step for step in self.trace.steps.values() if step.is_started]
        up = f"\x1b[{self._drawn}A\r" if self._drawn else ""
        width = shutil.get_terminal_size().columns
        lines = [self._heading(len(steps)), *(self._row(step, width) for step in steps)]
        for step in steps:
            if step.error and not step.error.endswith("context canceled"):
                self.trace.flush(step)
                lines += ["------", f" > {step.name}:", *step.last_lines, "------"]
        self.stream.write(up + CLEAR_DOWN + "\n".join(lines) + "\n" + SHOW)
        self.stream.flush()

    def _fit(self, height: int, width: int) -> list[str]:
        """What there is room for: steps that are going on, with their last lines, then the latest that
        ended."""
        self.trace.changed.clear()
        steps = [step for step in self.trace.steps.values() if step.is_started]
        going = [step for step in steps if not step.is_completed]
        ended = sorted((step for step in steps if step.is_completed), key=lambda step: step.ended)
        rows = [line for step in going for line in self._block(step, width)][: max(1, height - 1)]
        room = max(0, height - 1 - len(rows))
        above = [self._row(step, width) for step in ended[len(ended) - room :]] if room else []
        return [self._heading(len(ended), len(steps)), *above, *rows]

    def _heading(self, ended: int, total: int | None = None) -> str:
        seconds = time.monotonic() - self.started
        done = " FINISHED" if total is None else ""
        return f"[+] Building {seconds:.1f}s ({ended}/{ended if total is None else total}){done}"

    def _block(self, step: Step, width: int) -> list[str]:
        items = [f" => => {item.id}{describe(item)}" for item in step.items.values() if item.completed is None]
        logs = [f" => => # {line}" for line in step.last_lines[-LOG_LINES:]]
        return [self._row(step, width), *(line[: width - 1] for line in (*items, *logs))]

    def _row(self, step: Step, width: int) -> str:
        seconds = f"{step.seconds(self.trace.clock):.1f}s"
        mark = "CACHED " if step.cached else "ERROR " if step.error else ""
        name = f" => {mark}{step.name}"[: max(10, width - len(seconds) - 2)]
        text = f"{name:<{max(10, width - len(seconds) - 1)}}{seconds}"
        if os.environ.get("NO_COLOR"):
            return text
        if step.error:
            return f"{YELLOW if step.error.endswith('context canceled') else RED}{text}{RESET}"
        return f"{BLUE}{text}{RESET}" if step.is_completed else text
