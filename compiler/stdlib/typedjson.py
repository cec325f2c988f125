"""JSON read against a type: strict about attributes, and with a wrapper that names the type where it is `any`."""

from __future__ import annotations

from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.jsontext import Bracket, Decoder, NumberText
from bakec.compiler.jsonwriter import JsonError
from bakec.ir.quoting import quote
from bakec.ir.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    PrimitiveType,
    SetType,
    TupleType,
    without_optional,
)
from bakec.ir.values import boolean, list_, map_, null, object_, set_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bakec.compiler.jsontext import Token
    from bakec.ir.types import Type
    from bakec.ir.values import Value


class TypedJsonError(ValueError):
    """The text is not JSON, or not of the type."""


def from_typed_json(text: str, kind: Type) -> Value:
    """The value of `kind` that `text` describes. Attributes that are not there are null."""
    try:
        return _value(text, kind)
    except JsonError as error:
        raise TypedJsonError(str(error)) from None
    except RecursionError:
        raise TypedJsonError("the value is nested too deeply") from None


def _value(text: str, kind: Type) -> Value:
    token = Decoder(text).token()
    if token is None:
        return null(without_optional(kind))
    match kind:
        case PrimitiveType():
            return _primitive(token, kind)
        case ListType(element):
            items = list(_items(text, "list", lambda _: element))
            return list_(_common(items, element), items)
        case SetType(element):
            items = list(_items(text, "set", lambda _: element))
            return set_(_common(items, element), items)
        case MapType(element):
            members = dict(_members(text, "map", lambda _: element))
            return map_(_common(members.values(), element), members)
        case TupleType():
            return _tuple(text, kind.elements)
        case ObjectType():
            return _object(text, kind)
        case _:
            return _wrapped(text)


def _common(items: Iterable[Value], element: Type) -> Type:
    """The type of the elements where `any` left it open. The reference panics where they differ."""
    kinds = {item.type for item in items if item.type is not DYNAMIC}
    if len(kinds) > 1:
        raise TypedJsonError("all elements must have the same type")
    return kinds.pop() if kinds else without_optional(element)


def _primitive(token: Token, kind: PrimitiveType) -> Value:
    if isinstance(token, bool):
        value = boolean(token)
        refused = kind is NUMBER
    else:
        assert isinstance(token, str)
        value = string(str(token))
        refused = isinstance(token, Bracket) or (kind is BOOL and isinstance(token, NumberText))
    if refused:
        raise TypedJsonError(f"{kind.name} is required")
    try:
        return convert(value, kind)
    except ConvertError as error:
        raise TypedJsonError(str(error)) from None


def _require(decoder: Decoder, bracket: str) -> None:
    token = decoder.token()
    if not isinstance(token, Bracket) or token != bracket:
        raise TypedJsonError(f"missing expected {bracket}")


def _raw(decoder: Decoder, what: str) -> str:
    try:
        return decoder.raw()
    except JsonError as error:
        raise TypedJsonError(f"failed to read {what} value: {error}") from None


def _items(text: str, what: str, kind_of: Callable[[int], Type]) -> Iterator[Value]:
    decoder = Decoder(text)
    _require(decoder, "[")
    position = 0
    while decoder.more():
        kind = kind_of(position)
        yield _value(_raw(decoder, what), kind)
        position += 1
    _require(decoder, "]")


def _tuple(text: str, kinds: tuple[Type, ...]) -> Value:
    def kind_of(position: int) -> Type:
        if position == len(kinds):
            raise TypedJsonError(f"too many tuple elements (need {len(kinds)})")
        return kinds[position]

    items = list(_items(text, "tuple", kind_of))
    if len(items) < len(kinds):
        raise TypedJsonError(f"not enough tuple elements (need {len(kinds)})")
    return tuple_(items)


def _members(text: str, what: str, kind_of: Callable[[str], Type]) -> Iterator[tuple[str, Value]]:
    decoder = Decoder(text)
    _require(decoder, "{")
    while decoder.more():
        name = _key(decoder, f"{what} key")
        kind = kind_of(name)
        yield name, _value(_raw(decoder, what), kind)
    _require(decoder, "}")


