"""`convert`: a value as a value of another type, with the reference's explanation where there is none."""

from __future__ import annotations

from bakec.compiler.eval.conversions import (
    AttributeMismatchError,
    ConvertError,
    conversion,
    from_bool,
    from_number,
    to_bool,
    to_number,
    unify,
)
from bakec.ir.numbers import Float
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
from bakec.ir.values import UNKNOWN, Value, list_, null, set_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.eval.conversions import Conversion
    from bakec.ir.types import CollectionType, Type

__all__ = ["ConvertError", "convert", "mismatch", "unify"]


def convert(value: Value, target: Type) -> Value:
    """`value` as a value of `target`; elements keep their origins. Raises `ConvertError`."""
    if target is DYNAMIC:
        return value
    if isinstance(target, PrimitiveType):
        return _to_primitive(value, target)
    fast = _plain_elements(value, target)
    if fast is not None:
        return fast
    if value.type == without_optional(target):
        return value
    change = conversion(value.type, target, unsafe=True)
    if change is None:
        raise ConvertError(mismatch(value.type, target))
    try:
        return change(value)
    except AttributeMismatchError as error:
        reason = mismatch(error.source, error.target)
        message = f"map element type is incompatible with attribute {quote(error.name)}: {reason}"
        raise ConvertError(message) from None


_CONVERSIONS: dict[tuple[type, PrimitiveType], Conversion] = {
    (bool, STRING): from_bool,
    (int, STRING): from_number,
    (Float, STRING): from_number,
    (str, BOOL): to_bool,
    (str, NUMBER): to_number,
}


def _to_primitive(value: Value, target: PrimitiveType) -> Value:
    source = value.type
    if source is target:
        return value
    if value.raw is None or value.raw is UNKNOWN:
        if source is not DYNAMIC and conversion(source, target, unsafe=True) is None:
            raise ConvertError(mismatch(source, target))
        return null(target, value.origin) if value.raw is None else Value(target, UNKNOWN)
    change = _CONVERSIONS.get((type(value.raw), target))
    if change is None:
        raise ConvertError(mismatch(source, target))
    return change(value)


def _plain_elements(value: Value, target: Type) -> Value | None:
    """A tuple of strings to a list of strings, and the like, without working out the type of the tuple; None
    where anything is in the way."""
    if not value.is_tuple or not isinstance(target, ListType | SetType):
        return None
    element = target.element
    if not isinstance(element, PrimitiveType):
        return None
    try:
        items = [_to_primitive(item, element) for item in value.items]
    except ConvertError:
        return None
    build = list_ if isinstance(target, ListType) else set_
    return build(element, items, value.origin)


# --- why there is no conversion -------------------------------------------------------------------


def mismatch(source: Type, target: Type) -> str:
    """Why a value of `source` cannot become one of `target`."""
    match source, target:
        case ObjectType(), ObjectType():
            return _mismatch_objects(source, target)
        case (TupleType(), ListType(element)) | (TupleType(), SetType(element)) if element is DYNAMIC:
            return f"all {_noun(target)} elements must have the same type"
        case ObjectType(), MapType(element) if element is DYNAMIC:
            return "all map elements must have the same type"
        case TupleType() | ObjectType(), ListType() | SetType() | MapType():
            return _mismatch_structure(source, target)
        case ListType() | SetType() | MapType(), ListType() | SetType() | MapType():
            return _mismatch_collections(source, target)
        case _ if _both_names_help(source, target):
            return f"{target.friendly_name()} required, but have {source.friendly_name()}"
        case _:
            return f"{target.constraint_name()} required"


def _noun(target: Type) -> str:
    return target.friendly_name().split()[0]


_PRIMITIVES = (STRING, NUMBER, BOOL)


def _both_names_help(source: Type, target: Type) -> bool:
    """Whether naming both types explains more than it confuses: a string may well be a number."""
    if (source in _PRIMITIVES) != (target in _PRIMITIVES) or target is STRING:
        return True
    if (source, target) in ((NUMBER, BOOL), (BOOL, NUMBER)):
        return True
    return isinstance(source, TupleType) and isinstance(target, ObjectType)


def _mismatch_objects(source: ObjectType, target: ObjectType) -> str:
    missing = sorted(target.attributes.keys() - source.attributes.keys() - target.optional)
    if missing:
        return _missing_attributes(missing)
    for unsafe in (True, False):
        for name, kind in sorted(target.attributes.items(), key=lambda item: item[0]):
            have = source.attributes.get(name)
            if have is not None and have != kind and conversion(have, kind, unsafe=unsafe) is None:
                return f"attribute {quote(name)}: {mismatch(have, kind)}"
    return "incorrect object attributes"


def _missing_attributes(names: list[str]) -> str:
    quoted = [quote(name) for name in names]
    if len(quoted) == 1:
        return f"attribute {quoted[0]} is required"
    if len(quoted) == 2:
        return f"attributes {quoted[0]} and {quoted[1]} are required"
    return f"attributes {', '.join(quoted[:-1])}, and {quoted[-1]} are required"


def _mismatch_structure(source: TupleType | ObjectType, target: CollectionType) -> str:
    if isinstance(target, MapType) != isinstance(source, ObjectType):
        return f"{target.constraint_name()} required"
    inner = (
        ((str(index), kind) for index, kind in enumerate(source.elements))
        if isinstance(source, TupleType)
        else ((quote(name), kind) for name, kind in sorted(source.attributes.items(), key=lambda item: item[0]))
    )
    for place, kind in inner:
        if kind != target.element and conversion(kind, target.element, unsafe=True) is None:
            return f"element {place}: {mismatch(kind, target.element)}"
    return f"all elements must be {target.element.constraint_name()}"


def _mismatch_collections(source: CollectionType, target: CollectionType) -> str:
    if isinstance(target, MapType) != isinstance(source, MapType):
        return f"{target.constraint_name()} required"
    return f"incorrect {_noun(target)} element type: {mismatch(source.element, target.element)}"
