"""What the schedule knows of a run, for displays that show more than the steps of builds."""

from __future__ import annotations

from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

WORDS: Final = {"solving": "is read", "building": "is built", "finishing": "is exported"}
"""Phases of work, as they are shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """`since` is the monotonic time at which it began."""

    name: str
    phase: str
    since: float


@dataclass(frozen=True, slots=True)
class Board:
    """The targets of a run by what they are at, and the slots in use; `limit` 0 is no limit."""

    targets: tuple[Target, ...] = ()
    waiting: int = 0
    ended: int = 0
    slots: int = 0
    limit: int = 0

    def working(self) -> Iterator[Target]:
        """Those that have a name of their own in what is shown: with a single target, nobody has."""
        if len(self.targets) + self.waiting + self.ended > 1:
            yield from self.targets

    def summary(self) -> str:
        """Of several targets, how many are where."""
        count = len(self.targets) + self.waiting + self.ended
        if count < 2:
            return ""
        slots = f"  slots {self.slots}/{self.limit}" if self.limit else ""
        return f"  targets: {self.ended} ended, {len(self.targets)} at work, {self.waiting} waiting{slots}"
