"""Expressions to values, as HCL evaluates them.

`evaluate` never stops at the first error: it reports into the sink and goes on with an unknown value, which makes
no further noise, so that one run shows every mistake. Each result carries its origin.
"""

from __future__ import annotations

from bakec.compiler.eval.calls import call
from bakec.compiler.eval.conditional import conditional
from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.eval.operators import OperatorError, apply_binary, apply_unary, operand_type, short_circuit
from bakec.compiler.eval.scope import ITEM, Budget, LimitExceeded
from bakec.compiler.eval.traverse import step_into
from bakec.compiler.suggest import nearest
from bakec.ir import syntax
from bakec.ir.codes import evaluate as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, SetType, TupleType
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE, Value, integer, list_, object_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final, TypeAlias

    from bakec.compiler.eval.scope import Scope
    from bakec.ir.span import Span
    from bakec.ir.syntax import Expr
    from bakec.ir.types import Type

Sink: TypeAlias = list[Diagnostic]


def evaluate(expr: Expr, scope: Scope, sink: Sink) -> Value:
    """The value of `expr`; unknown where something was reported into `sink`.

    Raises `DependencyFailed` when a name it needs has no value, `LimitExceeded` beyond the budget.
    """
    return _EVALUATORS[type(expr)](expr, scope, sink)


def evaluate_whole(expr: Expr, scope: Scope, sink: Sink) -> Value:
    """`evaluate` at the root of an attribute: limits become diagnostics."""
    try:
        return evaluate(expr, scope, sink)
    except RecursionError:
        sink.append(codes.TOO_DEEP.at(expr.span))
    except LimitExceeded as error:
        sink.append(codes.TOO_LARGE.at(expr.span, reason=error))
    return UNKNOWN_VALUE


def is_unknown(value: Value) -> bool:
    return value.raw is UNKNOWN


def _origins(values: Iterable[Value]) -> tuple[Origin, ...]:
    return tuple(value.origin for value in values if value.origin is not None)


# --- leaves ---------------------------------------------------------------------------------------------------


def _literal(expr: syntax.Literal, scope: Scope, sink: Sink) -> Value:
    return expr.value


def _error(expr: syntax.ErrorExpr, scope: Scope, sink: Sink) -> Value:
    sink.extend(expr.diagnostics)
    return UNKNOWN_VALUE


def _item(expr: syntax.SplatItem, scope: Scope, sink: Sink) -> Value:
    value = scope.local(ITEM)
    return UNKNOWN_VALUE if value is None else value


def _parentheses(expr: syntax.Parentheses, scope: Scope, sink: Sink) -> Value:
    return evaluate(expr.inner, scope, sink)


def _wrap(expr: syntax.TemplateWrap, scope: Scope, sink: Sink) -> Value:
    return evaluate(expr.wrapped, scope, sink)


# --- names ----------------------------------------------------------------------------------------------------


def _scope_traversal(expr: syntax.ScopeTraversal, scope: Scope, sink: Sink) -> Value:
    world = scope.world
    value = scope.local(expr.root)
    done = 0
    if value is None and world.is_block_type(expr.root):
        found = world.reference(expr)
        if isinstance(found, Diagnostic):
            sink.append(found)
            return UNKNOWN_VALUE
        value, done = found
    elif value is None:
        value = world.variable(expr.root)
    if value is None:
        return _unknown_name(expr, scope, sink)
    return _steps(value, expr.steps[done:], sink) if expr.steps else value


def _unknown_name(expr: syntax.ScopeTraversal, scope: Scope, sink: Sink) -> Value:
    close = nearest(expr.root, scope.visible())
    suggestion = f' Did you mean "{close}"?' if close else ""
    sink.append(codes.UNKNOWN_VARIABLE.at(expr.root_span, name=expr.root, suggestion=suggestion))
    return UNKNOWN_VALUE


