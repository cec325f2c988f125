"""Values of the expression language, with their types and where they came from.

`Value.raw` is, by type: `str`; `Number`; `bool`; a tuple of values for lists, sets and tuples; a dict of
values for maps and objects, sorted by the UTF-8 bytes of its keys. None is null, and `UNKNOWN` the result of
an expression that failed. Values are immutable by agreement: nobody writes to one, nor to its dict, once it
is made.
"""

from __future__ import annotations

from functools import cmp_to_key
from unicodedata import is_normalized, normalize

from bakec.ir import numbers
from bakec.ir.numbers import Float
from bakec.ir.quoting import quote
from bakec.ir.records import Enum
from bakec.ir.static import final
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
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final, TypeAlias

    from bakec.ir.numbers import Number
    from bakec.ir.origin import Origin
    from bakec.ir.types import Type


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN

Raw: TypeAlias = str | bool | int | Float | tuple["Value", ...] | dict[str, "Value"] | _Unknown | None


@final
class Value:
    """One value. `origin` is where it came from; two values that differ in nothing else are equal."""

    __slots__ = ("_type", "origin", "raw")

    raw: Raw
    origin: Origin | None

    def __init__(self, type: Type | None, raw: Raw, origin: Origin | None = None) -> None:  # noqa: A002
        self._type = type
        self.raw = raw
        self.origin = origin

    @property
    def type(self) -> Type:
        """Worked out on demand for tuples and objects: it is as large as the value, and few are asked for
        it."""
        known = self._type
        if known is None:
            known = self._type = _type_of(self.raw)
        return known

    def has_type(self, kind: Type) -> bool:
        """Whether it is seen at a glance that the type is `kind`."""
        return self._type is kind

    def __repr__(self) -> str:
        return f"Value({self.type!r}, {self.raw!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value):
            return NotImplemented
        if self is other:
            return True
        if self.raw != other.raw:
            return False
        if self._type is None and other._type is None:
            return True  # the elements compared their own types
        return self.type == other.type

    def __hash__(self) -> int:
        raw = self.raw
        return hash(tuple(raw.items()) if isinstance(raw, dict) else raw)

    @property
    def is_null(self) -> bool:
        return self.raw is None

    @property
    def is_known(self) -> bool:
        return self.raw is not UNKNOWN

    @property
    def is_tuple(self) -> bool:
        """A tuple that is not null, told without working out its type. Lists and sets are none."""
        return isinstance(self.raw, tuple) and (self._type is None or isinstance(self._type, TupleType))

    @property
    def is_object(self) -> bool:
        """An object that is not null, told without working out its type. Maps are none."""
        return isinstance(self.raw, dict) and (self._type is None or isinstance(self._type, ObjectType))

    @property
    def text(self) -> str:
        """The string of a value known to be one."""
        assert isinstance(self.raw, str)
        return self.raw

    @property
    def items(self) -> tuple[Value, ...]:
        """The elements of a value known to be a list, set or tuple."""
        assert isinstance(self.raw, tuple)
        return self.raw

    @property
    def mapping(self) -> dict[str, Value]:
        """The elements of a value known to be a map or object."""
        assert isinstance(self.raw, dict)
        return self.raw

    @property
    def number(self) -> Number:
        """Of a number."""
        raw = self.raw
        assert isinstance(raw, int | Float)
        return raw

    def with_origin(self, origin: Origin | None) -> Value:
        """The same value from somewhere else."""
        return Value(self._type, self.raw, origin)


def _type_of(raw: Raw) -> Type:
    """The type of a tuple or an object."""
    if isinstance(raw, dict):
        return ObjectType({name: item.type for name, item in raw.items()})
    if isinstance(raw, tuple):
        return TupleType(tuple([item.type for item in raw]))
    raise TypeError(f"{raw!r} does not say its type")


UNKNOWN_VALUE: Final = Value(DYNAMIC, UNKNOWN)
TRUE: Final = Value(BOOL, True)
FALSE: Final = Value(BOOL, False)
NULL: Final = Value(DYNAMIC, None)


def normal(text: str) -> str:
    """`text` in normalization form C, which every string and key of the language is in."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def string(text: str, origin: Origin | None = None) -> Value:
    return Value(STRING, normal(text), origin)


def number(value: Number, origin: Origin | None = None) -> Value:
    return Value(NUMBER, value, origin)


def integer(value: int, origin: Origin | None = None) -> Value:
    """A length, an index, a count: a number of 64 bits (`numbers.integer`)."""
    return Value(NUMBER, numbers.integer(value), origin)


def boolean(value: bool, origin: Origin | None = None) -> Value:
    if origin is None:
        return TRUE if value else FALSE
    return Value(BOOL, value, origin)


def null(type: Type = DYNAMIC, origin: Origin | None = None) -> Value:  # noqa: A002
    return Value(type, None, origin)


def tuple_(items: Iterable[Value], origin: Origin | None = None) -> Value:
    return Value(None, tuple(items), origin)


def object_(items: Mapping[str, Value], origin: Origin | None = None) -> Value:
    return Value(None, sorted_items(items), origin)


def list_(element: Type, items: Iterable[Value], origin: Origin | None = None) -> Value:
    return Value(ListType(element), tuple(items), origin)


def set_(element: Type, items: Iterable[Value], origin: Origin | None = None) -> Value:
    """Equal items count once (the first stays), in the language's order."""
    if isinstance(element, PrimitiveType):
        found: dict[Raw, Value] = {}
        for item in items:
            found.setdefault(item.raw, item)
        unique: Iterable[Value] = found.values()
    else:
        unique = dict.fromkeys(items)
    return Value(SetType(element), tuple(sorted(unique, key=_set_order)), origin)


def map_(element: Type, items: Mapping[str, Value], origin: Origin | None = None) -> Value:
    return Value(MapType(element), sorted_items(items), origin)


def sorted_items(items: Mapping[str, Value]) -> dict[str, Value]:
    """A new dict with normal keys in the order of their UTF-8 bytes, which is that of their code points."""
    if len(items) < 2:
        return {normal(name): item for name, item in items.items()}
    return dict(sorted([(normal(name), item) for name, item in items.items()], key=_first))


def _first(item: tuple[str, Value]) -> str:
    return item[0]


def _set_order(item: Value) -> tuple[int, str | bool | object]:
    """Strings by code point, numbers by value, bools false first, all else by `set_text`; null behind all."""
    raw = item.raw
    if raw is None or raw is UNKNOWN:
        return (1 if raw is None else 2), ""
    if isinstance(raw, str | bool):
        return 0, raw
    if isinstance(raw, int | Float):
        return 0, _by_value(raw)
    return 0, set_text(item)


_by_value = cmp_to_key(numbers.compare)


def set_text(item: Value) -> str:
    """A text that orders the collections and structures within one set as the reference orders them."""
    raw = item.raw
    if raw is None:
        return "~"
    if isinstance(raw, bool):
        return "T" if raw else "F"
    if isinstance(raw, str):
        return quote(raw)
    if isinstance(raw, int | Float):
        return numbers.brief(raw)
    if isinstance(raw, tuple):
        inner = "".join([set_text(one) + ";" for one in raw])
        return f"<{inner}>" if item.is_tuple else f"[{inner}]"
    if isinstance(raw, dict):
        return _keyed_text(raw, named=not item.is_object)
    return "?"


def _keyed_text(items: dict[str, Value], *, named: bool) -> str:
    if not named:
        return f"<{''.join([set_text(one) + ';' for one in items.values()])}>"
    return f"{{{''.join([f'{quote(name)}:{set_text(one)};' for name, one in items.items()])}}}"
