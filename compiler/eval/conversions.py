"""Which conversions exist between types, and the search for one type that several can convert to.

Whether a conversion exists is decided from types alone, before any value is looked at. An *unsafe* conversion
may still fail on a value (a string that is no number).
"""

from __future__ import annotations

from collections.abc import Callable

from bakec.ir import numbers
from bakec.ir.numbers import TooLargeError
from bakec.ir.quoting import quote
from bakec.ir.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    DynamicType,
    ListType,
    MapType,
    ObjectType,
    PrimitiveType,
    SetType,
    TupleType,
    has_dynamic,
    without_optional,
)
from bakec.ir.values import FALSE, TRUE, UNKNOWN, Value, list_, map_, null, object_, set_, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from bakec.ir.types import Type


class ConvertError(ValueError):
    """The value has no counterpart in the type. The message stands behind "unsuitable value: " and the
    like."""


class AttributeMismatchError(ConvertError):
    """A map's element cannot become the optional attribute `name` of type `target`."""

    def __init__(self, name: str, source: Type, target: Type) -> None:
        super().__init__(name, source, target)
        self.name = name
        self.source = source
        self.target = target


Conversion: TypeAlias = Callable[[Value], Value]


def conversion(source: Type, target: Type, *, unsafe: bool) -> Conversion | None:
    """What converts values of `source` to `target`, or None. What it returns raises `ConvertError`."""
    if target is DYNAMIC:
        return _same
    inner = _conversion(source, target, unsafe=unsafe)
    if inner is None:
        return None

    def guarded(value: Value) -> Value:
        if value.raw is None:
            return null(_replaced(value.type, without_optional(target)), value.origin)
        return value if value.raw is UNKNOWN else inner(value)

    return guarded


def _same(value: Value) -> Value:
    return value


def _conversion(source: Type, target: Type, *, unsafe: bool) -> Conversion | None:
    match source, target:
        case DynamicType(), _:
            return _late(target) if unsafe else None
        case PrimitiveType(), PrimitiveType():
            return _primitive(source, target, unsafe=unsafe)
        case ObjectType(), ObjectType():
            return _object_to_object(source, target, unsafe=unsafe)
        case TupleType(), TupleType():
            return _tuple_to_tuple(source, target, unsafe=unsafe)
        case ListType() | SetType(), ListType():
            return _elements(source.element, target, unsafe=unsafe)
        case ListType(), SetType() if not unsafe:
            return None  # it would lose the order and the duplicates
        case ListType() | SetType(), SetType():
            return _elements(source.element, target, unsafe=unsafe)
        case MapType(), MapType():
            return _map_to_map(source.element, target.element, unsafe=unsafe)
        case TupleType(), ListType() | SetType():
            return _tuple_to_elements(source, target, unsafe=unsafe)
        case ObjectType(), MapType():
            return _object_to_map(source, target.element, unsafe=unsafe)
        case MapType(), ObjectType() if unsafe:
            return _map_to_object(source.element, target)
        case _:
            return None


def _late(target: Type) -> Conversion:
    """For a value whose type was not known before: nulls and unknown values never get here."""

    def convert_late(value: Value) -> Value:
        change = _between(value.type, target, unsafe=True)
        assert change is not None, "a known value has a known type"
        return change(value)

    return convert_late


def _primitive(source: PrimitiveType, target: PrimitiveType, *, unsafe: bool) -> Conversion | None:
    if source is target:
        return None
    if target is STRING:
        return from_bool if source is BOOL else from_number
    if unsafe and source is STRING:
        return to_bool if target is BOOL else to_number if target is NUMBER else None
    return None


def from_bool(value: Value) -> Value:
    return Value(STRING, "true" if value.raw else "false", value.origin)


def from_number(value: Value) -> Value:
    return Value(STRING, numbers.to_text(value.number), value.origin)


def to_bool(value: Value) -> Value:
    text = value.text
    if text in ("true", "1"):
        return TRUE.with_origin(value.origin)
    if text in ("false", "0"):
        return FALSE.with_origin(value.origin)
    lower = text.lower()
    if lower in ("true", "false"):
        raise ConvertError(f'a bool is required; to convert from string, use lowercase "{lower}"')
    raise ConvertError("a bool is required")