def _steps(value: Value, steps: Iterable[syntax.Step], sink: Sink) -> Value:
    for step in steps:
        found = step_into(value, step)
        if isinstance(found, Diagnostic):
            sink.append(found)
            return UNKNOWN_VALUE
        value = found
    return value


def _relative_traversal(expr: syntax.RelativeTraversal, scope: Scope, sink: Sink) -> Value:
    return _steps(evaluate(expr.source, scope, sink), expr.steps, sink)


def _index(expr: syntax.Index, scope: Scope, sink: Sink) -> Value:
    collection = evaluate(expr.collection, scope, sink)
    key = evaluate(expr.key, scope, sink)
    found = step_into(collection, syntax.IndexStep(key, expr.bracket))
    if isinstance(found, Diagnostic):
        sink.append(found)
        return UNKNOWN_VALUE
    return found


def _splat(expr: syntax.Splat, scope: Scope, sink: Sink) -> Value:
    before = len(sink)
    source = evaluate(expr.source, scope, sink)
    if len(sink) > before or is_unknown(source):
        return UNKNOWN_VALUE
    if source.raw is None:
        if not isinstance(source.type, ListType | SetType | TupleType):
            return tuple_(())
        sink.append(codes.NULL_SPLAT.at(expr.source.span, context=expr.source.span.to(expr.marker)))
        return UNKNOWN_VALUE
    sequence = isinstance(source.raw, tuple)
    elements = source.items if sequence else (source,)
    items = [evaluate(expr.each, scope.child({ITEM: item}), sink) for item in elements]
    if len(sink) > before:
        return UNKNOWN_VALUE
    if not sequence or source.is_tuple:
        return tuple_(items)
    if any(item.type != items[0].type for item in items):
        sink.append(codes.NESTED_SPLAT.at(expr.each.span, context=expr.span))
        return UNKNOWN_VALUE
    return list_(items[0].type if items else _splat_type(expr, source.type, scope), items)


def _splat_type(expr: syntax.Splat, source: Type, scope: Scope) -> Type:
    """Of the elements that there are none of."""
    element = source.element if isinstance(source, ListType | SetType) else DYNAMIC
    return evaluate(expr.each, scope.child({ITEM: Value(element, UNKNOWN)}), []).type


# --- templates ------------------------------------------------------------------------------------------------


def _template(expr: syntax.Template, scope: Scope, sink: Sink) -> Value:
    first = expr.parts[0] if len(expr.parts) == 1 else None
    if type(first) is syntax.Literal and type(first.value.raw) is str:
        return first.value  # a plain string
    parts: list[str] = []
    values: list[Value] = []
    unknown = False
    for part in expr.parts:
        value = evaluate(part, scope, sink)
        raw = value.raw
        if raw is None:
            reason = "The expression result is null. Cannot include a null value in a string template"
            sink.append(codes.INVALID_INTERPOLATION.at(part.span, context=expr.span, reason=reason))
        elif raw is UNKNOWN:
            unknown = True
        elif (text := raw if type(raw) is str else _as_text(value, part.span, expr.span, sink)) is not None:
            parts.append(text)
            if type(part) is not syntax.Literal:
                values.append(value)
    if unknown:
        return Value(STRING, UNKNOWN)
    Budget.check_text(sum(map(len, parts)))
    if len(values) == 1 and len(expr.parts) == 1:
        return string(parts[0]).with_origin(values[0].origin)
    inputs = _origins(values)
    return string("".join(parts)).with_origin(Origin(OriginKind.TEMPLATE, "", expr.span, inputs))


def _as_text(value: Value, subject: Span, context: Span, sink: Sink) -> str | None:
    try:
        return convert(value, STRING).text
    except ConvertError as error:
        reason = f"Cannot include the given value in a string template: {error}"
        sink.append(codes.INVALID_INTERPOLATION.at(subject, context=context, reason=reason))
        return None


