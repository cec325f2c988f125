"""From the value of an attribute to what the field table says it is."""

from __future__ import annotations

from bakec.compiler.entries import PARSERS, EntryError, checked_output
from bakec.compiler.eval.convert import ConvertError, convert, mismatch
from bakec.compiler.jsonwriter import shown
from bakec.ir import numbers
from bakec.ir.fields import RESOURCES, Kind
from bakec.ir.module import Entry, entries
from bakec.ir.quoting import quote
from bakec.ir.strconv import NumberError, parse_bool
from bakec.ir.types import BOOL, NUMBER, STRING, ListType, MapType, ObjectType
from bakec.ir.values import NULL, UNKNOWN, Value, list_, map_, null, object_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.entries import Attrs
    from bakec.ir.fields import Field
    from bakec.ir.module import FieldValue
    from bakec.ir.origin import Origin
    from bakec.ir.types import Type

_LIST = ListType(STRING)
_MAP = MapType(STRING)
_SSH = ObjectType({"id": STRING, "paths": ListType(STRING)}, frozenset(("id", "paths")))
_SECRET = ObjectType({"id": STRING, "src": STRING, "env": STRING}, frozenset(("id", "src", "env")))
_ENTRY_TYPES: dict[str, Type] = {"secret": _SECRET, "ssh": _SSH}
_RESOURCES = ObjectType(
    {name: STRING if kind is str else NUMBER for name, kind in RESOURCES.items()}, frozenset(RESOURCES)
)


class DecodeError(Exception):
    """The value does not suit the attribute; the message is the reference's."""


def decode(field: Field, value: Value) -> FieldValue | None:
    """`value` as an attribute `field`; None for null, which leaves it unset. Unknown parts raise `DecodeError`."""
    try:
        match field.kind:
            case Kind.ENTRIES:
                return _entries(field.name, value)
            case Kind.TEXT:
                return _text(field, value)
            case Kind.FLAG:
                return _optional(convert(value, BOOL))
            case Kind.LIST:
                return _strings(value)
            case Kind.MAP:
                return _mapping(field, value)
            case Kind.RESOURCES:
                return _resources(value)
    except (ConvertError, EntryError, NumberError, numbers.WholeError) as error:
        raise DecodeError(str(error)) from error


def decode_strings(value: Value) -> tuple[Value, ...] | None:
    """A list of strings (`inherits`, `targets` of a group), None for null."""
    try:
        return _strings(value)
    except ConvertError as error:
        raise DecodeError(str(error)) from error


def _known(value: Value) -> Value:
    if value.raw is UNKNOWN:
        raise ConvertError("value must be known")
    return value


def _optional(value: Value) -> Value | None:
    return None if _known(value).raw is None else value


def _required(value: Value) -> Value:
    if _known(value).raw is None:
        raise ConvertError("null value is not allowed")
    return value


def _text(field: Field, value: Value) -> Value | None:
    text = convert(value, STRING)
    # The description alone cannot be unset: in the reference it is not a pointer.
    return _required(text) if field.name == "description" else _optional(text)


def _strings(value: Value) -> tuple[Value, ...] | None:
    items = _optional(convert(value, _LIST))
    return None if items is None else tuple(_inherit(_required(item), value) for item in items.items)


def _inherit(item: Value, whole: Value) -> Value:
    """`item` with an origin: its own or that of the collection it stands in."""
    return item if item.origin is not None or whole.origin is None else item.with_origin(whole.origin)


def _mapping(field: Field, value: Value) -> dict[str, Value] | None:
    items = _optional(convert(value, _MAP))
    if items is None:
        return None
    check = _required if field.name == "contexts" else _known
    return {name: _inherit(check(item), value) for name, item in items.mapping.items()}


def _resources(value: Value) -> dict[str, Value]:
    items = _required(convert(value, _RESOURCES))
    given = {name: _inherit(_known(item), value) for name, item in items.mapping.items() if item.raw is not None}
    for name in given.keys() - {name for name, kind in RESOURCES.items() if kind is str}:
        numbers.to_int64(given[name].number)
    return given


