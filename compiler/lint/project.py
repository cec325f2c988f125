"""What rules look at."""

from __future__ import annotations

from bakec.ir import syntax
from bakec.ir.module import entries
from bakec.ir.origin import Origin
from bakec.ir.records import dataclass
from bakec.ir.syntax import ScopeTraversal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from bakec.compiler.host import Host
    from bakec.ir.module import Definitions, Selection, Target
    from bakec.ir.span import Span
    from bakec.ir.syntax import Body, Expr, File


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Definitions at every stage. `files` are those in HCL and JSON."""

    files: tuple[File, ...]
    definitions: Definitions
    selection: Selection
    host: Host


def expressions(body: Body) -> Iterator[Expr]:
    """All expressions of a body and of the blocks in it, with those inside them."""
    for attribute in body.attributes.values():
        yield from syntax.walk(attribute.expr)
    for block in body.blocks:
        yield from expressions(block.body)


def traversals(project: Project) -> Iterator[ScopeTraversal]:
    """Everything in the files that names a variable, an attribute or a block."""
    for file in project.files:
        for node in expressions(file.body):
            if isinstance(node, ScopeTraversal):
                yield node


def place(origin: Origin | None) -> Span | None:
    """The text nearest to a value: of the last step of its making that has a place."""
    waiting = [origin] if origin else []
    while waiting:
        current = waiting.pop(0)
        if current.span:
            return current.span
        waiting.extend(current.inputs)
    return None


def publishes(target: Target) -> bool:
    """Whether the tags of a target name what it makes: not if it is only linked or asked, or exports files."""
    outputs = entries(target.fields.get("output"))
    kinds = {output.attrs["type"] for output in outputs if output.attrs.get("push-by-digest") != "true"}
    call = getattr(target.fields.get("call"), "raw", None)
    return not target.linked and call in (None, "", "build") and (not outputs or bool(kinds & _IMAGES))


_IMAGES = frozenset(("image", "registry", "docker", "oci"))


def listed(names: Iterable[str]) -> str:
    """`Targets "a", "b" and "c"`, of many only the first."""
    quoted = [f'"{name}"' for name in names]
    shown = quoted if len(quoted) <= _SHOWN else [*quoted[:_SHOWN], f"{len(quoted) - _SHOWN} more"]
    return f"Targets {', '.join(shown[:-1])} and {shown[-1]}"


_SHOWN = 4


Owners: TypeAlias = dict[str, list[tuple[str, Origin | None]]]
"""By the thing that is owned: names of targets, and where each says so."""


def shared(owners: Owners) -> Iterator[tuple[str, list[str], Span | None]]:
    """What several targets own: the thing, their names, and where the last of them says so."""
    for thing, found in owners.items():
        names = list(dict.fromkeys(name for name, _ in found))
        if len(names) > 1:
            yield thing, names, place(found[-1][1])