def to_number(value: Value) -> Value:
    try:
        found = numbers.parse(value.text)
    except TooLargeError as error:
        raise ConvertError(str(error)) from None
    if found is None:
        raise ConvertError("a number is required")
    return Value(NUMBER, found, value.origin)


def _between(source: Type, target: Type, *, unsafe: bool) -> Conversion | None:
    """Like `conversion`, but equal types need none: `_same`."""
    return _same if source == target else conversion(source, target, unsafe=unsafe)


def _concrete_null(value: Value) -> Value:
    """A null never has a type with optional attributes."""
    return null(without_optional(value.type), value.origin) if value.raw is None else value


def _elements(source: Type, target: ListType | SetType, *, unsafe: bool) -> Conversion | None:
    change = _between(source, target.element, unsafe=unsafe)
    if change is None:
        return None

    def convert_elements(value: Value) -> Value:
        items = [_concrete_null(change(item)) for item in value.items]
        if not items:
            empty = source if target.element is DYNAMIC else without_optional(target.element)
            return _sequence(target, empty, (), value)
        return _sequence(target, _common_type(items, _noun(target)), items, value)

    return convert_elements


def _noun(target: ListType | SetType) -> str:
    return "list" if isinstance(target, ListType) else "set"


def _sequence(target: ListType | SetType, element: Type, items: Iterable[Value], value: Value) -> Value:
    build = list_ if isinstance(target, ListType) else set_
    return build(element, [_typed_null(item, element) for item in items], value.origin)


def _typed_null(item: Value, element: Type) -> Value:
    return null(element, item.origin) if item.raw is None and item.type is DYNAMIC else item


def _common_type(items: Iterable[Value], noun: str, what: str = "element") -> Type:
    """The one type that all items have, but for untyped nulls."""
    common: Type = DYNAMIC
    for item in items:
        if common is DYNAMIC:
            common = item.type
        elif item.type is not DYNAMIC and item.type != common:
            raise ConvertError(f"{what} types must all match for conversion to {noun}")
    return common


def _tuple_to_elements(source: TupleType, target: ListType | SetType, *, unsafe: bool) -> Conversion | None:
    if not source.elements:
        return lambda value: _sequence(target, without_optional(target.element), (), value)
    element = _element_type(source.elements, target.element, unsafe=unsafe)
    if element is None or (element is DYNAMIC and any(kind is not DYNAMIC for kind in source.elements)):
        return None
    changes = _each(source.elements, element, unsafe=unsafe)
    if changes is None:
        return None

    def convert_tuple(value: Value) -> Value:
        items = [change(item) for change, item in zip(changes, value.items, strict=True)]
        if isinstance(target, ListType):
            items = _unified(items, unsafe=unsafe) if has_dynamic(element) else items
        else:
            items = [_concrete_null(item) for item in items]
        return _sequence(target, _common_type(items, _noun(target)), items, value)

    return convert_tuple


def _element_type(sources: Sequence[Type], wanted: Type, *, unsafe: bool) -> Type | None:
    return unify(sources, unsafe=unsafe) if wanted is DYNAMIC else wanted


def _each(sources: Sequence[Type], target: Type, *, unsafe: bool) -> list[Conversion] | None:
    """One conversion for each source type; None if there is none for one of them."""
    known: dict[Type, Conversion] = {}
    changes: list[Conversion] = []
    for source in sources:
        change = known.get(source) or _between(source, target, unsafe=unsafe)
        if change is None:
            return None
        known[source] = change
        changes.append(change)
    return changes


def _unified(items: list[Value], *, unsafe: bool) -> list[Value]:
    """Converted elements of different types (the wanted type left something open), brought to one."""
    common = unify([item.type for item in items], unsafe=unsafe)
    if common is None:
        raise ConvertError("cannot find a common base type for all elements")
    changed = []
    for item in items:
        change = _between(item.type, common, unsafe=unsafe)
        assert change is not None, "unify finds a type that all convert to"
        changed.append(change(item))
    return changed


