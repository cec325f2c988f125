"""Links: targets that others use over `target:` contexts join the selection, and pass on what they need."""

from __future__ import annotations

from bakec.compiler.links import links
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.module import Entry, values
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.inheritance import Inheritance
    from bakec.ir.diagnostics import Failed
    from bakec.ir.module import FieldValue, Selection, Target
    from bakec.ir.span import Span
    from bakec.ir.values import Value


@dataclass(slots=True)
class _Visit:
    name: str
    edges: list[tuple[str, Value]]
    at: int = 0


def link(selection: Selection, inheritance: Inheritance) -> Selection:
    """Add every target that is linked, directly or not, and is not there yet: it exports nothing of its own.

    After: the links form no circle, entitlements of a linked target are also its users', and platforms agree.
    Raises `Failed`.
    """
    targets = dict(selection.targets)
    done: set[str] = set()
    for name in selection.targets:
        if name not in done:
            _visit(name, targets, done, inheritance)
    return replace(selection, targets=targets)


def _visit(start: str, targets: dict[str, Target], done: set[str], inheritance: Inheritance) -> None:
    path: list[_Visit] = [_Visit(start, _edges(targets[start]))]
    on_path = {start: 0}
    while path:
        visit = path[-1]
        if visit.at == len(visit.edges):
            path.pop()
            del on_path[visit.name]
            done.add(visit.name)
            if path:
                _pass_on(path[-1].name, visit.name, targets)
            continue
        name, text = visit.edges[visit.at]
        visit.at += 1
        if name == visit.name:
            raise fail(codes.SELF_LINK.at(_span(text), name=name))
        if name in on_path:
            raise _cycle(path[on_path[name] :], name)
        if name not in targets:
            targets[name] = _linked(inheritance.resolve(name, text))
        if name in done:
            _pass_on(visit.name, name, targets)
        else:
            on_path[name] = len(path)
            path.append(_Visit(name, _edges(targets[name])))


def _edges(target: Target) -> list[tuple[str, Value]]:
    return [(name, text) for _, name, text in links(target)]


def _span(text: Value) -> Span | None:
    origin = text.origin
    while origin is not None and origin.span is None and origin.inputs:
        origin = origin.inputs[0]
    return origin.span if origin else None


def _cycle(circle: list[_Visit], name: str) -> Failed:
    """The reference's message, with every link of the circle in the hint."""
    steps = []
    for visit in circle:
        to, text = visit.edges[visit.at - 1]
        span = _span(text)
        steps.append(f"{visit.name} -> {to}" + (f" ({span.source.name}:{span.line})" if span else ""))
    last = circle[-1]
    return fail(
        codes.LINK_CYCLE.at(
            _span(last.edges[last.at - 1][1]), start=last.name, end=name, hint="the links are " + ", ".join(steps)
        )
    )


def _linked(target: Target) -> Target:
    origin = Origin(OriginKind.IMPLICIT, "linked", None)
    fields: dict[str, FieldValue] = {**target.fields, "output": (Entry({"type": "cacheonly"}, origin),)}
    return replace(target, fields=fields, linked=True)


def _strings(target: Target, field: str) -> tuple[Value, ...]:
    return values(target.fields.get(field))


def _pass_on(user: str, parent: str, targets: dict[str, Target]) -> None:
    """Give `user` the entitlements of `parent`, which it uses, and check that their platforms agree."""
    own, theirs = _strings(targets[user], "entitlements"), _strings(targets[parent], "entitlements")
    have = {value.raw for value in own}
    more = tuple(value for value in theirs if value.raw not in have)
    if more:
        targets[user] = replace(targets[user], fields={**targets[user].fields, "entitlements": (*own, *more)})
    wanted = [value.text for value in _strings(targets[user], "platforms")]
    built = [value.text for value in _strings(targets[parent], "platforms")]
    if len(wanted) > 1 and len(built) > 1 and not set(wanted) <= set(built):
        raise fail(
            codes.PLATFORM_SUBSET.at(
                targets[user].span, parent=parent, user=user,
                user_platforms=" ".join(wanted), parent_platforms=" ".join(built),
            )
        )  # fmt: skip
