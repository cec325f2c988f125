"""How a run shows on a terminal or in a log: the choice, and what every display can do."""

from __future__ import annotations

import os

from bakec.ir.static import Protocol
from bakec.runtime.progress.board import Board
from bakec.runtime.progress.trace import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse

TICK = 0.15
"""Seconds between two looks at what has changed."""


class Display(Protocol):
    def introduce(self, digest: str, owner: str, place: str) -> None:
        """A step that may come belongs to the target `owner` (empty when there is only one), whoever else has it in
        its build, and was made from `place`, a line of a Dockerfile. Who speaks first is right."""
        ...

    def update(self, prefix: str, response: StatusResponse) -> None:
        """Something has happened in the build of the target `prefix` (empty when there is only one)."""
        ...

    def tick(self) -> None:
        """Show what has changed. Called every `TICK` seconds, and once at the end."""
        ...

    def close(self) -> None:
        """The end; may be called again."""
        ...


class Guarded:
    """A display that cannot write any more, since a disk is full or its reader gone, shows nothing. Builds go on."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def introduce(self, digest: str, owner: str, place: str) -> None:
        self._display.introduce(digest, owner, place)

    def update(self, prefix: str, response: StatusResponse) -> None:
        self._do(lambda: self._display.update(prefix, response))

    def tick(self) -> None:
        self._do(self._display.tick)

    def close(self) -> None:
        self._do(self._display.close)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError:
            self._display = Quiet()


class Quiet:
    """Shows nothing."""

    def introduce(self, digest: str, owner: str, place: str) -> None:
        del digest, owner, place

    def update(self, prefix: str, response: StatusResponse) -> None:
        del prefix, response

    def tick(self) -> None:
        return

    def close(self) -> None:
        return


def make_display(
    mode: str,
    stream: TextIO,
    masks: tuple[bytes, ...],
    *,
    heading: str = "",
    look: Callable[[], Board] = Board,
) -> Display:
    """`auto` is `tty` on a terminal that can be drawn on and `plain` elsewhere. Only the display that is used is
    imported."""
    if mode == "auto":
        mode = "tty" if stream.isatty() and os.environ.get("TERM") != "dumb" else "plain"
    if mode == "quiet":
        return Quiet()
    if mode == "rawjson":
        from bakec.runtime.progress.rawjson import RawJson

        return RawJson(stream, masks)
    if mode == "tty":
        from bakec.runtime.progress.tty import Tty

        return Tty(stream, Trace(masks), look)
    from bakec.runtime.progress.plain import Plain

    return Plain(stream, Trace(masks), heading)
