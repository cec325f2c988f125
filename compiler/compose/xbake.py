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
    from collections.abc import Iterable
    from typing import Final

    from bakec.compiler.compose.nodes import Node
    from bakec.ir.origin import Origin
    from bakec.ir.values import Value

Fields = dict[str, FieldValue]

_ENTRIES: Final = ("cache-from", "cache-to", "secret", "ssh", "output")
_LISTS: Final = ("tags", "platforms", "no-cache-filter")


def with_extension(fields: Fields, bake: Node) -> Fields:
    """`fields` with what `x-bake` adds; keys it does not know are ignored."""
    if not isinstance(bake, Table):
        kind = "!!seq" if isinstance(bake, Listing) else _tagged(bake)
        raise refused(_yaml_problem(f"{kind} into bake.xbake"), bake)
    result = dict(fields)
    for name, node in bake.items.items():
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
    return result


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
        raise refused(_yaml_problem(f"{_tagged(node)} into string"), node)
    return tuple(item for item in node.items if isinstance(item, Scalar) and item.value is not None)


def _string_map(node: Node) -> dict[str, Scalar]:
    if not isinstance(node, Table):
        raise refused(_yaml_problem(f"{_tagged(node)} into bake.stringMap"), node)
    found: dict[str, Scalar] = {}
    for key, item in node.items.items():
        if not isinstance(item, Scalar):
            raise refused(_yaml_problem(f"{_tagged(item)} into string"), item)
        found[key] = Scalar("", item.span) if item.value is None else item
    return found


_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "off", "Off", "OFF")


def _boolean(node: Node) -> bool:
    """A boolean, or a string that was one in YAML 1.1; but not the strings `true` and `false`."""
    if isinstance(node, Scalar) and (isinstance(node.value, bool) or node.value in (*_TRUE, *_FALSE)):
        return node.value is True or node.value in _TRUE
    raise refused(_yaml_problem(f"{_tagged(node)} into bool"), node)


def _yaml_problem(what: str) -> str:
    return f"yaml: unmarshal errors:\n  line 1: cannot unmarshal {what}"


def _tagged(node: Node) -> str:
    """A node as the reference's YAML library names it: tag and value."""
    if not isinstance(node, Scalar):
        return "!!map" if isinstance(node, Table) else "!!seq"
    tags = {bool: "bool", int: "int", float: "float", str: "str", Timestamp: "timestamp"}
    return f"!!{tags.get(type(node.value), 'null')} `{plain_text(node.value)}`"


def _origin(node: Node) -> Origin | None:
    return node.origin if isinstance(node, Scalar) else None
