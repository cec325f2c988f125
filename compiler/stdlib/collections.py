"""Lists, tuples, sets, maps and objects. Elements keep their origins."""

from __future__ import annotations

from operator import attrgetter

from bakec.compiler.eval.convert import ConvertError, convert, unify
from bakec.compiler.eval.operators import equal
from bakec.compiler.stdlib.arguments import MAX_ELEMENTS, FunctionError, whole
from bakec.ir import numbers
from bakec.ir.quoting import quote
from bakec.ir.types import DYNAMIC, NUMBER, STRING, ListType, MapType, ObjectType, SetType, TupleType
from bakec.ir.values import Value, boolean, integer, list_, map_, null, object_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bakec.ir.types import Type


def _uniform(items: Iterable[Value], element: Type) -> list[Value]:
    """Nulls without a type get that of the elements."""
    return [null(element, item.origin) if item.raw is None and item.type is DYNAMIC else item for item in items]


def _is_list(value: Value) -> bool:
    """A list or tuple."""
    return value.is_tuple or (isinstance(value.raw, tuple) and isinstance(value.type, ListType))


def _like(value: Value, items: Iterable[Value]) -> Value:
    """`items` of a list or tuple as another of its kind."""
    return tuple_(items) if value.is_tuple else Value(value.type, tuple(items))


# --- one element ----------------------------------------------------------------------------------


def length(collection: Value) -> Value:
    if not isinstance(collection.raw, tuple | dict) or collection.is_object:
        raise FunctionError("collection must be a list, a map or a tuple")
    return integer(len(collection.raw))


def hasindex(collection: Value, key: Value) -> Value:
    _check_indexed(collection)
    return boolean(_find(collection, key) is not None)


def _check_indexed(collection: Value) -> None:
    if not _is_list(collection) and (not isinstance(collection.raw, dict) or collection.is_object):
        raise FunctionError("collection must be a list, a map or a tuple")


def _find(collection: Value, key: Value) -> Value | None:
    """The element at an index or under a key, without converting either."""
    if isinstance(collection.raw, dict):
        return collection.raw.get(key.text) if key.type is STRING else None
    if key.type is not NUMBER:
        return None
    position = numbers.to_int(key.number)
    items = collection.items
    return items[position] if position is not None and 0 <= position < len(items) else None


def index(collection: Value, key: Value) -> Value:
    _check_indexed(collection)
    if isinstance(collection.raw, dict):
        if key.type is not STRING:
            raise FunctionError("key for map must be string")
    elif key.type is not NUMBER:
        raise FunctionError(f"key for {'tuple' if collection.is_tuple else 'list'} must be number")
    elif collection.is_tuple:
        _check_tuple_key(collection.items, key)
    found = _find(collection, key)
    if found is None:
        raise FunctionError("invalid index")
    return found


def _check_tuple_key(items: tuple[Value, ...], key: Value) -> None:
    try:
        position = whole(key)
    except FunctionError as error:
        raise FunctionError(f"invalid key for tuple: {error.message}") from None
    if not 0 <= position < len(items):
        raise FunctionError(f"key must be between 0 and {len(items)} inclusive")


def element(items: Value, position: Value) -> Value:
    if not _is_list(items):
        raise FunctionError(f"cannot read elements from {items.type.friendly_name()}")
    try:
        at = whole(position)
    except FunctionError as error:
        raise FunctionError(f"invalid index: {error.message}") from None
    if not items.items:
        raise FunctionError("cannot use element function with an empty list")
    return items.items[at % len(items.items)]


def lookup(mapping: Value, key: Value, default: Value) -> Value:
    if not isinstance(mapping.raw, dict):
        raise FunctionError("lookup() requires a map as the first argument", 0)
    found = mapping.raw.get(key.text)
    if mapping.is_object:
        return default if found is None else found
    assert isinstance(mapping.type, MapType)
    try:
        fallback = convert(default, mapping.type.element)
    except ConvertError:
        raise FunctionError("the default value must have the same type as the map elements", 2) from None
    return fallback if found is None else found


def contains(items: Value, value: Value) -> Value:
    if not isinstance(items.raw, tuple):
        raise FunctionError("argument must be list, tuple, or set")
    return boolean(any(equal(value, item) for item in items.raw))


def indexof(items: Value, value: Value) -> Value:
    if not _is_list(items):
        raise FunctionError("argument must be a list or tuple")
    if not items.items:
        raise FunctionError("cannot search an empty list")
    for position, item in enumerate(items.items):
        if equal(item, value):
            return integer(position)
    raise FunctionError("item not found")


# --- lists ----------------------------------------------------------------------------------------


def chunklist(items: Value, size: Value) -> Value:
    try:
        count = whole(size)
    except FunctionError as error:
        raise FunctionError(f"invalid size: {error.message}") from None
    if count < 0:
        raise FunctionError("the size argument must be positive")
    elements = items.items
    step = count or len(elements) or 1
    chunks = [elements[start : start + step] for start in range(0, len(elements), step)]
    return list_(items.type, [Value(items.type, chunk) for chunk in chunks])


def coalescelist(*args: Value) -> Value:
    if not args:
        raise FunctionError("at least one argument is required")
    if not all(isinstance(arg.type, ListType | TupleType) for arg in args):
        raise FunctionError("coalescelist arguments must be lists or tuples")
    for arg in args:
        if arg.raw:
            return arg
    raise FunctionError("no non-null arguments")