def _template_join(expr: syntax.TemplateJoin, scope: Scope, sink: Sink) -> Value:
    items = evaluate(expr.tuple, scope, sink)
    if is_unknown(items):
        return UNKNOWN_VALUE
    parts: list[str] = []
    for item in items.items:
        if is_unknown(item):
            return UNKNOWN_VALUE
        try:
            if item.raw is None:
                raise ConvertError("An iteration result is null. Cannot include a null value in a string template")
            parts.append(convert(item, STRING).text)
        except ConvertError as error:
            reason = f"Cannot include one of the interpolation results into the string template: {error}"
            sink.append(codes.INVALID_INTERPOLATION.at(expr.span, reason=error if item.raw is None else reason))
    Budget.check_text(sum(map(len, parts)))
    return string("".join(parts)).with_origin(Origin(OriginKind.TEMPLATE, "", expr.span, _origins(items.items)))


# --- operators ------------------------------------------------------------------------------------------------


def _binary(expr: syntax.Binary, scope: Scope, sink: Sink) -> Value:
    wanted = operand_type(expr.operator)
    problems: Sink = []
    left_sink: Sink = []
    left = _operand(expr.left, "left", expr, scope, left_sink, problems)
    right_sink: Sink = []
    right = _operand(expr.right, "right", expr, scope, right_sink, problems)
    if problems:
        sink.extend((*problems, *left_sink, *right_sink))
        return _UNKNOWN[expr.operator]
    if wanted == BOOL:
        forced = short_circuit(expr.operator, left, right, left_failed=bool(left_sink))
        if forced is not None:
            return forced.with_origin(_operator_origin(expr, left, right))
    if left_sink or right_sink:
        sink.extend((*left_sink, *right_sink))
        return _UNKNOWN[expr.operator]
    try:
        result = apply_binary(expr.operator, left, right)
    except OperatorError as error:
        sink.append(codes.OPERATION_FAILED.at(expr.span, reason=error))
        return _UNKNOWN[expr.operator]
    if is_unknown(result):
        return _UNKNOWN[expr.operator]
    return result.with_origin(_operator_origin(expr, left, right))


def _operator_origin(expr: syntax.Binary | syntax.Unary, *operands: Value) -> Origin:
    return Origin(OriginKind.OPERATOR, expr.operator, expr.span, _origins(operands))


def _operand(
    operand: Expr, side: str, expr: syntax.Binary | syntax.Unary, scope: Scope, sink: Sink, problems: Sink
) -> Value:
    value = evaluate(operand, scope, sink)
    try:
        return convert(value, operand_type(expr.operator))
    except ConvertError as error:
        problems.append(codes.INVALID_OPERAND.at(operand.span, context=expr.span, side=side, reason=error))
        return UNKNOWN_VALUE


def _unary(expr: syntax.Unary, scope: Scope, sink: Sink) -> Value:
    before = len(sink)
    operand = _operand(expr.operand, "unary", expr, scope, sink, sink)
    if len(sink) > before:
        return _UNKNOWN[expr.operator]
    try:
        result = apply_unary(expr.operator, operand)
    except OperatorError as error:
        sink.append(codes.OPERATION_FAILED.at(expr.span, reason=error))
        return _UNKNOWN[expr.operator]
    if is_unknown(result):
        return _UNKNOWN[expr.operator]
    return result.with_origin(_operator_origin(expr, operand))


_UNKNOWN: Final = {
    **dict.fromkeys(("+", "-", "*", "/", "%"), Value(NUMBER, UNKNOWN)),
    **dict.fromkeys(("||", "&&", "==", "!=", "<", "<=", ">", ">=", "!"), Value(BOOL, UNKNOWN)),
}
"""The result of an operator whose operands are not known: of its type, which others may not agree with."""


# --- collections ----------------------------------------------------------------------------------------------


def _tuple(expr: syntax.TupleCons, scope: Scope, sink: Sink) -> Value:
    items = [evaluate(item, scope, sink) for item in expr.items]
    return tuple_(items).with_origin(Origin(OriginKind.LITERAL, "", expr.span))