def _entries(name: str, value: Value) -> tuple[Entry, ...]:
    if not (value.is_tuple or isinstance(value.type, ListType)) or value.raw in (None, UNKNOWN):
        if value.raw is None:
            raise ConvertError("null value is not allowed")
        raise ConvertError(mismatch(value.type, ListType(_ENTRY_TYPES.get(name, _MAP))))
    found: list[Entry] = []
    for item in value.items:
        if item.raw is UNKNOWN or item.raw == "":
            continue
        origin = item.origin or value.origin
        found.extend(Entry(attrs, origin) for attrs in _entry(name, item))
    return tuple(found)


def _entry(name: str, item: Value) -> list[Attrs]:
    if item.raw is None:
        raise ConvertError(mismatch(item.type, _MAP) if name == "policy" else "null value is not allowed")
    if isinstance(item.raw, str):
        return PARSERS[name](item.raw)
    if name in _ENTRY_TYPES:
        return [_object_entry(convert(item, _ENTRY_TYPES[name]))]
    attrs = {key: one.raw for key, one in convert(item, _MAP).mapping.items() if one.raw is not UNKNOWN}
    return [_map_entry(name, {key: raw for key, raw in attrs.items() if isinstance(raw, str)}, item)]


def _object_entry(item: Value) -> Attrs:
    """A secret or SSH entry from an object: empty parts are left out."""
    attrs: Attrs = {}
    for key, part in item.mapping.items():
        if isinstance(part.raw, str) and part.raw:
            attrs[key] = part.raw
        elif isinstance(part.raw, tuple) and part.raw:
            attrs[key] = tuple(_required(path).text for path in part.raw)
    return attrs


def _map_entry(name: str, attrs: dict[str, str], item: Value) -> Attrs:
    if name == "output":
        return checked_output(dict(attrs))
    if name == "attest":
        return _attest(attrs)
    if name == "policy" and not attrs:
        return {"filename": ()}
    if name == "policy":
        return PARSERS[name](",".join(f"{key}={value}" for key, value in attrs.items()))[0]
    if not attrs.get("type"):
        raise EntryError(f"type required for {quote(shown(item))}")
    return dict(attrs)


def _attest(attrs: dict[str, str]) -> Attrs:
    result: Attrs = {"type": "", **attrs}
    if "disabled" in attrs:
        try:
            disabled = parse_bool(attrs["disabled"])
        except NumberError as error:
            raise EntryError(str(error)) from error
        result.pop("disabled")
        if disabled:
            result["disabled"] = True
    return result


# --- and back: what `target.NAME.ATTR` is in an expression ----------------------------------------------------


def encode(field: Field, value: FieldValue | None, origin: Origin | None) -> Value:
    """The value that a reference to the attribute has: unset is null, but an unset structured list is empty."""
    if field.kind is Kind.ENTRIES:
        return _encode_entries(field.name, entries(value))
    if value is None:
        return _encode_unset(field)
    if isinstance(value, Value):
        return value
    if isinstance(value, tuple):
        return list_(STRING, [item for item in value if isinstance(item, Value)], origin)
    if field.kind is Kind.RESOURCES:
        unset = {name: null(STRING if kind is str else NUMBER) for name, kind in RESOURCES.items()}
        return object_({**unset, **value}, origin)
    return map_(STRING, value, origin)


def _encode_unset(field: Field) -> Value:
    match field.kind:
        case Kind.LIST:
            return null(_LIST)
        case Kind.MAP:
            return null(_MAP)
        case Kind.FLAG:
            return null(BOOL)
        case Kind.TEXT:
            return string("") if field.name == "description" else null(STRING)
        case _:
            return NULL


def _encode_entries(name: str, found: tuple[Entry, ...]) -> Value:
    items = [_encode_entry(name, entry) for entry in found]
    if name in _ENTRY_TYPES:
        return list_(items[0].type if items else _ENTRY_TYPES[name], items)
    return list_(_MAP, items)


def _encode_entry(name: str, entry: Entry) -> Value:
    attrs = {key: string(part) for key, part in entry.attrs.items() if isinstance(part, str)}
    if name == "ssh":
        paths = entry.attrs.get("paths", ())
        assert isinstance(paths, tuple)
        parts = {"id": attrs.get("id", string("")), "paths": list_(STRING, [string(path) for path in paths])}
        return object_(parts, entry.origin)
    if name == "secret":
        return object_({key: attrs.get(key, string("")) for key in ("id", "src", "env")}, entry.origin)
    if entry.attrs.get("disabled"):
        attrs["disabled"] = string("true")
    if name == "output":
        attrs.setdefault("dest", string(""))
    return map_(STRING, attrs, entry.origin)
