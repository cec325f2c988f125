"""A log of each target, in a file of its own."""

from __future__ import annotations

import re
from io import StringIO

from bakec.ir.codes.run import LOG_DIR
from bakec.ir.diagnostics import fail
from bakec.runtime.progress.plain import Plain
from bakec.runtime.progress.trace import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse

UNSAFE = re.compile(r"[^\w.+-]")


class Logs:
    """`FOLDER/TARGET.log`, written anew by a run. Files are opened for a moment each: there may be more targets than a
    process may have open."""

    def __init__(self, folder: Path, masks: tuple[bytes, ...]) -> None:
        """Raises `Failed` for a folder that cannot be made."""
        self._folder = folder
        self._masks = masks
        self._shown: dict[str, tuple[StringIO, Plain]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise fail(LOG_DIR.at(None, path=folder, reason=error.strerror)) from error

    def update(self, target: str, response: StatusResponse) -> None:
        if target not in self._shown:
            stream = StringIO()
            self._shown[target] = (stream, Plain(stream, Trace(self._masks)))
            self._write(target, "w", "")
        self._shown[target][1].update("", response)

    def tick(self) -> None:
        """Write what is new. Raises `Failed`."""
        for target, (stream, plain) in self._shown.items():
            if plain.trace.changed:
                plain.tick()
            self._drain(target, stream)

    def close(self) -> None:
        for target, (stream, plain) in self._shown.items():
            plain.close()
            self._drain(target, stream)

    def _drain(self, target: str, stream: StringIO) -> None:
        text = stream.getvalue()
        if text:
            stream.seek(0)
            stream.truncate()
            self._write(target, "a", text)

    def _write(self, target: str, mode: str, text: str) -> None:
        path = self._folder / f"{UNSAFE.sub('_', target)}.log"
        try:
            with path.open(mode) as file:
                file.write(text)
        except OSError as error:
            raise fail(LOG_DIR.at(None, path=path, reason=error.strerror)) from error
