"""Calls: of standard functions, of `function` blocks, and of the three that take expressions instead of values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from bakec.compiler.eval.ranges import start_span
from bakec.compiler.eval.scope import Scope
from bakec.compiler.eval.typeexpr import type_constraint
from bakec.compiler.render.ranges import messages, range_text
from bakec.compiler.stdlib.registry import FUNCTIONS, FunctionError, convert_argument, run
from bakec.compiler.suggest import nearest
from bakec.ir.codes import evaluate as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.syntax import Expr, Literal
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE, Value, boolean, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from bakec.compiler.eval.scope import UserFunction
    from bakec.compiler.stdlib.registry import Function
    from bakec.ir.span import Span
    from bakec.ir.syntax import Call

Sink = list[Diagnostic]
Evaluate = Callable[[Expr, Scope, Sink], Value]


def call(expr: Call, scope: Scope, sink: Sink, evaluate: Evaluate) -> Value:
    """The result of a call, with its origin; unknown after an error."""
    scope.world.budget.spend()
    standard = FUNCTIONS.get(expr.name)
    own = None if standard else scope.world.function(expr.name)
    if standard is None and own is None:
        sink.append(codes.UNKNOWN_FUNCTION.at(expr.name_span, context=expr.span, reason=_unknown(expr.name, scope)))
        return UNKNOWN_VALUE
    args = _expanded(expr, scope, sink, evaluate) if expr.expand else expr.args
    if args is None or not _arity_fits(expr, args, standard, own, sink):
        return UNKNOWN_VALUE
    if standard is None or not standard.lazy:
        return _eager(standard, own, expr, args, scope, sink, evaluate)
    result = _lazy(standard.name, expr, args, scope, sink, evaluate)
    if result.origin is not None or result.raw is UNKNOWN:
        return result
    return result.with_origin(Origin(OriginKind.CALL, expr.name, expr.span))


def _unknown(name: str, scope: Scope) -> str:
    namespace, colons, _ = name.rpartition("::")
    if colons:
        return f'There are no functions in namespace "{namespace}::".'
    close = nearest(name, [*FUNCTIONS, *scope.world.function_names()])
    return f'There is no function named "{name}".' + (f' Did you mean "{close}"?' if close else "")


def _expanded(expr: Call, scope: Scope, sink: Sink, evaluate: Evaluate) -> Sequence[Expr] | None:
    """The arguments, the last one, which has `...`, taken apart."""
    last = expr.args[-1]
    before = len(sink)
    value = evaluate(last, scope, sink)
    if len(sink) > before or value.raw is UNKNOWN:
        return None
    if value.raw is None:
        sink.append(codes.INVALID_EXPANSION.at(last.span, context=expr.span, reason="not be null."))
        return None
    if not isinstance(value.raw, tuple):
        reason = "be of a tuple, list, or set type."
        sink.append(codes.INVALID_EXPANSION.at(last.span, context=expr.span, reason=reason))
        return None
    return (*expr.args[:-1], *(Literal(item, last.span) for item in value.raw))


def _arity_fits(
    expr: Call, args: Sequence[Expr], standard: Function | None, own: UserFunction | None, sink: Sink
) -> bool:
    named = standard.params if standard else own.parameters if own else ()
    count = len(named)
    if len(args) == count:
        return True
    variadic = standard.variadic if standard else own and own.variadic
    if variadic and len(args) > count:
        return True
    if len(args) > count:
        subject = start_span(args[count])
        sink.append(codes.TOO_MANY_ARGUMENTS.at(subject, context=expr.span, name=expr.name, count=count))
        return False
    first = named[len(args)]
    problem = codes.TOO_FEW_ARGUMENTS.at(
        expr.close,
        context=expr.span,
        name=expr.name,
        least=" at least" if variadic else "",
        count=count,
        missing=first if isinstance(first, str) else first.name,
    )
    sink.append(problem)
    return False


def _eager(
    standard: Function | None,
    own: UserFunction | None,
    expr: Call,
    args: Sequence[Expr],
    scope: Scope,
    sink: Sink,
    evaluate: Evaluate,
) -> Value:
    before = len(sink)
    values: list[Value] = []
    for position, arg in enumerate(args):
        value = evaluate(arg, scope, sink)
        if standard and not value.has_type(standard.parameter(position).type):
            try:
                value = convert_argument(standard, position, value)
            except FunctionError as error:
                sink.append(_argument_problem(_parameter(standard, position), arg, expr, error))
        values.append(value)
    if len(sink) > before:
        return UNKNOWN_VALUE
    try:
        if standard:
            result = run(standard, values, scope.world)
        else:
            assert own is not None
            result = _call_own(own, values, scope, evaluate)
    except FunctionError as error:
        sink.append(_problem(standard, own, expr, args, error))
        return UNKNOWN_VALUE
    if result.origin is not None or result.raw is UNKNOWN or not scope.world.traces:
        return result
    return result.with_origin(tuple.__new__(Origin, (OriginKind.CALL, expr.name, expr.span, _origins(values))))


MAX_ORIGINS: Final = 64
"""How many values one call may be said to come from."""


def _origins(values: list[Value]) -> tuple[Origin, ...]:
    """Where the arguments come from; for a collection also its elements, of which the result is made."""
    found: dict[int, Origin] = {}
    pending = values[::-1]
    while pending and len(found) < MAX_ORIGINS:
        value = pending.pop()
        origin, raw = value.origin, value.raw
        if origin is not None:
            found[id(origin)] = origin
        if type(raw) is tuple:
            pending += raw[:MAX_ORIGINS][::-1]
        elif type(raw) is dict:
            pending += islice(raw.values(), MAX_ORIGINS)
    return tuple(found.values())


def _parameter(function: Function, position: int) -> str:
    return function.parameter(position).name


def _argument_problem(name: str, arg: Expr, expr: Call, error: FunctionError) -> Diagnostic:
    return codes.INVALID_ARGUMENT.at(start_span(arg), context=expr.span, parameter=name, reason=error)


def _problem(
    standard: Function | None, own: UserFunction | None, expr: Call, args: Sequence[Expr], error: FunctionError
) -> Diagnostic:
    position = error.argument
    if position is not None and position < len(args):
        if standard:
            name = _parameter(standard, position)
        else:
            assert own is not None
            name = own.parameters[position] if position < len(own.parameters) else own.variadic
        return _argument_problem(name, args[position], expr, error)
    head = expr.name_span.to(expr.open)
    return codes.CALL_FAILED.at(head, context=expr.span, name=expr.name, reason=error)


def _call_own(function: UserFunction, args: Sequence[Value], scope: Scope, evaluate: Evaluate) -> Value:
    for position, value in enumerate(args):
        if value.raw is None:
            raise FunctionError("argument must not be null", position)
        if value.raw is UNKNOWN:
            return UNKNOWN_VALUE
    count = len(function.parameters)
    names = dict(zip(function.parameters, args, strict=False))
    if function.variadic:
        names[function.variadic] = tuple_(args[count:])
    inner: Sink = []
    result = evaluate(function.result, Scope(scope.world, names), inner)
    if inner:
        raise FunctionError(messages(inner))
    return result


# --- functions of expressions ---------------------------------------------------------------------------------


def _lazy(name: str, expr: Call, args: Sequence[Expr], scope: Scope, sink: Sink, evaluate: Evaluate) -> Value:
    if name == "try":
        return _try(expr, args, scope, sink, evaluate)
    if name == "can":
        inner: Sink = []
        value = evaluate(args[0], scope, inner)
        return UNKNOWN_VALUE if not inner and value.raw is UNKNOWN else boolean(not inner)
    return _convert(expr, args, scope, sink, evaluate)


def _try(expr: Call, args: Sequence[Expr], scope: Scope, sink: Sink, evaluate: Evaluate) -> Value:
    problems: Sink = []
    for arg in args:
        inner: Sink = []
        value = evaluate(arg, scope, inner)
        if not inner:
            return value
        problems.extend(inner)
    reason = "at least one argument is required" if not args else _all_failed(problems)
    head = expr.name_span.to(expr.open)
    sink.append(codes.CALL_FAILED.at(head, context=expr.span, name=expr.name, reason=reason))
    return UNKNOWN_VALUE


def _all_failed(problems: Sink) -> str:
    lines = "".join(f"- {one.summary}{_at(one.subject)}\n  {one.detail}\n" for one in problems)
    return f"no expression succeeded:\n{lines}\nAt least one expression must produce a successful result"


def _at(span: Span | None) -> str:
    return f" (at {range_text(span)})" if span else ""


def _convert(expr: Call, args: Sequence[Expr], scope: Scope, sink: Sink, evaluate: Evaluate) -> Value:
    from bakec.compiler.eval.convert import ConvertError, convert

    before = len(sink)
    value = evaluate(args[0], scope, sink)
    kind = type_constraint(args[1], sink)
    if len(sink) > before:
        return UNKNOWN_VALUE
    try:
        return convert(value, kind)
    except ConvertError as error:
        sink.append(_argument_problem("value", args[0], expr, FunctionError(str(error))))
        return UNKNOWN_VALUE