def _tuple_to_tuple(source: TupleType, target: TupleType, *, unsafe: bool) -> Conversion | None:
    if len(source.elements) != len(target.elements):
        return None
    changes: list[Conversion] = []
    for one, other in zip(source.elements, target.elements, strict=True):
        change = _between(one, other, unsafe=unsafe)
        if change is None:
            return None
        changes.append(change)

    def convert_tuple(value: Value) -> Value:
        return tuple_([change(item) for change, item in zip(changes, value.items, strict=True)], value.origin)

    return convert_tuple


def _map_to_map(source: Type, target: Type, *, unsafe: bool) -> Conversion | None:
    change = conversion(source, target, unsafe=unsafe)
    if change is None:
        return None

    def convert_map(value: Value) -> Value:
        items = {key: change(item) for key, item in value.mapping.items()}
        if not items:
            return map_(source if target is DYNAMIC else without_optional(target), {}, value.origin)
        return _map_of(items, target, "element", value, unsafe=False)

    return convert_map


def _map_of(items: Mapping[str, Value], wanted: Type, what: str, value: Value, *, unsafe: bool) -> Value:
    if isinstance(wanted, ListType | SetType | MapType | ObjectType):
        items = dict(zip(items, _unified(list(items.values()), unsafe=unsafe), strict=True))
    element = _common_type(items.values(), "map", what)
    return map_(element, {key: _typed_null(item, element) for key, item in items.items()}, value.origin)


def _object_to_map(source: ObjectType, wanted: Type, *, unsafe: bool) -> Conversion | None:
    if not source.attributes:
        return lambda value: map_(without_optional(wanted), {}, value.origin)
    kinds = list(source.attributes.values())
    element = _element_type(kinds, wanted, unsafe=unsafe)
    if element is None:
        return None
    changes = _each(kinds, element, unsafe=unsafe)
    if changes is None:
        return None
    by_name = dict(zip(source.attributes, changes, strict=True))

    def convert_object(value: Value) -> Value:
        items = {name: by_name[name](item) for name, item in value.mapping.items()}
        return _map_of(items, element, "attribute", value, unsafe=unsafe)

    return convert_object


def _object_to_object(source: ObjectType, target: ObjectType, *, unsafe: bool) -> Conversion | None:
    changes: dict[str, Conversion] = {}
    for name, kind in target.attributes.items():
        if name not in source.attributes:
            if name in target.optional:
                continue
            return None
        change = _between(source.attributes[name], kind, unsafe=unsafe)
        if change is None:
            return None
        changes[name] = change

    def convert_object(value: Value) -> Value:
        items = {name: _concrete_null(change(value.mapping[name])) for name, change in changes.items()}
        return object_(_with_absent(items, target), value.origin)

    return convert_object


def _with_absent(items: dict[str, Value], target: ObjectType) -> dict[str, Value]:
    """`items` and a null for each optional attribute that is not there."""
    absent = sorted(target.optional - items.keys())
    return items | {name: null(without_optional(target.attributes[name])) for name in absent}


def _map_to_object(element: Type, target: ObjectType) -> Conversion | None:
    changes: dict[str, Conversion | None] = {}
    for name, kind in target.attributes.items():
        changes[name] = _between(element, kind, unsafe=True)
        if changes[name] is None and name not in target.optional:
            return None

    def convert_map(value: Value) -> Value:
        items: dict[str, Value] = {}
        for name, item in value.mapping.items():
            if name not in changes:
                continue
            change = changes[name]
            if change is None:
                raise AttributeMismatchError(name, item.type, target.attributes[name])
            items[name] = _concrete_null(change(item))
        for name in target.attributes:
            if name not in items and name not in target.optional:
                raise ConvertError(f"map has no element for required attribute {quote(name)}")
        return object_(_with_absent(items, target), value.origin)

    return convert_map


