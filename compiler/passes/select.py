"""Selection: which targets and groups the names on the command line mean."""

from __future__ import annotations

from bakec.compiler.patterns import PatternError, is_pattern, matches
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.module import GroupDef, Selection
from bakec.ir.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bakec.compiler.inheritance import Inheritance
    from bakec.ir.module import Definitions, Target
    from bakec.ir.values import Value


def select(definitions: Definitions, requested: tuple[str, ...], inheritance: Inheritance) -> Selection:
    """Resolve the requested targets and groups.

    After: `groups` holds every group met and always `default`; linked targets are still missing. Raises `Failed`.
    """
    groups = _first_of_each(definitions.groups)
    targets: dict[str, Target] = {}
    met: dict[str, GroupDef] = {}
    for name in requested:
        members, inside = _expand(name, groups)
        for member, user in members.items():
            if member not in targets:
                targets[member] = inheritance.resolve(member, user)
        met.update((group, groups[group]) for group in inside)
    met["default"] = _default_group(requested, met)
    return Selection(requested=requested, targets=targets, groups=met)


def _first_of_each(groups: Sequence[GroupDef]) -> Mapping[str, GroupDef]:
    found: dict[str, GroupDef] = {}
    for group in groups:
        found.setdefault(group.name, group)
    return found


def match_names(definitions: Definitions, names: Iterable[str]) -> tuple[str, ...]:
    """The names that patterns match, each once. A dot means an underscore, as Compose services are renamed so.

    Raises `Failed` for a pattern that matches nothing.
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_match(definitions, name.replace(".", "_"))))
    return tuple(found)


def _match(definitions: Definitions, pattern: str) -> list[str]:
    if not is_pattern(pattern):
        return [pattern]
    every = [group.name for group in definitions.groups] + [target.name for target in definitions.targets]
    try:
        hits = [name for name in every if matches(pattern, name)]
    except PatternError:
        hits = []
    if not hits:
        raise fail(codes.NO_MATCH.at(None, pattern=pattern))
    return hits


def _expand(name: str, groups: Mapping[str, GroupDef]) -> tuple[dict[str, Value | None], list[str]]:
    """The targets that `name` leads to, with the text that named each, and the groups on the way.

    A group that meets its own name while it is being expanded means the target of that name; so does the name of an
    empty group inside another.
    """
    targets: dict[str, Value | None] = {}
    met: dict[str, None] = {}
    running: set[str] = set()
    stack: list[tuple[str, Value | None, bool]] = [(name, None, False)]
    while stack:
        current, user, leaving = stack.pop()
        group = groups.get(current)
        if leaving:
            running.discard(current)
        elif group is None or current in running or (user is not None and not group.targets):
            targets.setdefault(current, user)
        elif current not in met:
            met[current] = None
            running.add(current)
            stack.append((current, user, True))
            stack.extend((member.text, member, False) for member in reversed(group.targets or ()))
    return targets, list(met)


def _default_group(requested: Sequence[str], met: Mapping[str, GroupDef]) -> GroupDef:
    """The printed `default`: its own members and all that was asked for, sorted."""
    group = met.get("default")
    members = group.targets if group else ()
    asked = [string(name) for at, name in enumerate(requested) if name != "default" or (group is None and at == 0)]
    if members is None and not asked:
        return GroupDef(name="default", targets=None, description=group.description if group else "")
    unique = {member.text: member for member in (*(members or ()), *asked)}
    return GroupDef(
        name="default",
        targets=tuple(unique[name] for name in sorted(unique)),
        description=group.description if group else "",
        span=group.span if group else None,
    )