def compact(items: Value) -> Value:
    return list_(STRING, [item for item in items.items if item.raw])


def concat(*args: Value) -> Value:
    if not args:
        raise FunctionError("at least one argument is required")
    common = _common_list(args)
    if common is not None:
        lists = [_as_list(arg, common, position) for position, arg in enumerate(args)]
        return Value(common, tuple([item for one in lists for item in one.items]))
    for position, arg in enumerate(args):
        if not _is_list(arg):
            name = arg.type.friendly_name()
            raise FunctionError(f"all arguments must be lists or tuples; got {name}", position)
    return tuple_([item for arg in args for item in arg.items])


def _common_list(args: tuple[Value, ...]) -> ListType | None:
    """The type of the result where all arguments are lists that agree on one."""
    if any(arg.is_tuple or not isinstance(arg.type, ListType) for arg in args):
        return None
    common = unify([arg.type for arg in args])
    return common if isinstance(common, ListType) else None


def _as_list(arg: Value, common: Type, position: int) -> Value:
    try:
        return convert(arg, common)
    except ConvertError as error:
        raise FunctionError(str(error), position) from None


def distinct(items: Value) -> Value:
    return Value(items.type, tuple(dict.fromkeys(items.items)))


def flatten(items: Value) -> Value:
    if not isinstance(items.raw, tuple):
        raise FunctionError("can only flatten lists, sets and tuples")
    flat: list[Value] = []
    visits = 0
    # Lists may share their elements, so a small value can be endless when it is flat: visits are counted.
    pending = [iter(items.raw)]
    while pending:
        item = next(pending[-1], None)
        visits += 1
        if visits > 4 * MAX_ELEMENTS:
            raise FunctionError(f"the result would have more than {MAX_ELEMENTS} elements")
        if item is None:
            pending.pop()
        elif isinstance(item.raw, tuple):
            pending.append(iter(item.raw))
        else:
            flat.append(item)
    return tuple_(flat)


def reverselist(items: Value) -> Value:
    if not isinstance(items.raw, tuple):
        name = items.type.friendly_name()
        raise FunctionError(f"can only reverse list or tuple values, not {name}", 0)
    if items.is_tuple:
        return tuple_(reversed(items.raw))
    assert isinstance(items.type, ListType | SetType)
    return list_(items.type.element, reversed(items.raw))


def slice_(items: Value, start: Value, end: Value) -> Value:
    if isinstance(items.type, SetType):
        raise FunctionError(
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the "
            "ordering of the result is not important",
            0,
        )
    if not _is_list(items):
        raise FunctionError("must be a list or tuple value", 0)
    first = _slice_index(start, "start", 1, len(items.items))
    last = _slice_index(end, "end", 2, len(items.items))
    if first > last:
        raise FunctionError("start index must not be greater than end index", 1)
    return _like(items, items.items[first:last])


def _slice_index(value: Value, what: str, argument: int, size: int) -> int:
    try:
        found = whole(value)
    except FunctionError as error:
        raise FunctionError(f"invalid {what} index: {error.message}", argument) from None
    if found < 0:
        raise FunctionError(f"{what} index must not be less than zero", argument)
    if found > size:
        raise FunctionError(f"{what} index must not be greater than the length of the list", argument)
    return found


def sort(items: Value) -> Value:
    for position, item in enumerate(items.items):
        if item.raw is None:
            raise FunctionError(f"given list element {position} is null; a null string cannot be sorted")
    return Value(items.type, tuple(sorted(items.items, key=attrgetter("raw"))))


# --- maps and objects -----------------------------------------------------------------------------


def keys(mapping: Value) -> Value:
    if not isinstance(mapping.raw, dict):
        raise FunctionError("must have map or object type", 0)
    names = [string(name, item.origin) for name, item in mapping.raw.items()]
    return tuple_(names) if mapping.is_object else list_(STRING, names)


def values(mapping: Value) -> Value:
    if not isinstance(mapping.raw, dict):
        raise FunctionError("values() requires a map as the first argument")
    items = mapping.raw.values()
    if mapping.is_object:
        return tuple_(items)
    assert isinstance(mapping.type, MapType)
    return list_(mapping.type.element, items)


def merge(*args: Value) -> Value:
    for arg in args:
        if not isinstance(arg.type, MapType | ObjectType) and arg.type is not DYNAMIC:
            name = quote(arg.type.friendly_name())
            raise FunctionError(f"arguments must be maps or objects, got {name}")
    merged: dict[str, Value] = {}
    for arg in args:
        if arg.raw is not None:
            merged.update(arg.mapping)
    first = args[0].type if args else DYNAMIC
    if isinstance(first, MapType) and all(arg.type == first for arg in args):
        return map_(first.element, merged)
    return object_(merged)


def zipmap(names: Value, items: Value) -> Value:
    if not _is_list(items):
        raise FunctionError("values argument must be a list or tuple value")
    if len(names.items) != len(items.items):
        count = f"number of keys ({len(names.items)}) does not match number of values ({len(items.items)})"
        raise FunctionError(count)
    for position, name in enumerate(names.items):
        if name.raw is None:
            raise FunctionError(f"keys list has null value at index {position}")
    mapping = {name.text: item for name, item in zip(names.items, items.items, strict=True)}
    if items.is_tuple:
        return object_(mapping)
    assert isinstance(items.type, ListType)
    return map_(items.type.element, mapping)
