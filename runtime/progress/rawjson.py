"""Progress for programs: one JSON object a line for each message of a daemon, with the field names of the
reference."""

from __future__ import annotations

import base64
import json

from bakec.runtime.buildkit.proto.control_pb2 import VertexLog
from bakec.runtime.metadata import warning
from bakec.runtime.progress.trace import with_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from google.protobuf.timestamp_pb2 import Timestamp

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse

ALWAYS = frozenset(("id", "current", "data", "timestamp"))
"""Keys that are there even with nothing in them."""


class RawJson:
    def __init__(self, stream: TextIO, masks: tuple[bytes, ...]) -> None:
        self._stream = stream
        self._masks = masks
        self._owners: dict[str, str] = {}
        self._held: dict[str, VertexLog] = {}

    def update(self, prefix: str, response: StatusResponse) -> None:
        ended = [vertex.digest for vertex in response.vertexes if vertex.HasField("completed")]
        self._write(
            vertexes=[self._vertex(prefix, each) for each in response.vertexes],
            statuses=[_status(each) for each in response.statuses],
            logs=[_log(each) for each in (*self._masked(response.logs), *self._released(ended))],
            warnings=[warning(each) for each in response.warnings],
        )

    def introduce(self, digest: str, owner: str, place: str) -> None:
        del place  # the reference has no word for it
        self._owners.setdefault(digest, owner)

    def tick(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._write(logs=[_log(each) for each in self._released(list(self._held))])
        self._stream.flush()

    def _write(self, **document: object) -> None:
        kept = _kept(document)
        if kept:
            self._stream.write(json.dumps(kept, separators=(",", ":")) + "\n")

    def _vertex(self, prefix: str, vertex: Any) -> dict[str, object]:
        return _kept(
            {
                "digest": vertex.digest,
                "inputs": list(vertex.inputs),
                "name": with_prefix(self._owners.setdefault(vertex.digest, prefix), vertex.name),
                "started": _time(vertex, "started"),
                "completed": _time(vertex, "completed"),
                "cached": vertex.cached,
                "error": self._clean(vertex.error.encode()).decode(errors="replace"),
                "progressGroup": _group(vertex.progressGroup) if vertex.HasField("progressGroup") else {},
            }
        )

    def _masked(self, logs: Any) -> Iterator[VertexLog]:
        """A message may end in the middle of a secret: what could be the beginning of one waits for the next."""
        for log in logs:
            before = self._held.pop(log.vertex, None)
            text = self._clean((before.msg if before else b"") + log.msg)
            size = max((_overlap(text, mask) for mask in self._masks), default=0)
            if size:
                held = self._held[log.vertex] = VertexLog()
                held.CopyFrom(log)
                held.msg = text[-size:]
            if len(text) > size:
                shown = VertexLog()
                shown.CopyFrom(log)
                shown.msg = text[: len(text) - size]
                yield shown

    def _released(self, vertices: list[str]) -> Iterator[VertexLog]:
        """What was held back of steps that will say no more."""
        yield from (self._held.pop(digest) for digest in vertices if digest in self._held)

    def _clean(self, text: bytes) -> bytes:
        for mask in self._masks:
            text = text.replace(mask, b"***")
        return text


def _overlap(text: bytes, mask: bytes) -> int:
    """How many bytes at the end of `text` are the beginning of `mask`."""
    sizes = range(min(len(text), len(mask) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(mask[:size])), 0)


def _group(group: Any) -> dict[str, object]:
    return _kept({"id": group.id, "name": group.name, "weak": group.weak})


def _log(log: VertexLog) -> dict[str, object]:
    return _kept(
        {
            "vertex": log.vertex,
            "stream": log.stream,
            "data": base64.b64encode(log.msg).decode(),
            "timestamp": _time(log, "timestamp"),
        }
    )


def _status(status: Any) -> dict[str, object]:
    return _kept(
        {
            "id": status.ID,
            "vertex": status.vertex,
            "name": status.name,
            "total": status.total,
            "current": status.current,
            "timestamp": _time(status, "timestamp"),
            "started": _time(status, "started"),
            "completed": _time(status, "completed"),
        }
    )


def _time(message: Any, name: str) -> str:
    """RFC 3339 with as many digits as there are; empty where there is no time."""
    if not message.HasField(name):
        return ""
    value: Timestamp = getattr(message, name)
    whole, _, rest = value.ToJsonString().removesuffix("Z").partition(".")
    digits = rest.rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def _kept(values: dict[str, Any]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value or key in ALWAYS}
