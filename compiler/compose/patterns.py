"""Tables by path: `services.*.build.args` leads to what is done there.

A table is compiled to a tree that a walk over a document follows step by step, so that a walk costs nothing where
the table says nothing. `*` is any key or any element of a list.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(slots=True)
class Pattern(Generic[T]):
    """What a table says at one path, and below it."""

    action: T | None = None
    below: dict[str, Pattern[T]] = field(default_factory=dict)

    def step(self, key: str) -> Pattern[T] | None:
        return self.below.get(key) or self.below.get("*")

    def at(self, path: str) -> Pattern[T] | None:
        """The pattern at a dotted path."""
        pattern: Pattern[T] | None = self
        for key in path.split("."):
            pattern = pattern.step(key) if pattern else None
        return pattern


def compiled(rows: Mapping[str, T]) -> Pattern[T]:
    root: Pattern[T] = Pattern()
    for path, action in rows.items():
        pattern = root
        for key in path.split("."):
            pattern = pattern.below.setdefault(key, Pattern())
        pattern.action = action
    return root
