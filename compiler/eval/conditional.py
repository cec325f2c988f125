"""`condition ? a : b`: both results are evaluated, their types unified, and the errors of the other one dropped."""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.eval.convert import ConvertError, convert, unify
from bakec.compiler.eval.scope import Scope
from bakec.ir.codes import evaluate as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.quoting import quote
from bakec.ir.syntax import Expr
from bakec.ir.types import BOOL, DYNAMIC, ListType, MapType, ObjectType, SetType, TupleType
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.ir.syntax import Conditional
    from bakec.ir.types import Type

Evaluate = Callable[[Expr, Scope, list[Diagnostic]], Value]


def conditional(expr: Conditional, scope: Scope, sink: list[Diagnostic], evaluate: Evaluate) -> Value:
    """The selected result, converted to the type that both results share."""
    true_sink: list[Diagnostic] = []
    false_sink: list[Diagnostic] = []
    true = evaluate(expr.true, scope, true_sink)
    false = evaluate(expr.false, scope, false_sink)
    result_type = _result_type(true, false)
    if result_type is None:
        reason = (
            "The true and false result expressions must have consistent types. "
            f"{describe_mismatch(true.type, false.type)}"
        )
        span = expr.true.span.to(expr.false.span)
        sink.append(codes.INCONSISTENT_RESULTS.at(span, context=expr.span, reason=reason))
        return UNKNOWN_VALUE
    condition = evaluate(expr.condition, scope, sink)
    if condition.raw is None:
        sink.append(codes.NULL_CONDITION.at(expr.condition.span, context=expr.span))
        return UNKNOWN_VALUE
    if condition.raw is UNKNOWN:
        return UNKNOWN_VALUE
    try:
        chosen = bool(convert(condition, BOOL).raw)
    except ConvertError:
        sink.append(codes.CONDITION_TYPE.at(expr.condition.span, context=expr.span))
        return UNKNOWN_VALUE
    sink.extend(true_sink if chosen else false_sink)
    return _converted(true if chosen else false, chosen, result_type, condition, expr, sink)


def _result_type(true: Value, false: Value) -> Type | None:
    """The type of both results; dynamic where one is not known; None if there is none."""
    if true.raw is None and true.type == DYNAMIC:
        return false.type
    if false.raw is None and false.type == DYNAMIC:
        return true.type
    if true.type == DYNAMIC or false.type == DYNAMIC:
        return DYNAMIC
    if true.type == false.type:
        return true.type
    return unify((true.type, false.type))


def _converted(
    value: Value, chosen: bool, result_type: Type, condition: Value, expr: Conditional, sink: list[Diagnostic]
) -> Value:
    branch = expr.true if chosen else expr.false
    if result_type != DYNAMIC and value.type != result_type:
        try:
            value = convert(value, result_type)
        except ConvertError as error:
            reason = f"The {str(chosen).lower()} result value has the wrong type: {error}"
            sink.append(codes.INCONSISTENT_RESULTS.at(branch.span, context=expr.span, reason=reason))
            return UNKNOWN_VALUE
    inputs = tuple(origin for origin in (condition.origin, value.origin) if origin is not None)
    return value.with_origin(Origin(OriginKind.CONDITION, str(chosen).lower(), expr.span, inputs))


def describe_mismatch(true: Type, false: Type) -> str:
    """Why the two types do not unify, in the reference's words."""
    detail = ""
    match true, false:
        case ObjectType(), ObjectType():
            detail = _describe_objects(true.attributes, false.attributes)
        case TupleType(), TupleType():
            detail = _describe_tuples(true.elements, false.elements)
        case ListType(element=left), ListType(element=right):
            detail = _describe_elements("list", left, right)
        case SetType(element=left), SetType(element=right):
            detail = _describe_elements("set", left, right)
        case MapType(element=left), MapType(element=right):
            detail = _describe_elements("map", left, right)
    if detail:
        return detail
    if true.friendly_name() == false.friendly_name():
        return (
            "At least one deeply-nested attribute or element is not compatible across both the 'true' and the 'false' "
            "value"
        )
    return f"The 'true' value is {true.friendly_name()}, but the 'false' value is {false.friendly_name()}"


def _describe_objects(true: Mapping[str, Type], false: Mapping[str, Type]) -> str:
    for name in sorted(true):
        if name not in false:
            return f"The 'true' value includes object attribute {quote(name)}, which is absent in the 'false' value"
        if true[name] != false[name]:
            return f"Type mismatch for object attribute {quote(name)}: {describe_mismatch(true[name], false[name])}"
    for name in sorted(false):
        if name not in true:
            return f"The 'false' value includes object attribute {quote(name)}, which is absent in the 'true' value"
    return ""


def _describe_tuples(true: tuple[Type, ...], false: tuple[Type, ...]) -> str:
    if len(true) != len(false):
        return f"The 'true' tuple has length {len(true)}, but the 'false' tuple has length {len(false)}"
    for position, (left, right) in enumerate(zip(true, false, strict=True)):
        if left != right:
            return f"Type mismatch for tuple element {position}: {describe_mismatch(left, right)}"
    return ""


def _describe_elements(noun: str, true: Type, false: Type) -> str:
    match true, false:
        case (ObjectType(), ObjectType()) | (TupleType(), TupleType()):
            return f"Mismatched {noun} element types: {describe_mismatch(true, false)}"
        case _:
            return ""
