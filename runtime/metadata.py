"""The metadata file: what the exporters said of each target, in the reference's shape."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping

from bakec.ir.codes.run import METADATA_FILE
from bakec.ir.diagnostics import fail
from bakec.runtime.exports import TRUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bakec.runtime.buildkit.proto.control_pb2 import VertexWarning
    from bakec.runtime.buildkit.proto.ops_pb2 import Position
    from bakec.runtime.results import JobResult

ANSWER = "result.json"
"""The key of what a frontend answers to a question."""


def check(path: Path) -> None:
    """Before the run: a file that cannot be written should not show after it. Raises `Failed`."""
    if not path.absolute().parent.is_dir():
        reason = f"stat {path.parent}: no such file or directory"
        raise fail(METADATA_FILE.at(None, reason=reason))


def render(jobs: Sequence[JobResult], env: Mapping[str, str]) -> str:
    """Two spaces, names sorted, no line feed at the end. Warnings are in it where the environment asks for them."""
    from bakec.ir import gojson

    document: dict[str, object] = {
        job.target: {key: _decode(key, value) for key, value in sorted(job.response.items())} for job in jobs
    }
    warnings = [each for job in jobs for each in job.warnings]
    if warnings and env.get("BUILDX_METADATA_WARNINGS", "") in TRUE:
        document["buildx.build.warnings"] = warnings
    return gojson.dumps(dict(sorted(document.items())), indent=2)


def warning(found: VertexWarning) -> dict[str, object]:
    """A warning as the reference writes it: bytes in base64, nothing that is empty."""
    info = {
        "filename": found.info.filename,
        "data": _base64(found.info.data),
        "language": found.info.language,
    }
    places = [{"start": _position(each.start), "end": _position(each.end)} for each in found.ranges]
    values = {
        "vertex": found.vertex,
        "level": found.level,
        "short": _base64(found.short),
        "detail": [_base64(line) for line in found.detail],
        "url": found.url,
        "sourceInfo": {key: value for key, value in info.items() if value},
        "range": places,
    }
    return {key: value for key, value in values.items() if value}


def _position(found: Position) -> dict[str, int]:
    return {key: value for key, value in (("line", found.line), ("character", found.character)) if value}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(path: Path, jobs: Sequence[JobResult], env: Mapping[str, str]) -> None:
    """At once or not at all, mode 0644."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(render(jobs, env))
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise fail(METADATA_FILE.at(None, reason=error)) from error


def _decode(key: str, value: str) -> object:
    """A value that is JSON in base64 is shown as what it is, others stay text; `ANSWER` is plain JSON."""
    try:
        found = json.loads(value if key == ANSWER else base64.b64decode(value, validate=True))
    except (ValueError, binascii.Error):
        return value
    is_list = isinstance(found, list) and all(isinstance(item, Mapping) for item in found)
    return found if found and (isinstance(found, Mapping) or is_list) else value
