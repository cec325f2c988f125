"""Progress as lines, in the form that readers of `docker buildx` know:

    #5 [app 2/3] RUN make
    #5 0.043 cc -o app main.c
    #5 DONE 1.2s

One step is shown at a time. Steps that have ended come first; another that is still going is switched to
when the current one has had its share, and `#5 ...` says that it will be back.
"""

from __future__ import annotations

import time

from bakec.ir.records import dataclass, field
from bakec.runtime.progress.trace import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse
    from bakec.runtime.progress.trace import Item, Step, Trace

MIN_SECONDS = 5.0
MIN_PART = 0.05
"""An item that is going on is shown again after this time or this part of its size."""
SHARE_SECONDS = 5.0
"""How long the current step is kept while others have something to say."""


@dataclass(slots=True)
class Plain:
    stream: TextIO
    trace: Trace
    heading: str = ""
    clock: Callable[[], float] = time.monotonic
    _current: Step | None = None
    _since: float = 0.0
    _count: int = 0
    _shown: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def introduce(self, digest: str, owner: str, place: str) -> None:
        self.trace.introduce(digest, owner, place)

    def update(self, prefix: str, response: StatusResponse) -> None:
        self.trace.update(prefix, response)

    def tick(self) -> None:
        changed = list(self.trace.changed.values())
        ended = sorted((step for step in changed if step.is_completed), key=lambda step: step.ended)
        for step in sorted(ended, key=lambda step: step is not self._current):
            self._print(step)
        going = [step for step in changed if step.is_started and not step.is_completed]
        chosen = self._choose(going)
        if chosen is not None:
            self._print(chosen)
        self.stream.flush()

    def close(self) -> None:
        self.tick()
        # Steps that a lost daemon left open have said all they will say.
        for step in list(self.trace.changed.values()):
            if step.is_started:
                self._print(step)
        self.stream.flush()

    def _choose(self, going: list[Step]) -> Step | None:
        """The step to show: the current one, unless it is silent or has had its time."""
        if not going:
            return None
        others = [step for step in going if step is not self._current]
        if self._current is None:
            return max(going, key=lambda step: step.updates)
        if others and self.clock() - self._since > SHARE_SECONDS:
            return max(others, key=lambda step: step.updates)
        return self._current if self._current in going else None

    def _print(self, step: Step) -> None:
        self._switch(step)
        is_open = self._print_items(step)
        if step.is_completed:
            self.trace.flush(step)
        for warning in step.warnings:
            self._line(step, f"WARN: {warning}")
        for line in step.lines:
            self._line(step, line)
        step.warnings, step.lines, step.updates = [], [], 0
        self.trace.changed.pop(step.digest, None)
        if step.is_completed and not is_open:
            self._line(step, ending(step))
            self._current = None

    def _switch(self, step: Step) -> None:
        if step is self._current:
            return
        if self._current is not None:
            self._line(self._current, "...")
        if self._count:
            self.stream.write("\n")
        elif self.heading:
            self.stream.write(f"#0 {self.heading}\n\n")
        if not step.number:
            self._count += 1
            step.number = self._count
        self._line(step, step.name)
        self._current, self._since = step, self.clock()

    def _print_items(self, step: Step) -> bool:
        """Shows the items with news; true if one of them is still going."""
        is_open = False
        for item in step.changed_items.values():
            is_open |= item.completed is None
            if self._is_news(step, item):
                self._shown[step.digest, item.id] = (item.time, item.current)
                self._line(step, item.id + describe(item))
        step.changed_items = {}
        return is_open

    def _is_news(self, step: Step, item: Item) -> bool:
        last = self._shown.get((step.digest, item.id))
        if last is None or item.completed is not None:
            return True
        part = (item.current - last[1]) / item.total if item.total else 0.0
        return part >= MIN_PART or item.time - last[0] >= MIN_SECONDS

    def _line(self, step: Step, text: str) -> None:
        self.stream.write(f"#{step.number} {text}\n")


def describe(item: Item) -> str:
    """` 1.2MB / 3.4MB 0.5s done`, as much of it as there is."""
    text = f" {size(item.current)} / {size(item.total)}" if item.total else ""
    if item.current and not item.total:
        text = f" {size(item.current)}"
    if item.started is not None:
        seconds = (item.completed or item.time) - item.started
        text += f" {seconds:.1f}s" if seconds > 0.01 else ""
    return text + (" done" if item.completed is not None else "")


def ending(step: Step) -> str:
    if step.is_canceled:
        return "CANCELED"
    if step.error:
        return f"ERROR: {step.error}"
    return "CACHED" if step.cached else f"DONE {step.seconds():.1f}s"
