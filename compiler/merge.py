"""How two definitions of one target become one, and how a target is normalized: the field table, applied."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.ir.fields import FIELDS, Dedup, Kind, Merge
from bakec.ir.module import FieldValue, entries, values
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.values import Value, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.ir.fields import Field
    from bakec.ir.module import Entry

Fields = dict[str, FieldValue]


def merge(older: Mapping[str, FieldValue], newer: Mapping[str, FieldValue]) -> Fields:
    """`newer` over `older`, attribute by attribute."""
    result = dict(older)
    for name, value in newer.items():
        merged = merge_field(FIELDS[name], result.get(name), value)
        if merged is not None:
            result[name] = merged
    return result


def merge_field(field: Field, older: FieldValue | None, newer: FieldValue) -> FieldValue | None:
    """The value of `field` after `newer` came over `older`; None leaves it unset."""
    if isinstance(newer, Value):
        # An empty description says nothing; every other text or flag counts once it is set.
        return older if field.name == "description" and not newer.raw else newer
    if isinstance(newer, Mapping):
        before = older if isinstance(older, Mapping) else {}
        given = {key: value for key, value in newer.items() if value.raw is not None}
        if field.kind is Kind.MAP and not before and not given:
            return older
        return {**before, **given}
    if field.merge is Merge.REPLACE or older is None:
        return _entries(field, newer) if field.kind is Kind.ENTRIES and field.merge is not Merge.REPLACE else newer
    assert isinstance(older, tuple)
    joined = (*older, *newer)
    return _entries(field, joined) if field.kind is Kind.ENTRIES else joined


def normalize(fields: Mapping[str, FieldValue]) -> Fields:
    """Drop duplicates and what says nothing; `network = "host"` asks for its entitlement."""
    result = dict(fields)
    network = result.get("network")
    if isinstance(network, Value) and network.raw == "host":
        wanted = string("network.host").with_origin(Origin(OriginKind.IMPLICIT, "network", None, _inputs(network)))
        result["entitlements"] = (*values(result.get("entitlements")), wanted)
    kept = ((name, _normal(FIELDS[name], value)) for name, value in result.items())
    return {name: value for name, value in kept if value is not None}


def _inputs(value: Value) -> tuple[Origin, ...]:
    return () if value.origin is None else (value.origin,)


def _normal(field: Field, value: FieldValue) -> FieldValue | None:
    if field.name == "contexts" and isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if item.raw}
        return kept or None
    if field.dedup is Dedup.FIRST:
        first: dict[object, Value] = {}
        for item in values(value):
            if item.raw:
                first.setdefault(item.raw, item)
        return tuple(first.values())
    if field.kind is Kind.ENTRIES:
        # An empty list of entries counts as unset from here on, so that it does not clear those of an heir.
        return _entries(field, value) or None
    return value


def _entries(field: Field, value: FieldValue) -> tuple[Entry, ...]:
    found = entries(value)
    match field.dedup:
        case Dedup.KEYED:
            return tuple({entry.attrs.get(field.key, ""): entry for entry in found}.values())
        case Dedup.SWAP:
            return tuple(_without_repeats(found))
        case _:
            return found


def _without_repeats(found: Sequence[Entry]) -> list[Entry]:
    """Equal entries once. From the back, the first repeat of each goes and the last entry moves into its place."""
    rest = list(found)
    for position in range(len(rest) - 2, -1, -1):
        for other in range(position + 1, len(rest)):
            if rest[position].attrs == rest[other].attrs:
                rest[other] = rest[-1]
                rest.pop()
                break
    return rest