def _replaced(source: Type, target: Type) -> Type:
    """`target` with what it leaves open taken from `source`: the type of a converted null."""
    if source is DYNAMIC:
        return target
    if target is DYNAMIC:
        return source
    match target:
        case ListType():
            return ListType(_replaced_element(source, target.element))
        case SetType():
            return SetType(_replaced_element(source, target.element))
        case MapType():
            return MapType(_replaced_element(source, target.element))
        case TupleType() if isinstance(source, TupleType):
            pairs = zip(source.elements, target.elements, strict=True)
            return TupleType(tuple([_replaced(one, other) for one, other in pairs]))
        case ObjectType():
            kinds = target.attributes.items()
            return ObjectType({name: _replaced(_attribute(source, name), kind) for name, kind in kinds})
        case _:
            return target


def _replaced_element(source: Type, element: Type) -> Type:
    match source:
        case ListType() | SetType() | MapType():
            return _replaced(source.element, element)
        case TupleType():
            return _replaced(unify(source.elements, unsafe=True) or DYNAMIC, element)
        case ObjectType():
            return _replaced(unify(list(source.attributes.values()), unsafe=True) or DYNAMIC, element)
        case _:
            return element


def _attribute(source: Type, name: str) -> Type:
    match source:
        case MapType():
            return source.element
        case ObjectType():
            return source.attributes.get(name, DYNAMIC)
        case _:
            return DYNAMIC


# --- unification ----------------------------------------------------------------------------------


def unify(types: Iterable[Type], *, unsafe: bool = True) -> Type | None:
    """The most general type that all of `types` convert to, or None. Untyped nulls fit to anything."""
    kinds = list(dict.fromkeys(types))
    if not kinds:
        return None
    if len(kinds) == 1:
        return kinds[0]
    classes = {type(kind) for kind in kinds}
    dynamic = DynamicType in classes
    classes.discard(DynamicType)
    if len(classes) == 1 and PrimitiveType not in classes:
        return DYNAMIC if dynamic else _unify_alike(kinds, unsafe=unsafe)
    if classes == {MapType, ObjectType}:
        objects = [kind for kind in kinds if isinstance(kind, ObjectType)]
        found = _unify_disguised(kinds, ObjectType, _objects_to_map(objects, unsafe=unsafe), unsafe=unsafe)
        if isinstance(found, MapType):
            return found
    elif classes == {ListType, TupleType}:
        tuples = [kind for kind in kinds if isinstance(kind, TupleType)]
        found = _unify_disguised(kinds, TupleType, _tuples_to_list(tuples, unsafe=unsafe), unsafe=unsafe)
        if isinstance(found, ListType):
            return found
    elif {ObjectType, TupleType} <= classes:
        return None
    return _most_general(kinds, unsafe=unsafe)


def _unify_alike(kinds: list[Type], *, unsafe: bool) -> Type | None:
    """Types of one kind: element by element, attribute by attribute."""
    match kinds[0]:
        case ObjectType():
            return _unify_objects([kind for kind in kinds if isinstance(kind, ObjectType)], unsafe=unsafe)
        case TupleType():
            return _unify_tuples([kind for kind in kinds if isinstance(kind, TupleType)], unsafe=unsafe)
        case ListType() | SetType() | MapType() as first:
            inner = [kind.element for kind in kinds if isinstance(kind, ListType | SetType | MapType)]
            element = unify(inner, unsafe=unsafe)
            if element is None:
                return None
            return _if_reachable(type(first)(element), kinds, unsafe=unsafe)
        case _:
            raise AssertionError("primitive types are no collection")


def _if_reachable(target: Type, kinds: Iterable[Type], *, unsafe: bool) -> Type | None:
    return target if all(_between(kind, target, unsafe=unsafe) for kind in kinds) else None


def _unify_objects(kinds: list[ObjectType], *, unsafe: bool) -> Type | None:
    first = kinds[0].attributes
    if any(kind.attributes.keys() != first.keys() for kind in kinds):
        return _objects_to_map(kinds, unsafe=unsafe)
    attributes: dict[str, Type] = {}
    for name in sorted(first):
        found = unify([kind.attributes[name] for kind in kinds], unsafe=unsafe)
        if found is None:
            return None
        attributes[name] = found
    return _if_reachable(ObjectType(attributes), kinds, unsafe=unsafe) or _objects_to_map(kinds, unsafe=unsafe)


