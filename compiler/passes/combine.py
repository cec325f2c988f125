"""Definitions of several front ends and blocks to one of each name."""

from __future__ import annotations

from bakec.compiler.merge import merge
from bakec.ir.module import Definitions, GroupDef
from bakec.ir.records import replace
from bakec.ir.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bakec.ir.module import TargetDef


def combine(below: Definitions, above: Definitions, renamed: Mapping[str, list[str]]) -> Definitions:
    """`above` (HCL and JSON) over `below` (Compose).

    Before: `above` may define a name several times. After: names of targets are unique, those of groups lead to
    the first group of a name. A label that a matrix renamed is a group of the names it became.
    """
    groups: dict[str, GroupDef] = {}
    for group in (*below.groups, *above.groups):
        groups[group.name] = group
    listed = list(groups.values())
    for label, names in renamed.items():
        members = dict.fromkeys(names)
        if members and list(members) != [label]:
            listed.append(GroupDef(name=label, targets=tuple(map(string, members))))
    return Definitions(
        targets=tuple(_merged((*below.targets, *above.targets))),
        groups=tuple(listed),
        variables=above.variables,
    )


def _merged(targets: Iterable[TargetDef]) -> Iterable[TargetDef]:
    found: dict[str, TargetDef] = {}
    for target in targets:
        older = found.get(target.name)
        found[target.name] = target if older is None else _over(older, target)
    return found.values()


def _over(older: TargetDef, newer: TargetDef) -> TargetDef:
    return replace(
        newer,
        fields=merge(older.fields, newer.fields),
        inherits=(*older.inherits, *newer.inherits),
        span=older.span,
        bases={**older.bases, **newer.bases},
    )
