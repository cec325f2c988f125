"""Where a value of a plan comes from, and why a target is in it."""

from __future__ import annotations

from bakec.compiler.render.values import entry, shown
from bakec.compiler.suggest import nearest
from bakec.ir.codes import plan as codes
from bakec.ir.diagnostics import fail
from bakec.ir.fields import FIELDS
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from bakec.ir.diagnostics import Failed
    from bakec.ir.plan import Need, OriginRecord, Plan, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A value of a target and the step that made it: an index into `Plan.origins`, None where nothing is known."""

    target: str
    path: str
    value: Any
    origin: int | None


def explain(plan: Plan, query: str) -> list[Explanation]:
    """The values that `TARGET.FIELD`, `TARGET.FIELD.KEY`, `TARGET.FIELD[0]` or `TARGET` alone mean. Raises `Failed`."""
    name, _, path = query.partition(".")
    target = next((one for one in plan.targets if one.name == name), None)
    if target is None:
        raise _no_target(plan, name)
    found = [
        Explanation(target=name, path=place, value=value, origin=target.origins.get(place))
        for place, value in _values(target.view)
        if not path or place == path or place.startswith((f"{path}.", f"{path}["))
    ]
    if not found:
        raise _no_value(target, path)
    return found


def _values(view: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (name for name in FIELDS if name in view):
        value = view[name]
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", one) for key, one in value.items())
        elif isinstance(value, list):
            yield from ((f"{name}[{at}]", one) for at, one in enumerate(value))
        else:
            yield name, value


def _no_target(plan: Plan, name: str) -> Failed:
    close = nearest(name, [target.name for target in plan.targets])
    return fail(codes.NO_TARGET.at(None, name=name, hint=f"did you mean '{close}'?" if close else ""))


def _no_value(target: Target, path: str) -> Failed:
    close = nearest(path, [place for place, _ in _values(target.view)])
    hint = f"did you mean '{target.name}.{close}'?" if close else f"'bakec explain {target.name}' lists what it has"
    return fail(codes.NO_VALUE.at(None, name=target.name, path=path, hint=hint))


# --- chains ---------------------------------------------------------------------------------------------------


def render_explanations(plan: Plan, found: Sequence[Explanation]) -> Iterator[str]:
    """Each value and the whole tree of steps that made it."""
    for at, one in enumerate(found):
        if at:
            yield ""
        yield f"{shown(one.target)}.{shown(one.path)} = {entry(one.value)}"
        if one.origin is not None:
            yield from _tree(plan.origins, one.origin)


def _tree(origins: Sequence[OriginRecord], index: int) -> Iterator[str]:
    """Depth first without recursion; what was shown before is not taken apart again."""
    seen: set[int] = set()
    stack: list[tuple[int, str, bool]] = [(index, "", True)]
    while stack:
        at, lead, is_last = stack.pop()
        record = origins[at]
        again = at in seen and bool(record.inputs)
        seen.add(at)
        yield f"{lead}{'└─ ' if is_last else '├─ '}{step(record)}{'  (as above)' if again else ''}"
        if not again:
            deeper = lead + ("   " if is_last else "│  ")
            inputs = record.inputs
            stack.extend((one, deeper, one == inputs[-1]) for one in reversed(inputs))


def step(record: OriginRecord) -> str:
    """One step of provenance: its kind, its name and where it stands."""
    words = _PHRASES.get(record.kind, record.kind)
    named = f"{words} {shown(record.name)}" if record.name else words
    return f"{named}  {shown(f'{record.file}:{record.line}')}" if record.file else named


_PHRASES: Final = {"inherited": "inherited from", "condition": "condition was", "default": "default of"}


def explanation_data(plan: Plan, found: Sequence[Explanation]) -> list[dict[str, Any]]:
    """The same as JSON: `steps` are the records, inputs before users; `inputs` are places in that list."""
    return [
        {"target": one.target, "path": one.path, "value": one.value, "steps": _steps(plan.origins, one.origin)}
        for one in found
    ]


def _steps(origins: Sequence[OriginRecord], index: int | None) -> list[dict[str, Any]]:
    needed: set[int] = set()
    stack = [] if index is None else [index]
    while stack:
        at = stack.pop()
        if at not in needed:
            needed.add(at)
            stack.extend(origins[at].inputs)
    places = {at: place for place, at in enumerate(sorted(needed))}
    return [
        {
            "kind": origins[at].kind,
            "name": origins[at].name,
            "file": origins[at].file,
            "line": origins[at].line,
            "inputs": [places[one] for one in origins[at].inputs],
        }
        for at in places
    ]


# --- why ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One step from `name` towards what was asked for. `kind` is `asked`, `member` of group `of`, `context` (named
    `context`) of target `of`, or `inherited` by target `of`; `where` is FILE:LINE."""

    name: str
    kind: str
    of: str = ""
    context: str = ""
    where: str = ""


def why(plan: Plan, name: str) -> list[Reason]:
    """The shortest chain that brings target or group `name` into the run, the last step asked for. Raises `Failed`."""
    reasons = {asked: Reason(name=asked, kind="asked") for asked in plan.requested}
    members = {group.name: group.targets for group in plan.groups}
    needs: dict[str, tuple[Need, ...]] = {job.target: job.needs for job in plan.jobs}
    made = {job.id: job.target for job in plan.jobs}
    targets: dict[str, Target] = {target.name: target for target in plan.targets}
    queue = list(reasons)
    for current in queue:
        steps = [Reason(name=one, kind="member", of=current) for one in members.get(current, ())]
        steps += [
            Reason(
                name=made[need.job], kind="context", of=current, context=need.context,
                where=_place(plan, targets[current].origins.get(f"contexts.{need.context}")),
            )
            for need in needs.get(current, ())
        ]  # fmt: skip
        steps += [Reason(name=one, kind="inherited", of=current) for one in plan.inherits.get(current, ())]
        for each in steps:
            if each.name not in reasons:
                reasons[each.name] = each
                queue.append(each.name)
    if name not in reasons:
        close = nearest(name, list(reasons))
        raise fail(codes.NOT_IN_RUN.at(None, name=name, hint=f"did you mean '{close}'?" if close else ""))
    return list(_back(reasons, name))


def _back(reasons: Mapping[str, Reason], name: str) -> Iterator[Reason]:
    while True:
        reason = reasons[name]
        yield reason
        if reason.kind == "asked":
            return
        name = reason.of


def _place(plan: Plan, index: int | None) -> str:
    while index is not None:
        record = plan.origins[index]
        if record.file:
            return f"{record.file}:{record.line}"
        index = record.inputs[0] if record.inputs else None
    return ""


def render_why(reasons: Sequence[Reason]) -> Iterator[str]:
    """The chain as a sentence, one step a line."""
    yield shown(reasons[0].name)
    for at, reason in enumerate(reasons):
        where = f"  {shown(reason.where)}" if reason.where else ""
        yield f"  {'which ' if at else ''}{_PHRASE[reason.kind].format(of=reason.of, context=reason.context)}{where}"


_PHRASE: Final = {
    "asked": "was asked for",
    "member": "is in group {of}",
    "context": "is the context {context} of {of}",
    "inherited": "is inherited by {of}",
}
