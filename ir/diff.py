"""What changes between two plans, and why: a record for renderers to print."""

from __future__ import annotations

from functools import cache

from bakec.ir.changes import Action, Change, Effect, PlanDiff, TargetDiff, VariableChange
from bakec.ir.fields import FIELDS, Kind
from bakec.ir.jobdiff import Builds
from bakec.ir.records import column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from bakec.ir.plan import InputVariable, OriginRecord, Plan, Target


def diff(old: Plan, new: Plan) -> PlanDiff:
    """What changes from `old` to `new`: targets by name, and those without a partner by content."""
    work = _Comparison(old, new)
    before: dict[str, Target] = {target.name: target for target in old.targets}
    after: dict[str, Target] = {target.name: target for target in new.targets}
    gone = {name: target for name, target in before.items() if name not in after}
    come = {name: target for name, target in after.items() if name not in before}
    partners = dict(_partners(gone, come))
    kept = [work.changed(before[name], target) for name, target in after.items() if name in before]
    renamed = [work.changed(before[was], after[name]) for name, was in partners.items()]
    moved = set(partners.values())
    removed = [work.removed(target) for name, target in gone.items() if name not in moved]
    added = [work.added(target) for name, target in come.items() if name not in partners]
    differing = [one for one in (*kept, *renamed) if one is not None]
    return PlanDiff(
        targets=tuple(sorted((*differing, *removed, *added), key=lambda one: one.name)),
        groups=tuple(_groups(old, new)),
        variables=tuple(work.causes.changed()),
        same=kept.count(None),
    )