def _object(expr: syntax.ObjectCons, scope: Scope, sink: Sink) -> Value:
    items: dict[str, Value] = {}
    known = True
    for item in expr.items:
        if type(item.key) is syntax.ObjectKey and item.key.name:
            items[item.key.name] = evaluate(item.value, scope, sink)
            continue
        before = len(sink)
        key = evaluate(item.key, scope, sink)
        failed = len(sink) > before
        value = evaluate(item.value, scope, sink)
        name = None if failed or is_unknown(key) else _key_text(key, item, sink)
        if name is None:
            known = False
        else:
            items[name] = value
    if not known:
        return UNKNOWN_VALUE
    return object_(items).with_origin(Origin(OriginKind.LITERAL, "", expr.span))


def _key_text(key: Value, item: syntax.ObjectItem, sink: Sink) -> str | None:
    if key.raw is None:
        sink.append(codes.NULL_KEY.at(item.value.span))
        return None
    try:
        return convert(key, STRING).text
    except ConvertError as error:
        sink.append(codes.KEY_TYPE.at(item.key.span, reason=error))
        return None


def _object_key(expr: syntax.ObjectKey, scope: Scope, sink: Sink) -> Value:
    return string(expr.name) if expr.name else evaluate(expr.wrapped, scope, sink)


# --- for ------------------------------------------------------------------------------------------------------


def _for(expr: syntax.For, scope: Scope, sink: Sink) -> Value:
    collection = evaluate(expr.collection, scope, sink)
    where = expr.collection.span
    if collection.raw is None:
        sink.append(codes.FOR_NULL.at(where, context=expr.span))
        return UNKNOWN_VALUE
    if is_unknown(collection):
        return UNKNOWN_VALUE
    if not isinstance(collection.raw, tuple | dict):
        sink.append(codes.FOR_TYPE.at(where, context=expr.span, type=collection.type.friendly_name()))
        return UNKNOWN_VALUE
    if not _condition_is_sound(expr, scope, sink):
        return UNKNOWN_VALUE
    origin = Origin(OriginKind.LITERAL, "", expr.span, _origins((collection,)))
    if expr.key is None:
        items = _for_items(expr, collection, scope, sink)
        return UNKNOWN_VALUE if items is None else tuple_(items).with_origin(origin)
    mapping = _for_mapping(expr, collection, scope, sink)
    return UNKNOWN_VALUE if mapping is None else object_(mapping).with_origin(origin)


def elements(collection: Value) -> Iterator[tuple[Value, Value]]:
    """Keys (positions, for a set the elements themselves) and elements, in the language's order."""
    raw = collection.raw
    if isinstance(raw, dict):
        yield from ((string(key, item.origin), item) for key, item in raw.items())
    elif collection.is_tuple or isinstance(collection.type, ListType):
        yield from ((integer(position), item) for position, item in enumerate(collection.items))
    else:
        yield from ((item, item) for item in collection.items)


def _iterations(expr: syntax.For, collection: Value, scope: Scope) -> Iterator[Scope]:
    budget = scope.world.budget
    for key, value in elements(collection):
        budget.spend()
        yield scope.child({expr.key_var: key, expr.value_var: value} if expr.key_var else {expr.value_var: value})


def _condition_is_sound(expr: syntax.For, scope: Scope, sink: Sink) -> bool:
    """Try the condition once on unknown items, as the reference does: what is wrong with any item is wrong."""
    if expr.condition is None:
        return True
    before = len(sink)
    names = {expr.value_var: UNKNOWN_VALUE}
    if expr.key_var:
        names[expr.key_var] = UNKNOWN_VALUE
    result = evaluate(expr.condition, scope.child(names), sink)
    if result.raw is None:
        sink.append(codes.FOR_NULL_CONDITION.at(expr.condition.span, context=expr.span))
        return False
    try:
        convert(result, BOOL)
    except ConvertError as error:
        _report_condition(expr, f"'if' clause value is invalid: {error}", sink)
        return False
    return len(sink) == before


