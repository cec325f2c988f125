"""What is known of a run's steps, put together from the pieces that daemons send. Times are the daemon's
clock, in seconds.

A step (BuildKit: vertex) is named by its digest. It is sent many times, may be worked on twice (a look into
the cache, then the run itself), and two targets that share it send it both.
"""

from __future__ import annotations

import time

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexLog, VertexStatus

KEPT_LINES = 10
"""The last lines of output that are kept of each step, for a display of many steps and for errors."""


@dataclass(slots=True)
class Item:
    """A part of a step with a progress of its own: a layer, a transfer."""

    id: str
    current: int = 0
    total: int = 0
    time: float = 0.0
    started: float | None = None
    completed: float | None = None


@dataclass(slots=True)
class Step:
    digest: str
    name: str = ""
    owner: str = ""
    """The target that it was first told of, by which it is known from then on; others may share it."""
    place: str = ""
    """The line of a Dockerfile that it was made from, where that is known."""
    number: int = 0
    """Given when the step is first shown."""
    intervals: dict[float, float | None] = field(default_factory=dict)
    """Start -> end of each time it was worked on."""
    cached: bool = False
    error: str = ""
    items: dict[str, Item] = field(default_factory=dict)
    changed_items: dict[str, Item] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """Whole lines of output that nobody has shown yet."""
    partial: bytes = b""
    last_lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    updates: int = 0

    @property
    def is_started(self) -> bool:
        return bool(self.intervals)

    @property
    def is_completed(self) -> bool:
        return bool(self.intervals) and all(end is not None for end in self.intervals.values())

    @property
    def is_canceled(self) -> bool:
        return self.error.endswith("context canceled")

    @property
    def is_internal(self) -> bool:
        """Housekeeping, and not a step of a Dockerfile."""
        return "[internal]" in self.name or " internal]" in self.name or not self.name.startswith("[")

    @property
    def ended(self) -> float:
        return max((end for end in self.intervals.values() if end is not None), default=0.0)

    def seconds(self, now: float = 0.0) -> float:
        """Time worked on it, times that overlap counted once."""
        total, reached = 0.0, 0.0
        for start in sorted(self.intervals):
            end = self.intervals[start]
            stop = end if end is not None else now
            total += max(0.0, stop - max(start, reached))
            reached = max(reached, stop)
        return total


@dataclass(slots=True)
class Trace:
    """All steps of a run. `masks` are secret values that must not be shown."""

    masks: tuple[bytes, ...] = ()
    steps: dict[str, Step] = field(default_factory=dict)
    changed: dict[str, Step] = field(default_factory=dict)
    """Steps with something new since the display last looked."""
    clock: float = 0.0
    """The latest time that a daemon has told, and when by our own clock (monotonic) it has."""
    heard: float = 0.0

    def now(self) -> float:
        """The daemon's time, as far as one can tell: a step that says nothing goes on, too."""
        return self.clock + time.monotonic() - self.heard

    def _tell(self, clock: float) -> None:
        if clock > self.clock:
            self.clock, self.heard = clock, time.monotonic()

    def update(self, prefix: str, response: StatusResponse) -> None:
        """Take in one message about the build of `prefix` (empty when there is one target only)."""
        for vertex in response.vertexes:
            self._vertex(prefix, vertex)
        for status in response.statuses:
            self._status(status)
        for log in response.logs:
            self._log(log)
        for warning in response.warnings:
            step = self._step(warning.vertex)
            step.warnings.append(self._clean(warning.short))

    def introduce(self, digest: str, owner: str, place: str) -> None:
        """A step that may come is that of `owner`, whoever shares it, and was made from the line `place`."""
        self.steps.setdefault(digest, Step(digest, owner=owner, place=place))

    def _vertex(self, prefix: str, vertex: Vertex) -> None:
        step = self._step(vertex.digest)
        if not step.name and not step.place:
            step.owner = prefix
        step.name = with_prefix(step.owner, vertex.name) + (f"  {step.place}" if step.place else "")
        step.cached, step.error = vertex.cached, self._clean(vertex.error.encode())
        if vertex.HasField("started"):
            start = vertex.started.ToNanoseconds() / 1e9
            end = vertex.completed.ToNanoseconds() / 1e9 if vertex.HasField("completed") else None
            step.intervals[start] = end
            self._tell(end or start)

    def _status(self, status: VertexStatus) -> None:
        step = self._step(status.vertex)
        item = step.items.setdefault(status.ID, Item(status.ID))
        item.current, item.total = status.current, status.total
        item.time = status.timestamp.ToNanoseconds() / 1e9
        self._tell(item.time)
        if status.HasField("started"):
            item.started = status.started.ToNanoseconds() / 1e9
        if status.HasField("completed"):
            item.completed = status.completed.ToNanoseconds() / 1e9
        step.changed_items[item.id] = item

    def _log(self, log: VertexLog) -> None:
        """Output comes as bytes that may end in the middle of a line."""
        step = self._step(log.vertex)
        since = log.timestamp.ToNanoseconds() / 1e9 - min(step.intervals, default=0.0)
        self._tell(log.timestamp.ToNanoseconds() / 1e9)
        *whole, step.partial = (step.partial + log.msg).split(b"\n")
        self._add_lines(step, whole, since)

    def flush(self, step: Step) -> None:
        """The last line of a step that has ended may lack its line feed."""
        if step.partial:
            self._add_lines(step, [step.partial], step.seconds())
            step.partial = b""

    def _add_lines(self, step: Step, lines: Iterable[bytes], since: float) -> None:
        fresh = [f"{stamp(since)} {self._clean(line)}" for line in lines]
        step.lines += fresh
        step.last_lines = [*step.last_lines, *fresh][-KEPT_LINES:]

    def _clean(self, text: bytes) -> str:
        for mask in self.masks:
            text = text.replace(mask, b"***")
        # What a carriage return has overwritten on a terminal is not worth a line.
        return text.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")

    def _step(self, digest: str) -> Step:
        step = self.steps.get(digest)
        if step is None:
            step = self.steps[digest] = Step(digest)
        step.updates += 1
        self.changed[digest] = step
        return step


def with_prefix(prefix: str, name: str) -> str:
    """`[app 1/2] RUN …`: the target before what the daemon calls the step."""
    if not prefix:
        return name
    return f"[{prefix} {name[1:]}" if name.startswith("[") else f"[{prefix}] {name}"


def stamp(seconds: float) -> str:
    """Seconds since a step began, always five characters wide while it can be."""
    places = 3 if seconds < 10 else 2 if seconds < 100 else 1
    return f"{seconds:.{places}f}"


def size(count: int) -> str:
    """Bytes in decimal units, `1.23MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{count}B" if unit == "B" else f"{value:.2f}{unit}"