def _objects_to_map(kinds: Sequence[ObjectType], *, unsafe: bool) -> Type | None:
    inner = [item for kind in kinds for item in kind.attributes.values()]
    element = unify(inner, unsafe=unsafe)
    return None if element is None else _if_reachable(MapType(element), kinds, unsafe=unsafe)


def _unify_tuples(kinds: list[TupleType], *, unsafe: bool) -> Type | None:
    if any(len(kind.elements) != len(kinds[0].elements) for kind in kinds):
        return _tuples_to_list(kinds, unsafe=unsafe)
    elements: list[Type] = []
    for column in zip(*[kind.elements for kind in kinds], strict=True):
        found = unify(column, unsafe=unsafe)
        if found is None:
            return None
        elements.append(found)
    return _if_reachable(TupleType(tuple(elements)), kinds, unsafe=unsafe) or _tuples_to_list(kinds, unsafe=unsafe)


def _tuples_to_list(kinds: Sequence[TupleType], *, unsafe: bool) -> Type | None:
    inner = [item for kind in kinds for item in kind.elements]
    element = unify(inner, unsafe=unsafe)
    return None if element is None else _if_reachable(ListType(element), kinds, unsafe=unsafe)


def _unify_disguised(
    kinds: list[Type], disguise: type[ObjectType | TupleType], revealed: Type | None, *, unsafe: bool
) -> Type | None:
    """Objects among maps are maps written as literals, tuples among lists are lists: `revealed` says of what."""
    if revealed is None:
        return None
    return unify([revealed if isinstance(kind, disguise) else kind for kind in kinds], unsafe=unsafe)


def _most_general(kinds: list[Type], *, unsafe: bool) -> Type | None:
    """The first of `kinds`, the more general before the less, that all others convert to."""
    for wanted in _by_generality(kinds):
        if _if_reachable(wanted, kinds, unsafe=unsafe):
            return wanted
    return None


def _by_generality(kinds: list[Type]) -> list[Type]:
    """Sorted so that no type stands behind a less general one; otherwise in their order."""
    below: list[list[int]] = [[] for _ in kinds]
    above = [0] * len(kinds)
    for one, kind in enumerate(kinds):
        for other in range(one + 1, len(kinds)):
            order = _generality(kind, kinds[other])
            if order:
                more, less = (one, other) if order < 0 else (other, one)
                below[more].append(less)
                above[less] += 1
    queue = [index for index, count in enumerate(above) if not count]
    for index in queue:
        for less in below[index]:
            above[less] -= 1
            if not above[less]:
                queue.append(less)
    return [kinds[index] for index in queue]


def _generality(one: Type, other: Type) -> int:
    """-1 where `one` is more general, 1 where `other` is, else 0."""
    if one is DYNAMIC or other is DYNAMIC:
        return (one is DYNAMIC) - (other is DYNAMIC)
    if STRING in (one, other) and isinstance(one, PrimitiveType) and isinstance(other, PrimitiveType):
        return (other is STRING) - (one is STRING)
    match one, other:
        case (ListType(inner), ListType(outer)) | (SetType(inner), SetType(outer)) | (MapType(inner), MapType(outer)):
            return _generality(inner, outer)
        case (ListType() | TupleType(), SetType()) | (ListType(), TupleType()) | (MapType(), ObjectType()):
            return -1
        case (SetType(), ListType() | TupleType()) | (TupleType(), ListType()) | (ObjectType(), MapType()):
            return 1
        case ObjectType(), ObjectType():
            return _generality_objects(one, other)
        case TupleType(), TupleType() if len(one.elements) == len(other.elements):
            return _generality_all(zip(one.elements, other.elements, strict=True))
        case _:
            return 0


def _generality_objects(one: ObjectType, other: ObjectType) -> int:
    if one.attributes.keys() != other.attributes.keys():
        return 0
    return _generality_all([(kind, other.attributes[name]) for name, kind in one.attributes.items()])


def _generality_all(pairs: Iterable[tuple[Type, Type]]) -> int:
    """The order that all pairs agree on."""
    orders = {_generality(one, other) for one, other in pairs} - {0}
    return orders.pop() if len(orders) == 1 else 0
