"""Progress for programs: one JSON object a line for each message of a daemon, with the field names of the
reference."""

import base64
import json
from typing import TYPE_CHECKING, Any, TextIO

from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse
from bakec.runtime.progress.trace import with_prefix

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp


class RawJson:
    def __init__(self, stream: TextIO, masks: tuple[bytes, ...]) -> None:
        self._stream = stream
        self._masks = masks

    def update(self, prefix: str, response: StatusResponse) -> None:
        document = {
            "vertexes": [self._vertex(prefix, each) for each in response.vertexes],
            "statuses": [_status(each) for each in response.statuses],
            "logs": [self._log(each) for each in response.logs],
            "warnings": [_warning(each) for each in response.warnings],
        }
        kept = _kept(document)
        if kept:
            self._stream.write(json.dumps(kept, separators=(",", ":")) + "\n")

    def tick(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _vertex(self, prefix: str, vertex: Any) -> dict[str, object]:
        return _kept(
            {
                "digest": vertex.digest,
                "inputs": list(vertex.inputs),
                "name": with_prefix(prefix, vertex.name),
                "started": _time(vertex, "started"),
                "completed": _time(vertex, "completed"),
                "cached": vertex.cached,
                "error": self._clean(vertex.error.encode()).decode(errors="replace"),
            }
        )

    def _log(self, log: Any) -> dict[str, object]:
        return _kept(
            {
                "vertex": log.vertex,
                "stream": log.stream,
                "data": base64.b64encode(self._clean(log.msg)).decode(),
                "timestamp": _time(log, "timestamp"),
            }
        )

    def _clean(self, text: bytes) -> bytes:
        for mask in self._masks:
            text = text.replace(mask, b"***")
        return text


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


def _warning(warning: Any) -> dict[str, object]:
    return _kept(
        {
            "vertex": warning.vertex,
            "level": warning.level,
            "short": base64.b64encode(warning.short).decode(),
            "detail": [base64.b64encode(line).decode() for line in warning.detail],
            "url": warning.url,
        }
    )


def _time(message: Any, name: str) -> str:
    if not message.HasField(name):
        return ""
    value: Timestamp = getattr(message, name)
    return value.ToJsonString()


def _kept(values: dict[str, Any]) -> dict[str, object]:
    """Without what is empty, except `current`, which has a meaning at zero."""
    return {key: value for key, value in values.items() if value or key == "current"}
