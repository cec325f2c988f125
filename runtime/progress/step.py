"""A step of the client's own, shown like those of the daemon."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import contextmanager

from bakec.ir.digests import digest_of
from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexLog, VertexStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bakec.ir.diagnostics import Diagnostic

Watcher = Callable[[StatusResponse], None]


class Step:
    """It begins when it is made. `watch` takes what a daemon would say."""

    def __init__(self, name: str, watch: Watcher) -> None:
        self._watch = watch
        self._vertex = Vertex(digest=digest_of(os.urandom(32)), name=name)
        self._vertex.started.FromNanoseconds(time.time_ns())
        self._watch(StatusResponse(vertexes=[self._vertex]))

    def item(self, name: str, current: int = 0, total: int = 0, *, is_done: bool = False, since: int = 0) -> None:
        """How far a part of it has come. `since` is the Unix time in nanoseconds when that began, if not with the
        step."""
        status = VertexStatus(ID=name, vertex=self._vertex.digest, current=current, total=total)
        status.timestamp.FromNanoseconds(time.time_ns())
        status.started.CopyFrom(self._vertex.started)
        if since:
            status.started.FromNanoseconds(since)
        if is_done:
            status.completed.CopyFrom(status.timestamp)
        self._watch(StatusResponse(statuses=[status]))

    def log(self, text: bytes) -> None:
        log = VertexLog(vertex=self._vertex.digest, stream=1, msg=text)
        log.timestamp.FromNanoseconds(time.time_ns())
        self._watch(StatusResponse(logs=[log]))

    def end(self, error: str = "") -> None:
        self._vertex.completed.FromNanoseconds(time.time_ns())
        self._vertex.error = error
        self._watch(StatusResponse(vertexes=[self._vertex]))


@contextmanager
def shown(name: str, watch: Watcher) -> Iterator[Step]:
    """A step that ends with the block, and fails with what is raised in it."""
    step = Step(name, watch)
    try:
        yield step
    except Exception as error:
        step.end(str(error))
        raise
    step.end()


class BootStep:
    """How a driver makes its daemon ready, as one step; it is shown only if there is something to be done."""

    NAME = "[internal] booting buildkit"

    def __init__(self, watch: Watcher) -> None:
        self._watch = watch
        self._step: Step | None = None
        self.warnings: list[Diagnostic] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.time_ns()
        self._begun().item(name)
        try:
            yield
        finally:
            self._begun().item(name, is_done=True, since=began)

    def say(self, text: bytes) -> None:
        self._begun().log(text)

    def warn(self, diagnostic: Diagnostic) -> None:
        self.warnings.append(diagnostic)

    def end(self, error: str = "") -> None:
        step, self._step = self._step, None
        if step is not None:
            step.end(error)

    def _begun(self) -> Step:
        if self._step is None:
            self._step = Step(self.NAME, self._watch)
        return self._step