def _key(decoder: Decoder, what: str) -> str:
    try:
        token = decoder.token()
    except JsonError as error:
        raise TypedJsonError(f"failed to read {what}: {error}") from None
    if not isinstance(token, str) or isinstance(token, Bracket | NumberText):
        raise TypedJsonError(f"failed to read {what}: missing expected object key")
    return token


def _object(text: str, kind: ObjectType) -> Value:
    def kind_of(name: str) -> Type:
        if name not in kind.attributes:
            raise TypedJsonError(f"unsupported attribute {quote(name)}")
        return kind.attributes[name]

    items = dict(_members(text, "object", kind_of))
    absent = {name: null(without_optional(item)) for name, item in kind.attributes.items() if name not in items}
    return object_(items | absent)


def _wrapped(text: str) -> Value:
    """`{"value": …, "type": …}`."""
    decoder = Decoder(text)
    _require(decoder, "{")
    kind: Type | None = None
    body = ""
    while decoder.more():
        name = _key(decoder, "dynamic type descriptor key")
        raw = _raw(decoder, "dynamic type descriptor")
        if name == "type":
            kind = _described(raw)
        elif name == "value":
            body = raw
        else:
            raise TypedJsonError(f"invalid key {quote(name)} in dynamically-typed value")
    _require(decoder, "}")
    if kind is None:
        raise TypedJsonError("missing type in dynamically-typed value")
    if not body:
        raise TypedJsonError("missing value in dynamically-typed value")
    return _value(body, kind)


_PRIMITIVES: dict[str, Type] = {"bool": BOOL, "number": NUMBER, "string": STRING, "dynamic": DYNAMIC}
_COLLECTIONS: dict[str, Callable[[Type], Type]] = {"list": ListType, "map": MapType, "set": SetType}


def _described(text: str) -> Type:
    try:
        return _type(text)
    except TypedJsonError as error:
        raise TypedJsonError(f"failed to decode type for dynamic value: {error}") from None


def _type(text: str) -> Type:
    """A type as JSON: `"string"`, `["list", "string"]`, `["object", {"a": "string"}, ["a"]]`."""
    decoder = Decoder(text)
    token = decoder.token()
    if isinstance(token, str) and not isinstance(token, Bracket | NumberText):
        if token not in _PRIMITIVES:
            raise TypedJsonError(f"invalid primitive type name {quote(token)}")
        return _PRIMITIVES[token]
    if not isinstance(token, Bracket):
        raise TypedJsonError("invalid type description")
    kind = decoder.token() if token == "[" else None
    if kind is None:
        raise TypedJsonError("invalid complex type description")
    if not isinstance(kind, str) or kind not in (*_COLLECTIONS, "object", "tuple"):
        raise TypedJsonError("invalid complex type kind name")
    found = _compound_type(kind, decoder)
    if decoder.token() != "]" or decoder.more():
        raise TypedJsonError("unexpected extra data in type description")
    return found


def _compound_type(kind: str, decoder: Decoder) -> Type:
    text = decoder.raw()
    if kind in _COLLECTIONS:
        return _COLLECTIONS[kind](_type(text))
    if kind == "tuple":
        return TupleType(tuple(map(_type, _raw_items(text))))
    attributes = {name: _type(raw) for name, raw in _raw_members(text)}
    optional = [_text(raw) for raw in _raw_items(decoder.raw())] if decoder.more() else []
    return ObjectType(dict(sorted(attributes.items())), frozenset(optional))


def _raw_items(text: str) -> Iterator[str]:
    decoder = Decoder(text)
    _require(decoder, "[")
    while decoder.more():
        yield decoder.raw()


def _raw_members(text: str) -> Iterator[tuple[str, str]]:
    decoder = Decoder(text)
    _require(decoder, "{")
    while decoder.more():
        yield _key(decoder, "object key"), decoder.raw()


def _text(text: str) -> str:
    token = Decoder(text).token()
    if not isinstance(token, str) or isinstance(token, Bracket | NumberText):
        raise TypedJsonError("invalid type description")
    return token
