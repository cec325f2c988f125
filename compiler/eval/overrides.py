"""Variables from outside: the text of an environment variable or a `--var` flag as a value of the variable's type."""

from __future__ import annotations

import math

from bakec.compiler.csv import CsvError, parse_record
from bakec.ir import numbers
from bakec.ir.strconv import NumberError, parse_bool, parse_float
from bakec.ir.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, PrimitiveType, SetType, TupleType
from bakec.ir.values import boolean, list_, map_, number, set_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from bakec.ir.types import Type
    from bakec.ir.values import Value

_FROM_CSV: Final = ListType | SetType | TupleType | MapType


class OverrideError(ValueError):
    """The text does not fit; the message is the reference's."""


def override(name: str, kind: Type | None, default: Value | None, text: str, is_json: bool) -> Value:
    """`text` as the value of variable `name`: of type `kind` if it was declared with one, else of the type of its
    `default`, else a string. `is_json` when it came as `NAME_JSON`. Raises `OverrideError`."""
    if kind is None:
        return _inferred(name, default, text)
    if is_json:
        return _from_json(name, kind, text)
    if isinstance(kind, _FROM_CSV):
        try:
            return _from_csv(name, kind, text)
        except OverrideError as error:
            raise OverrideError(f"failed to convert variable {name} from CSV: {error}") from error
    if isinstance(kind, PrimitiveType):
        return _primitive(name, text, kind)
    raise OverrideError(f"unsupported type {kind.friendly_name()} for variable {name}")


def _inferred(name: str, default: Value | None, text: str) -> Value:
    if default is None or default.type is DYNAMIC:
        return string(text)
    if isinstance(default.type, PrimitiveType):
        return _primitive(name, text, default.type)
    raise OverrideError(f"unsupported type {default.type.friendly_name()} for variable {name}")


def _primitive(name: str, text: str, kind: Type) -> Value:
    if kind is STRING:
        return string(text)
    if kind is BOOL:
        try:
            return boolean(parse_bool(text))
        except NumberError as error:
            raise OverrideError(f"failed to parse {name} as bool: {error}") from error
    assert kind is NUMBER
    try:
        value = parse_float(text)
    except NumberError as error:
        raise OverrideError(f"failed to parse {name} as number: {error}") from error
    if not math.isfinite(value):
        raise OverrideError(f"failed to parse {name} as number: invalid number value")
    # Numbers from outside have the precision of a double, which shows in later arithmetic.
    return number(numbers.from_float(value))


def _from_csv(name: str, kind: ListType | SetType | TupleType | MapType, text: str) -> Value:
    try:
        fields = parse_record(text)
    except CsvError as error:
        raise OverrideError(f"failed to parse {text} as CSV: {error}") from error
    if isinstance(kind, TupleType):
        return _tuple(name, kind, fields)
    if not isinstance(kind.element, PrimitiveType):
        raise OverrideError(f"unsupported type {kind.friendly_name()} for CSV specification")
    if isinstance(kind, MapType):
        return _map(name, kind, fields)
    items = [_element(name, field, kind.element, f"of type {kind.friendly_name()}") for field in fields]
    return list_(kind.element, items) if isinstance(kind, ListType) else set_(kind.element, items)


def _element(name: str, text: str, kind: Type, what: str) -> Value:
    try:
        return _primitive(name, text, kind)
    except OverrideError as error:
        raise OverrideError(f"failed to parse element {what}: {error}") from error


def _tuple(name: str, kind: TupleType, fields: Sequence[str]) -> Value:
    if len(kind.elements) != len(fields):
        raise OverrideError(f"tuple expects {len(kind.elements)} elements but only {len(fields)} provided")
    if not all(isinstance(element, PrimitiveType) for element in kind.elements):
        raise OverrideError("unsupported type tuple for CSV specification")
    pairs = zip(fields, kind.elements, strict=True)
    return tuple_([_element(name, field, element, "of type tuple") for field, element in pairs])


def _map(name: str, kind: MapType, fields: Sequence[str]) -> Value:
    items: dict[str, Value] = {}
    for field in fields:
        try:
            pieces = parse_record(field, comma=":")
        except CsvError as error:
            raise OverrideError(f"failed to parse {field} as k/v for variable {name}: {error}") from error
        if len(pieces) != 2:
            raise OverrideError(f"expected one k/v pair but got {len(pieces)} pieces from {field}")
        items[pieces[0]] = _element(name, pieces[1], kind.element, f"from type {kind.friendly_name()}")
    return map_(kind.element, items)


def _from_json(name: str, kind: Type, text: str) -> Value:
    from bakec.compiler.stdlib.typedjson import TypedJsonError, from_typed_json

    try:
        return from_typed_json(text, kind)
    except TypedJsonError as error:
        raise OverrideError(f"failed to convert variable {name} from JSON: {error}") from error
