"""A plan diff as text."""

import json
from collections.abc import Iterator
from typing import Any

from bakec.ir.diff import Action, Change, PlanDiff, TargetDiff


def render_text(diff: PlanDiff, *, summary_only: bool = False, full: bool = False) -> Iterator[str]:
    """The lines to print; the last one is always the summary. `full` also lists what an added target holds."""
    if not summary_only:
        yield from _variables(diff)
        for target in diff.targets:
            yield from _target(target, full=full)
        for group in diff.groups:
            yield f"{_symbol(group)} group {group.path}: {_members(group)}"
        if not diff.empty:
            yield ""
    yield summary(diff)


def summary(diff: PlanDiff) -> str:
    """`1 added, 2 changed, 0 removed, 7 same`, and what that means for a run."""
    parts = [f"{diff.count(Action.ADDED)} added", f"{diff.count(Action.CHANGED)} changed"]
    if diff.count(Action.RENAMED):
        parts.append(f"{diff.count(Action.RENAMED)} renamed")
    parts += [f"{diff.count(Action.REMOVED)} removed", f"{diff.same} same"]
    effects: dict[str, int] = {}
    for target in diff.targets:
        for effect in {effect for change in target.changes for effect in change.effects}:
            effects[effect.value] = effects.get(effect.value, 0) + 1
    notes = "; ".join(f"{count} {text}" for text, count in sorted(effects.items()))
    return ", ".join(parts) + (f" ({notes})" if notes else "")


def _variables(diff: PlanDiff) -> Iterator[str]:
    for one in diff.variables:
        symbol = "+" if one.old is None else "-" if one.new is None else "~"
        where = f"  ({one.where})" if one.where else ""
        yield f"{symbol} variable {one.name}: {_arrow(one.old, one.new)}{where}"


def _target(target: TargetDiff, *, full: bool) -> Iterator[str]:
    was = f" (was {target.was})" if target.was else ""
    yield f"{target.action.value} target {target.name}{was}"
    if target.action is Action.ADDED and not full:
        return
    for change in target.changes:
        yield f"    {_symbol(change)} {change.path}: {_arrow(change.old, change.new)}"
        notes = [*change.reasons, *(effect.value for effect in change.effects)]
        if notes:
            yield f"        {'; '.join(notes)}"


def _symbol(change: Change) -> str:
    return "+" if change.old is None else "-" if change.new is None else "~"


def _arrow(old: Any, new: Any) -> str:
    if old is None:
        return _text(new)
    return _text(old) if new is None else f"{_text(old)} -> {_text(new)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _members(change: Change) -> str:
    old, new = set(change.old or ()), set(change.new or ())
    signed = [f"+{name}" for name in sorted(new - old)] + [f"-{name}" for name in sorted(old - new)]
    return " ".join(signed)
