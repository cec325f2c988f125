"""Steps into a value: `.name` and `[key]`."""

from __future__ import annotations

from bakec.compiler.eval.convert import ConvertError, convert
from bakec.ir import numbers
from bakec.ir.codes import evaluate as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.syntax import AttrStep
from bakec.ir.types import NUMBER, STRING, ListType, ObjectType, PrimitiveType, SetType
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.span import Span
    from bakec.ir.syntax import IndexStep, Step
    from bakec.ir.types import Type
    from bakec.ir.values import Value

_NOT_FOUND = "The given key does not identify an element in this collection value"


def step_into(value: Value, step: Step) -> Value | Diagnostic:
    """The element that `step` leads to, with its own origin or, if it has none, that of `value`."""
    found = attribute(value, step) if isinstance(step, AttrStep) else index(value, step)
    if isinstance(found, Diagnostic) or found.origin is not None:
        return found
    return found.with_origin(value.origin)


def attribute(value: Value, step: AttrStep) -> Value | Diagnostic:
    """`value.name`."""
    raw = value.raw
    if isinstance(raw, dict):
        found = raw.get(step.name)
        if found is not None:
            return found
        if value.is_object:
            reason = f'This object does not have an attribute named "{step.name}".'
            return codes.UNSUPPORTED_ATTRIBUTE.at(step.span, reason=reason)
        return codes.MISSING_ELEMENT.at(step.span, key=step.name)
    if raw is None:
        return codes.NULL_ATTRIBUTE.at(step.span)
    if raw is UNKNOWN:
        return UNKNOWN_VALUE
    return codes.UNSUPPORTED_ATTRIBUTE.at(step.span, reason=_no_attributes(value.type, step.name))


def _no_attributes(kind: Type, name: str) -> str:
    match kind:
        case PrimitiveType():
            return f"Can't access attributes on a primitive-typed value ({kind.friendly_name()})."
        case SetType(element=ObjectType()):
            return (
                "Can't access attributes on a set of objects. Did you mean to access an attribute across all elements "
                "of the set?"
            )
        case ListType(element=ObjectType(attributes=attributes)):
            what = f'attribute "{name}"' if name in attributes else "an attribute"
            return (
                f"Can't access attributes on a list of objects. Did you mean to access {what} for a specific element "
                "of the list, or across all elements of the list?"
            )
        case _:
            return "This value does not have any attributes."


def index(value: Value, step: IndexStep) -> Value | Diagnostic:
    """`value[key]`."""
    if value.raw is None:
        return codes.NULL_INDEX.at(step.span)
    if step.key.raw is None:
        return _invalid(step.span, "Can't use a null value as an indexing key.")
    if value.raw is UNKNOWN or step.key.raw is UNKNOWN:
        return UNKNOWN_VALUE
    if isinstance(value.raw, dict):
        return _index_mapping(value, step)
    if not isinstance(value.raw, tuple):
        return _invalid(step.span, "This value does not have any indices.")
    if value.is_tuple or isinstance(value.type, ListType):
        return _index_sequence(value, step)
    reason = (
        "Elements of a set are identified only by their value and don't have any separate index or key to select "
        "with, so it's only possible to perform operations across all elements of the set."
    )
    return _invalid(step.span, reason)


def _invalid(span: Span, reason: str) -> Diagnostic:
    return codes.INVALID_INDEX.at(span, reason=reason)


def _index_mapping(value: Value, step: IndexStep) -> Value | Diagnostic:
    try:
        key = convert(step.key, STRING).text
    except ConvertError as error:
        return _invalid(step.span, f"{_NOT_FOUND}: {error}.")
    found = value.mapping.get(key)
    if found is not None:
        return found
    by_number = value.is_object and step.key.type is NUMBER
    more = " An object only supports looking up attributes by name, not by numeric index." if by_number else ""
    return _invalid(step.span, f"{_NOT_FOUND}.{more}")


def _index_sequence(value: Value, step: IndexStep) -> Value | Diagnostic:
    try:
        key = convert(step.key, NUMBER).raw
    except ConvertError as error:
        return _invalid(step.span, f"{_NOT_FOUND}: {error}.")
    assert isinstance(key, numbers.Number)
    position = numbers.to_int(key)
    items = value.items
    if position is None:
        more = ": indexing a sequence requires a whole number, but the given index has a fractional part"
    elif position < 0:
        more = ": a negative number is not a valid index for a sequence"
    elif position < len(items):
        return items[position]
    elif position > len(items):
        # The reference compares the wrong way round here and so leaves the reason out.
        more = ""
    elif items:
        more = ": the given index is greater than or equal to the length of the collection"
    else:
        more = ": the collection has no elements"
    return _invalid(step.span, f"{_NOT_FOUND}{more}.")
