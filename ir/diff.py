"""What changes between two plans, and why: a record for renderers to print."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bakec.ir.fields import FIELDS, Kind
from bakec.ir.plan import InputVariable, Plan, Target


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
    """One value of a target. `old` and `new` are JSON values, None for absent. `reasons` say what made the new one."""

    path: str
    old: Any
    new: Any
    reasons: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDiff:
    """A target that differs. `was` is its former name if it was renamed."""

    name: str
    action: Action
    changes: tuple[Change, ...] = ()
    was: str = ""


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


def diff(old: Plan, new: Plan) -> PlanDiff:
    """What changes from `old` to `new`: targets by name, and those without a partner by content."""
    before = {target.name: target for target in old.targets}
    after = {target.name: target for target in new.targets}
    causes = _Causes(old, new)
    differing = [
        TargetDiff(name=name, action=Action.CHANGED, changes=changes)
        for name in before
        if name in after and (changes := tuple(_changes(before[name], after[name], causes)))
    ]
    both = sum(name in after for name in before)
    gone = {name: target for name, target in before.items() if name not in after}
    come = {name: target for name, target in after.items() if name not in before}
    renamed = list(_renamed(gone, come))
    taken = {diff.was for diff in renamed} | {diff.name for diff in renamed}
    removed = (TargetDiff(name=name, action=Action.REMOVED) for name in gone if name not in taken)
    added = (
        TargetDiff(name=name, action=Action.ADDED, changes=tuple(_whole(target, causes)))
        for name, target in come.items()
        if name not in taken
    )
    return PlanDiff(
        targets=tuple(sorted((*differing, *renamed, *removed, *added), key=lambda one: one.name)),
        groups=tuple(_groups(old, new)),
        variables=tuple(causes.changed()),
        same=both - len(differing),
    )


def _renamed(gone: Mapping[str, Target], come: Mapping[str, Target]) -> Iterator[TargetDiff]:
    """Targets of equal content under another name, each used once."""
    by_content: dict[str, list[str]] = {}
    for name, target in gone.items():
        by_content.setdefault(_content(target), []).append(name)
    for name, target in come.items():
        partners = by_content.get(_content(target))
        if partners:
            yield TargetDiff(name=name, action=Action.RENAMED, was=partners.pop(0))


def _content(target: Target) -> str:
    return json.dumps(target.view, sort_keys=True)


# --- one target -----------------------------------------------------------------------------------------------


def _changes(old: Target, new: Target, causes: "_Causes") -> Iterator[Change]:
    for name in FIELDS:
        before, after = old.view.get(name), new.view.get(name)
        if before != after:
            for path, left, right in _parts(name, before, after):
                yield _change(name, path, left, right, new, causes)


def _whole(target: Target, causes: "_Causes") -> Iterator[Change]:
    for name, value in target.view.items():
        for path, _, right in _parts(name, None, value):
            yield _change(name, path, None, right, target, causes)


def _change(name: str, path: str, old: Any, new: Any, target: Target, causes: "_Causes") -> Change:
    reasons = causes.of(target.origins.get(path)) if new is not None else ()
    return Change(path=path, old=old, new=new, reasons=reasons, effects=tuple(_effects(name, old, new)))


def _effects(name: str, old: Any, new: Any) -> Iterator[Effect]:
    field = FIELDS[name]
    if field.rebuilds:
        yield Effect.REBUILDS
    if field.publishes:
        yield Effect.PUBLISHES
    if new is not None and old is None:
        extra = {"entitlements": Effect.PRIVILEGE, "secret": Effect.SECRET, "platforms": Effect.PLATFORM}
        if name in extra:
            yield extra[name]


def _parts(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The differences of one attribute, taken apart: paths as in `Target.origins`."""
    kind = FIELDS[name].kind
    if kind in (Kind.MAP, Kind.RESOURCES):
        before, after = old or {}, new or {}
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield f"{name}.{key}", before.get(key), after.get(key)
    elif kind in (Kind.LIST, Kind.ENTRIES):
        yield from _list_parts(name, old or [], new or [])
    else:
        yield name, old, new


def _list_parts(name: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    if FIELDS[name].ordered and sorted(map(_key, old)) == sorted(map(_key, new)):
        yield name, old, new
        return
    left_over = [_key(item) for item in new]
    gone = []
    for item in old:
        if _key(item) in left_over:
            left_over.remove(_key(item))
        else:
            gone.append(item)
    come = [(at, item) for at, item in enumerate(new) if _take(left_over, _key(item))]
    for at, item in come:
        yield f"{name}[{at}]", gone.pop(0) if gone else None, item
    for item in gone:
        yield name, item, None


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _take(items: list[str], item: str) -> bool:
    if item in items:
        items.remove(item)
        return True
    return False


def _groups(old: Plan, new: Plan) -> Iterator[Change]:
    before = {group.name: sorted(group.targets) for group in old.groups}
    after = {group.name: sorted(group.targets) for group in new.groups}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(path=name, old=before.get(name), new=after.get(name))


# --- causes ---------------------------------------------------------------------------------------------------


class _Causes:
    """Why values of the new plan are what they are: the changed variables behind them, else the places that say so."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.new = new
        self._old_variables = {variable.name: variable for variable in old.variables}
        self._new_variables = {variable.name: variable for variable in new.variables}
        self._found: dict[int, tuple[str, ...]] = {}

    def of(self, index: int | None) -> tuple[str, ...]:
        if index is None:
            return ()
        found = self._found.get(index)
        if found is None:
            found = self._found[index] = self._reasons(index)
        return found

    def _reasons(self, index: int) -> tuple[str, ...]:
        variables: dict[str, None] = {}
        places: dict[str, None] = {}
        seen: set[int] = set()
        stack = [index]
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            record = self.new.origins[at]
            if record.kind == "variable" and self._differs(record.name):
                variables[f"variable {record.name}, {self.where(record.name)}"] = None
            elif record.kind in ("environment", "--var", "--set"):
                places[f"{record.kind} {record.name}"] = None
            elif record.file and not record.inputs:
                places[f"{record.file}:{record.line}"] = None
            stack.extend(reversed(record.inputs))
        return tuple(variables) or tuple(places)[:3]

    def _differs(self, name: str) -> bool:
        old, new = self._old_variables.get(name), self._new_variables.get(name)
        return new is not None and (old is None or (old.value, old.source) != (new.value, new.source))

    def where(self, name: str) -> str:
        """Where the new value of a variable comes from: its source and, for a default, the place."""
        variable = self._new_variables[name]
        if "default" not in variable.source and "attribute" not in variable.source:
            return variable.source
        return self._place(variable) or variable.source

    def _place(self, variable: InputVariable) -> str:
        if variable.origin is None:
            return ""
        record = self.new.origins[variable.origin]
        return f"{record.file}:{record.line}" if record.file else ""

    def changed(self) -> Iterable[VariableChange]:
        for name in sorted({*self._old_variables, *self._new_variables}):
            old, new = self._old_variables.get(name), self._new_variables.get(name)
            if old is None or new is None or (old.value, old.source) != (new.value, new.source):
                yield VariableChange(
                    name=name,
                    old=old.value if old else None,
                    new=new.value if new else None,
                    where=self.where(name) if new else "",
                )