def _groups(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = _members(old), _members(new)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(path=name, old=before.get(name), new=after.get(name))


def _members(plan: Plan) -> dict[str, list[str]]:
    """The members of each group. `default` repeats what was asked for, which is no property of the group."""
    asked = set(plan.requested)
    found = {
        group.name: sorted(set(group.targets) - asked if group.name == "default" else group.targets)
        for group in plan.groups
    }
    return {name: members for name, members in found.items() if members or name != "default"}


# --- partners -------------------------------------------------------------------------------------------------

_ALIKE: Final = 0.7
"""Two targets of different names are one that was renamed if this share of their values is equal."""
_PAIRS: Final = 100_000
"""So many pairs are compared at most: renaming thousands of targets at once is a new plan."""


def _partners(gone: Mapping[str, Target], come: Mapping[str, Target]) -> Iterator[tuple[str, str]]:
    """New name and old name of the targets that were renamed: equal content first, then the most alike."""
    by_content: dict[str, list[str]] = {}
    for name, target in gone.items():
        by_content.setdefault(_key(target.view), []).append(name)
    left = dict(gone)
    rest: dict[str, Target] = {}
    for name, target in come.items():
        equals = by_content.get(_key(target.view))
        if equals:
            was = equals.pop(0)
            del left[was]
            yield name, was
        else:
            rest[name] = target
    if left and len(left) * len(rest) <= _PAIRS:
        yield from _most_alike(left, rest)


def _most_alike(gone: Mapping[str, Target], come: Mapping[str, Target]) -> Iterator[tuple[str, str]]:
    before = {name: set(_leaves(target.view)) for name, target in gone.items()}
    after = {name: set(_leaves(target.view)) for name, target in come.items()}
    scores = [
        (2 * len(old & new) / (len(old) + len(new)), name, was)
        for name, new in after.items()
        for was, old in before.items()
        if 2 * len(old & new) > _ALIKE * (len(old) + len(new))
    ]
    used: set[tuple[int, str]] = set()
    for _, name, was in sorted(scores, key=lambda one: (-one[0], one[1], one[2])):
        if (0, was) not in used and (1, name) not in used:
            used |= {(0, was), (1, name)}
            yield name, was


def _leaves(view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every value of a target that is no default, order left out."""
    for name, value in _set(view):
        for path, _, item in _parts(name, None, value):
            yield path.partition("[")[0], _key(item)


def _set(view: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The attributes that differ from what every target has."""
    return ((name, view[name]) for name in FIELDS if name in view and _DEFAULTS.get(name) != view[name])


_DEFAULTS: Final = {"context": ".", "dockerfile": "Dockerfile"}


# --- one target -----------------------------------------------------------------------------------------------


class _Comparison:
    """Two plans, and how a target of one becomes that of the other."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.causes = _Causes(old, new)
        self._builds = Builds(old, new)

    def changed(self, old: Target, new: Target) -> TargetDiff | None:
        """A target that is in both plans; None if it is equal and has its name still."""
        differing = _differing(old.view, new.view)
        changes = [
            self._change(name, path, left, right, old, new)
            for name in differing
            for path, left, right in _parts(name, old.view.get(name), new.view.get(name))
        ]
        shown = [change.path for change in changes]
        builds = self._builds.between(old.name, new.name, differing, shown)
        if not changes and not builds and old.name == new.name:
            return None
        return TargetDiff(
            name=new.name,
            action=Action.CHANGED if old.name == new.name else Action.RENAMED,
            changes=(*changes, *builds),
            was="" if old.name == new.name else old.name,
            same=_count(new.view) - sum(change.new is not None for change in changes) if changes else 0,
        )

    def added(self, target: Target) -> TargetDiff:
        changes = (
            self._change(name, path, None, right, None, target)
            for name, value in _set(target.view)
            for path, _, right in _parts(name, None, value)
        )
        return TargetDiff(name=target.name, action=Action.ADDED, changes=tuple(changes))

    def removed(self, target: Target) -> TargetDiff:
        changes = (
            Change(path=path.partition("[")[0], old=left, new=None)
            for name, value in _set(target.view)
            for path, _, left in _parts(name, None, value)
        )
        return TargetDiff(name=target.name, action=Action.REMOVED, changes=tuple(changes))

    def _change(self, name: str, path: str, old: Any, new: Any, was: Target | None, now: Target) -> Change:
        if new is None:
            reasons = self.causes.gone(was.origins, path) if was else ()
            path = path.partition("[")[0]
        else:
            reasons = self.causes.of(now.origins.get(path))
        return Change(path=path, old=old, new=new, reasons=reasons, effects=_effects(name, was is None, new is None))


_NEEDS: Final = {
    "entitlements": Effect.PRIVILEGE,
    "ssh": Effect.PRIVILEGE,
    "secret": Effect.SECRET,
    "platforms": Effect.PLATFORM,
}


@cache
def _effects(name: str, is_added: bool, is_gone: bool) -> tuple[Effect, ...]:
    """What one change means. That an added target is built and published goes without saying."""
    found: list[Effect] = []
    if not is_added and FIELDS[name].rebuilds:
        found.append(Effect.REBUILDS)
    if not is_added and FIELDS[name].publishes:
        found.append(Effect.PUBLISHES)
    if not is_gone and name in _NEEDS and not (is_added and name == "platforms"):
        found.append(_NEEDS[name])
    return tuple(found)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The attributes whose values differ, in the order of the table."""
    if old == new:
        return []
    return sorted([name for name in _unequal(old, new) if name in FIELDS], key=_PLACES_OF_FIELDS.__getitem__)


_PLACES_OF_FIELDS: Final = {name: at for at, name in enumerate(FIELDS)}


def _unequal(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ."""
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _count(view: Mapping[str, Any]) -> int:
    return sum([len(value) if isinstance(value, _SEVERAL) else 1 for value in view.values()])


_SEVERAL: Final = (list, dict)


def _parts(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The differences of one attribute, taken apart: paths as in `Target.origins`, of what is gone the old one."""
    kind = FIELDS[name].kind
    if kind in (Kind.MAP, Kind.RESOURCES) and isinstance(old, _MAP) and isinstance(new, _MAP):
        before, after = old or {}, new or {}
        for key in sorted(_unequal(before, after)):
            yield f"{name}.{key}", before.get(key), after.get(key)
    elif kind in (Kind.LIST, Kind.ENTRIES) and isinstance(old, _LIST) and isinstance(new, _LIST):
        yield from _list_parts(name, old or [], new or [])
    else:
        yield name, old, new


_MAP: Final = (dict, type(None))
_LIST: Final = (list, type(None))
"""A plan may come from anywhere: its view need not have the shapes of the table."""


def _list_parts(name: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Items that went and came, an old one beside the new one of the same stem; order alone counts where it means
    something."""
    gone, come = _without(old, new), _without(new, old)
    if not gone and not come:
        if FIELDS[name].ordered:
            yield name, old, new
        return
    partners = _successors(name, gone, come)
    for at, item in come:
        yield f"{name}[{at}]", old[partners[at]] if at in partners else None, item
    taken = set(partners.values())
    yield from ((f"{name}[{at}]", item, None) for at, item in gone if at not in taken)


def _successors(name: str, gone: list[tuple[int, Any]], come: list[tuple[int, Any]]) -> dict[int, int]:
    """Key of a new item to that of the old one it takes the place of: one of its shape, else one of its stem."""
    stem = _stem(name)
    if len(gone) == len(come) == 1:  # as most often: what follows would find the same in five times the time
        (was, old), (at, new) = *gone, *come
        return {at: was} if stem(old) == stem(new) or _shape(old) == _shape(new) else {}
    partners = _pairs(gone, come, _shape)
    taken = set(partners.values())
    left = [pair for pair in gone if pair[0] not in taken]
    return partners | _pairs(left, [pair for pair in come if pair[0] not in partners], stem)


def _pairs(
    gone: Iterable[tuple[int, Any]], come: Iterable[tuple[int, Any]], alike: Callable[[Any], Any]
) -> dict[int, int]:
    """Key of a new item to that of an old one where they are the only two that are alike."""
    before: dict[Any, list[int]] = {}
    after: dict[Any, list[int]] = {}
    for key, item in gone:
        before.setdefault(alike(item), []).append(key)
    for key, item in come:
        after.setdefault(alike(item), []).append(key)
    return {keys[0]: before[one][0] for one, keys in after.items() if len(keys) == 1 and len(before.get(one, ())) == 1}


def _shape(item: Any) -> str:
    """An item without its numbers: `app:1.24-alpine` and `app:1.25-alpine` have one shape."""
    shape = _key(item).translate(_NO_DIGITS)
    while "\0\0" in shape:
        shape = shape.replace("\0\0", "\0")
    return shape


_NO_DIGITS: Final = dict.fromkeys(map(ord, "0123456789"), "\0")


def _without(items: Sequence[Any], others: Iterable[Any]) -> list[tuple[int, Any]]:
    """The items, with their places, that `others` does not hold as often."""
    left: dict[str, int] = {}
    for key in map(_key, others):
        left[key] = left.get(key, 0) + 1
    found: list[tuple[int, Any]] = []
    for at, item in enumerate(items):
        key = _key(item)
        if left.get(key, 0) > 0:
            left[key] -= 1
        else:
            found.append((at, item))
    return found


def _stem(name: str) -> Callable[[Any], Any]:
    """What stays the same when an item of the attribute changes: the repository of a tag, the type of an output."""
    field = FIELDS[name]
    if field.kind is Kind.ENTRIES:
        key = field.key or "type"
        return lambda item: _key(item.get(key)) if isinstance(item, dict) else ""
    if name == "tags":
        return lambda item: str(item).rpartition(":")[0] or str(item)
    return lambda item: str(item).partition("=")[0]


def _key(item: Any) -> str:
    if isinstance(item, str):
        return item
    import json

    return json.dumps(item, sort_keys=True)


# --- causes ---------------------------------------------------------------------------------------------------

_OUTSIDE: Final = ("environment", "--var", "--set", ".env")
_PLACES: Final = 3
"""So many places are named at most: more is no reason but a listing."""


class _Causes:
    """Why values of the new plan are what they are: the changed variables behind them, else the places that say so."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.old = old
        self.new = new
        self._old_variables = {variable.name: variable for variable in old.variables}
        self._new_variables = {variable.name: variable for variable in new.variables}
        self._changed = {
            name
            for name, variable in self._new_variables.items()
            if _meaning(self._old_variables.get(name)) != _meaning(variable)
        }
        self._behind = _behind(new.origins, self._changed)
        self._found: dict[int | tuple[str, ...], tuple[str, ...]] = {}

    def of(self, index: int | None) -> tuple[str, ...]:
        """The reasons of a value of the new plan by its origin."""
        if index is None:
            return ()
        key = self._behind.get(index, index)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(self._reasons(key))[:_PLACES]
        return found

    def gone(self, origins: Mapping[str, int], path: str) -> tuple[str, ...]:
        """Where a value that only the old plan has stood."""
        index = origins.get(path)
        if index is None:
            return ()
        return tuple(f"was {place}" for place in _places(self.old.origins, index))[:1]

    def _reasons(self, key: int | tuple[str, ...]) -> Iterable[str]:
        if isinstance(key, int):
            return _places(self.new.origins, key)
        return (f"variable {name}, {self.where(name)}" for name in key)

    def where(self, name: str) -> str:
        """Where the new value of a variable comes from: its source and, for a default, the place."""
        variable = self._new_variables[name]
        if "default" not in variable.source and "attribute" not in variable.source:
            return variable.source
        places = () if variable.origin is None else (self.new.origins[variable.origin],)
        return next((f"{one.file}:{one.line}" for one in places if one.file), variable.source)

    def changed(self) -> Iterable[VariableChange]:
        for name in sorted({*self._old_variables, *self._new_variables}):
            old, new = self._old_variables.get(name), self._new_variables.get(name)
            if _meaning(old) != _meaning(new):
                yield VariableChange(
                    name=name,
                    old=old.value if old else None,
                    new=new.value if new else None,
                    where=self.where(name) if new else "",
                )


def _meaning(variable: InputVariable | None) -> tuple[str, str] | None:
    return None if variable is None else (variable.value, variable.source)


def _behind(origins: Sequence[OriginRecord], changed: Collection[str]) -> dict[int, tuple[str, ...]]:
    """The changed variables that went into each origin, the first few in source order; nothing where there are none."""
    found: dict[int, tuple[str, ...]] = {}
    if not changed:
        return found
    columns = (column(origins, name) for name in ("kind", "name", "inputs"))
    for at, (kind, name, inputs) in enumerate(zip(*columns, strict=True)):
        names = [name] if name in changed and kind in ("variable", "global attribute") else []
        for one in inputs:
            names += found.get(one, ())
        if names:
            found[at] = tuple(dict.fromkeys(names))[:_PLACES]
    return found


def _chain(origins: Sequence[OriginRecord], index: int) -> Iterator[int]:
    """`index` and all that went into it, each once, in source order."""
    seen: set[int] = set()
    stack = [index]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            yield at
            stack.extend(reversed(origins[at].inputs))


def _places(origins: Sequence[OriginRecord], index: int) -> Iterator[str]:
    """The flags, environment variables and lines at the ends of the chain, with the target that gave the value."""
    giver = f" in {origins[index].name}" if origins[index].kind == "inherited" else ""
    found: dict[str, None] = {}
    for at in _chain(origins, index):
        record = origins[at]
        if record.kind in _OUTSIDE:
            found[f"{record.kind} {record.name}"] = None
        elif record.file and not record.inputs:
            call = f"{record.name}() " if record.kind == "call" else ""
            found[f"{call}{record.file}:{record.line}{giver}"] = None
    yield from found
