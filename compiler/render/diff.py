"""A plan diff as text."""

from __future__ import annotations

from itertools import groupby

from bakec.compiler.render.values import entry, shown
from bakec.ir.changes import Action, Effect
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from bakec.ir.changes import Change, PlanDiff, TargetDiff

_OF_RUNS = (Effect.REBUILDS, Effect.PUBLISHES)


def render_text(diff: PlanDiff, *, summary_only: bool = False, full: bool = False) -> Iterator[str]:
    """The lines to print; the last one is always the summary. `full` also lists what added and removed targets hold,
    and every target on its own."""
    if not summary_only:
        yield from variables(diff)
        for names, target in merged(diff.targets, full=full):
            yield from _target(names, target, full=full)
        for group in diff.groups:
            yield f"{symbol(group)} group {shown(group.path)}: {members(group)}"
        if not diff.empty:
            yield ""
    yield summary(diff)


def summary(diff: PlanDiff) -> str:
    """`1 added, 2 changed, 0 removed, 7 same`, and what that means for a run."""
    parts = [f"{diff.count(Action.ADDED)} added", f"{diff.count(Action.CHANGED)} changed"]
    if diff.count(Action.RENAMED):
        parts.append(f"{diff.count(Action.RENAMED)} renamed")
    parts += [f"{diff.count(Action.REMOVED)} removed", f"{diff.same} same"]
    found = [effect for target in diff.targets for effect in target.effects]
    counts = {effect: found.count(effect) for effect in Effect}
    notes = "; ".join(f"{count} {_plural(effect, count)}" for effect, count in counts.items() if count)
    return ", ".join(parts) + (f" ({notes})" if notes else "")


def _plural(effect: Effect, count: int) -> str:
    verb, _, rest = effect.value.partition(" ")
    return effect.value if count == 1 else f"{verb.removesuffix('s')} {rest}"


def merged(targets: Iterable[TargetDiff], *, full: bool) -> list[tuple[list[str], TargetDiff]]:
    """Targets that change in the same way, together under their names; each alone with `full`."""
    found: dict[object, tuple[list[str], TargetDiff]] = {}
    for target in targets:
        key = target.name if full or target.was else (target.action, _compared(target))
        found.setdefault(key, ([], target))[0].append(target.name)
    return list(found.values())


def _compared(target: TargetDiff) -> object:
    """What is the same of targets that change in the same way. Values are JSON, which has no hash."""
    if target.action is not Action.CHANGED:
        return target.name
    return tuple([(one.path, repr(one.old), repr(one.new), one.reasons, one.effects) for one in target.changes])


def variables(diff: PlanDiff) -> Iterator[str]:
    """One line for each variable that differs."""
    for one in diff.variables:
        mark = "+" if one.old is None else "-" if one.new is None else "~"
        where = f": {one.where}" if one.where else ""
        same = one.old == one.new
        values = f"{shown(one.new)} (as before)" if same else arrow(one.old, one.new)
        yield f"{mark} variable {one.name} {values}{where}"


def _target(names: list[str], target: TargetDiff, *, full: bool) -> Iterator[str]:
    was = f" (was {shown(target.was)})" if target.was else ""
    effects = [effect.value for effect in target.effects]
    marks = f"  [{', '.join(effects)}]" if effects else ""
    many = "targets" if len(names) > 1 else "target"
    yield f"{target.action.value} {many} {', '.join(map(shown, names))}{was}{marks}"
    if full or target.action in (Action.CHANGED, Action.RENAMED):
        for change in condensed(target.changes):
            yield f"    {symbol(change)} {line(change)}"
        if target.same:
            yield f"      ({target.same} value{'s' if target.same > 1 else ''} the same)"
    else:
        for change in target.changes:
            if change.effects:
                yield f"    {symbol(change)} {line(change)}"


def condensed(changes: Sequence[Change]) -> Iterator[Change]:
    """The changes, with items that one place added to a list side by side in one line."""
    if all(change.old is not None for change in changes):
        yield from changes
        return
    for (name, added, _), group in groupby(changes, key=_same_place):
        first, *more = group
        if not more or not added:
            yield from (first, *more)
        else:
            values = ", ".join(entry(change.new) for change in (first, *more))
            yield replace(first, path=name, new=values)


def _same_place(change: Change) -> tuple[str, bool, tuple[str, ...]]:
    name, bracket, _ = change.path.partition("[")
    return name, change.old is None and bool(bracket), change.reasons


def line(change: Change) -> str:
    """`PATH OLD -> NEW: REASONS`."""
    reasons = f": {'; '.join(change.reasons)}" if change.reasons else ""
    return f"{shown(change.path)} {arrow(change.old, change.new)}{reasons}"


def symbol(change: Change) -> str:
    return "+" if change.old is None else "-" if change.new is None else "~"


def arrow(old: Any, new: Any) -> str:
    """Both values, or the one there is."""
    if old is None:
        return entry(new)
    return entry(old) if new is None else f"{entry(old)} -> {entry(new)}"


def members(change: Change) -> str:
    """What joined a group and what left it."""
    old, new = set(change.old or ()), set(change.new or ())
    signed = [f"+{shown(name)}" for name in sorted(new - old)] + [f"-{shown(name)}" for name in sorted(old - new)]
    return " ".join(signed)


def render_json(diff: PlanDiff) -> str:
    """The whole diff as JSON; actions and effects by their lower-case names."""
    targets = [
        {
            "name": target.name,
            "action": target.action.name.lower(),
            "was": target.was,
            "same": target.same,
            "changes": [_plain(change) for change in target.changes],
        }
        for target in diff.targets
    ]
    variables = [{"name": one.name, "old": one.old, "new": one.new, "where": one.where} for one in diff.variables]
    groups = [{"name": one.path, "old": one.old, "new": one.new} for one in diff.groups]
    data = {
        "summary": {"same": diff.same, **{action.name.lower(): diff.count(action) for action in Action}},
        "targets": targets,
        "groups": groups,
        "variables": variables,
    }
    import json

    return json.dumps(data, indent=2)


def _plain(change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "reasons": list(change.reasons),
        "effects": [effect.name.lower() for effect in change.effects],
    }
