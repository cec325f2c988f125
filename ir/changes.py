"""What differs between two plans, as renderers and programs get it."""

from __future__ import annotations

from bakec.ir.records import Enum, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Action(Enum):
    """The values are the symbols shown to people."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"
    RENAMED = ">"


class Effect(Enum):
    """What a change means for whoever runs the plan."""

    REBUILDS = "runs build steps again"
    PUBLISHES = "changes what is published"
    PRIVILEGE = "needs a new privilege"
    SECRET = "needs a new secret"
    PLATFORM = "builds for a new platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value of a target. `old` and `new` are JSON values, None for absent. `reasons` say what made the new one,
    or for one that is gone where it stood."""

    path: str
    old: Any
    new: Any
    reasons: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDiff:
    """A target that differs. `was` is its former name if it was renamed; `same` counts its values that are equal."""

    name: str
    action: Action
    changes: tuple[Change, ...] = ()
    was: str = ""
    same: int = 0

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every effect of its changes once, in the order of the enumeration."""
        found = {effect for change in self.changes for effect in change.effects}
        return tuple([effect for effect in Effect if effect in found])


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableChange:
    """A variable whose value or source differs. `where` is where the new value comes from."""

    name: str
    old: str | None
    new: str | None
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """Everything that differs; `same` counts the targets that do not."""

    targets: tuple[TargetDiff, ...] = ()
    groups: tuple[Change, ...] = ()
    variables: tuple[VariableChange, ...] = ()
    same: int = 0

    @property
    def empty(self) -> bool:
        return not (self.targets or self.groups or self.variables)

    def count(self, action: Action) -> int:
        return sum(target.action is action for target in self.targets)