def _report_condition(expr: syntax.For, reason: str, sink: Sink) -> None:
    assert expr.condition is not None
    sink.append(codes.FOR_CONDITION.at(expr.condition.span, context=expr.span, reason=reason))


def _included(expr: syntax.For, scope: Scope, sink: Sink, *, quiet: bool) -> bool | None:
    """Whether the item of `scope` is kept; None if that cannot be said."""
    if expr.condition is None:
        return True
    result = evaluate(expr.condition, scope, sink)
    if is_unknown(result):
        return None
    reason = "value of the 'if' clause must not be null"
    if result.raw is not None:
        try:
            return bool(convert(result, BOOL).raw)
        except ConvertError as error:
            reason = f"'if' clause value is invalid: {error}"
    if not quiet:
        _report_condition(expr, reason, sink)
    return None


def _for_items(expr: syntax.For, collection: Value, scope: Scope, sink: Sink) -> list[Value] | None:
    items: list[Value] = []
    known = True
    for inner in _iterations(expr, collection, scope):
        keep = _included(expr, inner, sink, quiet=not known)
        if keep is None:
            known = False
        elif keep:
            items.append(evaluate(expr.value, inner, sink))
    return items if known else None


def _for_mapping(expr: syntax.For, collection: Value, scope: Scope, sink: Sink) -> dict[str, Value] | None:
    groups: dict[str, list[Value]] = {}
    known = True
    for inner in _iterations(expr, collection, scope):
        keep = _included(expr, inner, sink, quiet=not known)
        if keep is False:
            continue
        key = _for_key(expr, inner, sink, quiet=not known) if keep else None
        if key is None:
            known = False
            continue
        value = evaluate(expr.value, inner, sink)
        if key in groups and not expr.group:
            assert expr.key is not None
            sink.append(codes.FOR_DUPLICATE.at(expr.key.span, context=expr.span, key=key))
        else:
            groups.setdefault(key, []).append(value)
    if not known:
        return None
    return {key: tuple_(values) if expr.group else values[0] for key, values in groups.items()}


def _for_key(expr: syntax.For, scope: Scope, sink: Sink, *, quiet: bool) -> str | None:
    assert expr.key is not None
    key = evaluate(expr.key, scope, sink)
    if is_unknown(key):
        return None
    reason = "Key expression in 'for' expression must not produce a null value"
    if key.raw is not None:
        try:
            return convert(key, STRING).text
        except ConvertError as error:
            reason = f"The key expression produced an invalid result: {error}"
    if not quiet:
        sink.append(codes.FOR_KEY.at(expr.key.span, context=expr.span, reason=reason))
    return None


# --- calls and conditionals live in their own modules; they get `evaluate` from here --------------------------


def _call(expr: syntax.Call, scope: Scope, sink: Sink) -> Value:
    return call(expr, scope, sink, evaluate)


def _conditional(expr: syntax.Conditional, scope: Scope, sink: Sink) -> Value:
    return conditional(expr, scope, sink, evaluate)


_EVALUATORS: Final[dict[type, Callable[..., Value]]] = {
    syntax.Literal: _literal,
    syntax.Template: _template,
    syntax.TemplateWrap: _wrap,
    syntax.TemplateJoin: _template_join,
    syntax.ScopeTraversal: _scope_traversal,
    syntax.RelativeTraversal: _relative_traversal,
    syntax.Index: _index,
    syntax.SplatItem: _item,
    syntax.Splat: _splat,
    syntax.Call: _call,
    syntax.Conditional: _conditional,
    syntax.Binary: _binary,
    syntax.Unary: _unary,
    syntax.Parentheses: _parentheses,
    syntax.TupleCons: _tuple,
    syntax.ObjectKey: _object_key,
    syntax.ObjectCons: _object,
    syntax.For: _for,
    syntax.ErrorExpr: _error,
}
