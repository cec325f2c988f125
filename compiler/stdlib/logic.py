"""Logic and comparison. `try`, `can` and `convert` are part of the evaluator."""

from __future__ import annotations

from bakec.compiler.eval.convert import convert, unify
from bakec.compiler.eval.operators import equal as is_equal
from bakec.compiler.stdlib.arguments import FunctionError
from bakec.ir.values import boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.values import Value


def and_(a: Value, b: Value) -> Value:
    return boolean(bool(a.raw and b.raw))


def or_(a: Value, b: Value) -> Value:
    return boolean(bool(a.raw or b.raw))


def not_(val: Value) -> Value:
    return boolean(not val.raw)


def equal(a: Value, b: Value) -> Value:
    return boolean(is_equal(a, b))


def notequal(a: Value, b: Value) -> Value:
    return boolean(not is_equal(a, b))


def coalesce(*args: Value) -> Value:
    common = unify([arg.type for arg in args])
    if common is None:
        raise FunctionError("all arguments must have the same type")
    for arg in args:
        if arg.raw is not None:
            return convert(arg, common)
    raise FunctionError("no non-null arguments")
