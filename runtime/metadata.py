"""The metadata file: what the exporters said of each target, in the reference's shape."""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bakec.ir.codes.run import METADATA_FILE
from bakec.ir.diagnostics import fail
from bakec.runtime.results import JobResult


def check(path: Path) -> None:
    """Before the run: a file that cannot be written should not show after it. Raises `Failed`."""
    if not path.absolute().parent.is_dir():
        reason = f"stat {path.parent}: no such file or directory"
        raise fail(METADATA_FILE.at(None, reason=reason))


def render(jobs: Sequence[JobResult]) -> str:
    """Two spaces, keys sorted, no line feed at the end."""
    document = {job.target: {key: decode(value) for key, value in job.response.items()} for job in jobs}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)


def write(path: Path, jobs: Sequence[JobResult]) -> None:
    """At once or not at all, mode 0644."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(render(jobs))
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise fail(METADATA_FILE.at(None, reason=error)) from error


def decode(value: str) -> object:
    """A value that is JSON in base64 is shown as what it is; others stay text."""
    try:
        found = json.loads(base64.b64decode(value, validate=True))
    except (ValueError, binascii.Error):
        return value
    is_list = isinstance(found, list) and all(isinstance(item, Mapping) for item in found)
    return found if found and (isinstance(found, Mapping) or is_list) else value
