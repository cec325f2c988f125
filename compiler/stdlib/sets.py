"""Sets. Lists and tuples given as arguments become sets first; results come in the order of the values."""

from __future__ import annotations

from itertools import product
from math import prod

from bakec.compiler.eval.convert import ConvertError, convert, unify
from bakec.compiler.stdlib.arguments import MAX_ELEMENTS, FunctionError
from bakec.ir.types import DYNAMIC, ListType, SetType, TupleType
from bakec.ir.values import Value, boolean, list_, set_, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from bakec.ir.types import Type


def sethaselement(items: Value, value: Value) -> Value:
    assert isinstance(items.type, SetType)
    return boolean(value.type == items.type.element and value in items.items)


def setunion(*args: Value) -> Value:
    return _combine(args, lambda left, right: left | right)


def setintersection(*args: Value) -> Value:
    return _combine(args, lambda left, right: {item: None for item in left if item in right})


def setsubtract(*args: Value) -> Value:
    return _combine(args, _without)


def setsymmetricdifference(*args: Value) -> Value:
    return _combine(args, lambda left, right: _without(left, right) | _without(right, left))


Elements: TypeAlias = dict[Value, None]


def _without(left: Elements, right: Elements) -> Elements:
    return {item: None for item in left if item not in right}


def _combine(args: tuple[Value, ...], operation: Callable[[Elements, Elements], Elements]) -> Value:
    kind = _common_set(args)
    sets = [dict.fromkeys(_as_set(arg, kind, position)) for position, arg in enumerate(args)]
    result = sets[0]
    for other in sets[1:]:
        result = operation(result, other)
    return set_(kind.element, result)


def _as_set(arg: Value, kind: SetType, position: int) -> tuple[Value, ...]:
    try:
        return convert(arg, kind).items
    except ConvertError as error:
        raise FunctionError(str(error), position) from None


def _common_set(args: tuple[Value, ...]) -> SetType:
    kinds: list[Type] = []
    for arg in args:
        assert isinstance(arg.type, SetType)
        if arg.items or arg.type.element is not DYNAMIC:
            kinds.append(arg.type.element)
    common = unify(kinds) if kinds else DYNAMIC
    if common is None:
        raise FunctionError("given sets must all have compatible element types")
    return SetType(common)


def setproduct(*args: Value) -> Value:
    if len(args) < 2:
        raise FunctionError("at least two arguments are required")
    kinds = [_element_type(arg, position) for position, arg in enumerate(args)]
    if prod(len(arg.items) for arg in args) * len(args) > MAX_ELEMENTS:
        raise FunctionError(f"the result would have more than {MAX_ELEMENTS} elements")
    rows: list[Value] = []
    if all(arg.items for arg in args):
        columns = [[convert(item, kind) for item in arg.items] for arg, kind in zip(args, kinds, strict=True)]
        rows = [tuple_(row) for row in product(*columns)]
    element_type = TupleType(tuple(kinds))
    build = set_ if any(isinstance(arg.type, SetType) for arg in args) else list_
    return build(element_type, rows)


def _element_type(arg: Value, position: int) -> Type:
    if not isinstance(arg.raw, tuple):
        raise FunctionError("a set or a list is required", position)
    if not arg.is_tuple:
        assert isinstance(arg.type, ListType | SetType)
        return arg.type.element
    if not arg.raw:
        return DYNAMIC
    common = unify([item.type for item in arg.raw])
    if common is None:
        raise FunctionError("all elements must be of the same type", position)
    return common
