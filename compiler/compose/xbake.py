"""`x-bake` of a build: the attributes of a target that Compose does not have."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.compiler.compose.nodes import Listing, Scalar, Table, Timestamp, is_null, plain_text, text_of
from bakec.compiler.compose.values import entries, linked_contexts, refused, sorted_ssh, text_value
from bakec.compiler.merge import normalize
from bakec.ir.module import Entry, FieldValue
from bakec.ir.values import boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from bakec.compiler.compose.nodes import Node
    from bakec.ir.diagnostics import Failed
    from bakec.ir.origin import Origin
    from bakec.ir.values import Value

Fields = dict[str, FieldValue]

_ENTRIES: Final = ("cache-from", "cache-to", "secret", "ssh", "output")
_LISTS: Final = ("tags", "platforms", "no-cache-filter")


def with_extension(fields: Fields, bake: Node) -> Fields:
    """`fields` with what `x-bake` adds; keys it does not know are ignored."""
    if not isinstance(bake, Table):
        raise _unmarshalled([(bake, "bake.xbake")], bake)
    result = dict(fields)
    problems: list[tuple[Node, str]] = []
    for name, node in sorted(bake.items.items()):
        try:
            _add(result, name, node)
        except _MismatchError as mismatch:
            problems += mismatch.problems
    if problems:
        raise _unmarshalled(problems, bake)
    return result


def _add(result: Fields, name: str, node: Node) -> None:
    """Raises `_MismatchError`."""
    if name in _ENTRIES or name in _LISTS:
        added = _strings(node)
        more: tuple[Entry, ...] | tuple[Value, ...]
        more = entries(name, added) if name in _ENTRIES else tuple(map(text_value, added))
        result[name] = _joined(name, result.get(name), more)
    elif name in ("pull", "no-cache") and not is_null(node):
        result[name] = boolean(_boolean(node), _origin(node))
    elif name == "contexts" and not is_null(node):
        own = result["contexts"]
        assert isinstance(own, Mapping)
        result["contexts"] = {**linked_contexts(_string_map(node)), **own}


def _joined(name: str, own: FieldValue | None, more: tuple[Entry, ...] | tuple[Value, ...]) -> FieldValue:
    """A list with more behind it, without repeats."""
    if not more:
        return own or ()
    assert own is None or isinstance(own, tuple)
    joined = (*(own or ()), *more)
    if name == "ssh":
        # Without keys of its own a service takes these as they are, and only the sorted ones lose their repeats.
        entries = [item for item in joined if isinstance(item, Entry)]
        return sorted_ssh(_by_id(entries) if own else entries)
    return normalize({name: joined}).get(name, ())


def _by_id(entries: Iterable[Entry]) -> Iterable[Entry]:
    return {entry.attrs.get("id", ""): entry for entry in entries}.values()


def _strings(node: Node) -> tuple[Scalar, ...]:
    """A list of strings; a single string is split at spaces."""
    if is_null(node):
        return ()
    if isinstance(node, Scalar):
        return tuple(Scalar(part, node.span, node.inputs) for part in text_of(node).split())
    if not isinstance(node, Listing) or not all(isinstance(item, Scalar) for item in node.items):
        raise _MismatchError((node, "string"))
    return tuple(item for item in node.items if isinstance(item, Scalar) and item.value is not None)


def _string_map(node: Node) -> dict[str, Scalar]:
    if not isinstance(node, Table):
        raise _MismatchError((node, "bake.stringMap"))
    wrong = [item for _, item in sorted(node.items.items()) if not isinstance(item, Scalar)]
    if wrong:
        raise _MismatchError(*((item, "string") for item in wrong))
    found = {key: item for key, item in node.items.items() if isinstance(item, Scalar)}
    return {key: Scalar("", item.span) if item.value is None else item for key, item in found.items()}


_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "off", "Off", "OFF")


def _boolean(node: Node) -> bool:
    """A boolean, or a string that was one in YAML 1.1; but not the strings `true` and `false`."""
    if isinstance(node, Scalar) and (isinstance(node.value, bool) or node.value in (*_TRUE, *_FALSE)):
        return node.value is True or node.value in _TRUE
    raise _MismatchError((node, "bool"))


class _MismatchError(Exception):
    """Nodes that are not what they should be, each with that."""

    def __init__(self, *problems: tuple[Node, str]) -> None:
        super().__init__()
        self.problems = problems


def _unmarshalled(problems: Sequence[tuple[Node, str]], bake: Node) -> Failed:
    """All of them, with the lines of `bake` as the reference writes it out, sorted, before it reads it again."""
    lines = dict(_lines(bake, 1))
    told = [f"  line {lines[id(node)]}: cannot unmarshal {_tagged(node)} into {wanted}" for node, wanted in problems]
    return refused("\n".join(["yaml: unmarshal errors:", *told]), problems[0][0])


def _lines(node: Node, first: int) -> Iterator[tuple[int, int]]:
    """The line of each node, by its identity, where `node` begins on line `first`."""
    yield id(node), first
    if isinstance(node, Table):
        for _, item in sorted(node.items.items()):
            yield from _lines(item, first + (_size(item) > 0 and not isinstance(item, Scalar)))
            first += 1 + _size(item)
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _lines(item, first)
            first += max(_size(item), 1)


def _size(node: Node) -> int:
    """How many lines of its own a node has, behind that of its key."""
    match node:
        case Table(items=items):
            return sum([1 + _size(item) for item in items.values()])
        case Listing(items=elements):
            return sum([max(_size(item), 1) for item in elements])
        case Scalar(value=str(text)):
            return len(text.rstrip("\n").split("\n")) if "\n" in text else 0
        case _:
            return 0


def _tagged(node: Node) -> str:
    """A node as the reference's YAML library names it: tag and value."""
    if not isinstance(node, Scalar):
        return "!!map" if isinstance(node, Table) else "!!seq"
    tags = {bool: "bool", int: "int", float: "float", str: "str", Timestamp: "timestamp"}
    return f"!!{tags.get(type(node.value), 'null')} `{plain_text(node.value)}`"


def _origin(node: Node) -> Origin | None:
    return node.origin if isinstance(node, Scalar) else None
