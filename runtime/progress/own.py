"""Steps of the client's own, shown like those of the daemon."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexStatus

Watcher = Callable[[StatusResponse], None]


class OwnStep:
    def __init__(self, name: str, watch: Watcher) -> None:
        self._watch = watch
        self._vertex = Vertex(digest="sha256:" + hashlib.sha256(secrets.token_bytes()).hexdigest(), name=name)
        self._vertex.started.FromNanoseconds(time.time_ns())
        self._watch(StatusResponse(vertexes=[self._vertex]))

    def show(self, message: Mapping[str, object]) -> None:
        """One message of a Docker Engine about one layer of an image that it pushes."""
        progress, layer = message.get("progressDetail"), message.get("id")
        is_pushed = message.get("status") == "Pushed"
        if not layer or not (progress or is_pushed):
            return
        status = VertexStatus(ID=f"pushing layer {layer}", vertex=self._vertex.digest)
        if isinstance(progress, dict):
            status.current, status.total = int(progress.get("current") or 0), int(progress.get("total") or 0)
        status.timestamp.FromNanoseconds(time.time_ns())
        status.started.CopyFrom(self._vertex.started)
        if is_pushed:
            status.completed.CopyFrom(status.timestamp)
        self._watch(StatusResponse(statuses=[status]))

    def end(self, error: str = "") -> None:
        self._vertex.completed.FromNanoseconds(time.time_ns())
        self._vertex.error = error
        self._watch(StatusResponse(vertexes=[self._vertex]))


@contextmanager
def shown(name: str, watch: Watcher) -> Iterator[OwnStep]:
    """A step that ends with the block, and fails with what is raised in it."""
    step = OwnStep(name, watch)
    try:
        yield step
    except Exception as error:
        step.end(str(error))
        raise
    step.end()
