"""The operators of the language, on operands of the type that `operand_type` says.

The evaluator converts the operands and reports those that do not convert; before it gives up on one that
failed, it asks `short_circuit`.
"""

from __future__ import annotations

from collections.abc import Callable

from bakec.ir import numbers
from bakec.ir.numbers import TooLargeError, UndefinedError
from bakec.ir.records import NamedTuple
from bakec.ir.types import BOOL, DYNAMIC, NUMBER
from bakec.ir.values import FALSE, TRUE, UNKNOWN, UNKNOWN_VALUE, Value, boolean, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.numbers import Number
    from bakec.ir.types import Type


class OperatorError(ValueError):
    """The operands have the right types, but there is no result."""


Compute: TypeAlias = Callable[[Value, Value], Value]


class Operator(NamedTuple):
    """`undefined` is the message for operands such as 0/0."""

    operand: Type
    compute: Compute
    undefined: str = ""


def equal(left: Value, right: Value) -> bool:
    """The `==` of the language: nothing is converted, but nulls of all types are equal."""
    one, other = left.raw, right.raw
    if one is other:
        return left.type is right.type or one is None or left.type == right.type
    if one is None or other is None:
        return one is other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and left.type == right.type and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys() or left.type != right.type:
            return False
        return all(map(equal, one.values(), other.values()))
    return left.type is right.type and one == other


def _arithmetic(compute: Callable[[Number, Number], Number], undefined: str) -> Operator:
    return Operator(NUMBER, lambda left, right: number(compute(left.number, right.number)), undefined)


def _ordering(holds: Callable[[Number, Number], bool]) -> Operator:
    return Operator(NUMBER, lambda left, right: boolean(holds(left.number, right.number)))


OPERATORS = {
    "||": Operator(BOOL, lambda left, right: boolean(bool(left.raw or right.raw))),
    "&&": Operator(BOOL, lambda left, right: boolean(bool(left.raw and right.raw))),
    "==": Operator(DYNAMIC, lambda left, right: boolean(equal(left, right))),
    "!=": Operator(DYNAMIC, lambda left, right: boolean(not equal(left, right))),
    "<": _ordering(lambda left, right: numbers.compare(left, right) < 0),
    "<=": _ordering(numbers.less_or_equal),
    ">": _ordering(lambda left, right: numbers.compare(left, right) > 0),
    ">=": _ordering(lambda left, right: numbers.less_or_equal(right, left)),
    "+": _arithmetic(numbers.add, "can't compute sum of opposing infinities"),
    "-": _arithmetic(numbers.subtract, "can't subtract infinity from itself"),
    "*": _arithmetic(numbers.multiply, "can't multiply zero by infinity"),
    "/": _arithmetic(numbers.divide, "can't divide zero by zero or infinity by infinity"),
    "%": _arithmetic(numbers.modulo, "can't use modulo with zero and infinity"),
}


def operand_type(operator: str) -> Type:
    """What the operands of `operator`, unary or binary, are converted to."""
    return BOOL if operator == "!" else OPERATORS[operator].operand


def apply_binary(operator: str, left: Value, right: Value) -> Value:
    """Raises `OperatorError`. The result has no origin."""
    found = OPERATORS[operator]
    if left.raw is UNKNOWN or right.raw is UNKNOWN:
        return UNKNOWN_VALUE
    if found.operand is not DYNAMIC and (left.raw is None or right.raw is None):
        raise OperatorError("argument must not be null")
    try:
        return found.compute(left, right)
    except UndefinedError:
        raise OperatorError(found.undefined) from None
    except TooLargeError as error:
        raise OperatorError(str(error)) from None


def apply_unary(operator: str, operand: Value) -> Value:
    """Raises `OperatorError`. The result has no origin."""
    if operand.raw is UNKNOWN:
        return UNKNOWN_VALUE
    if operand.raw is None:
        raise OperatorError("argument must not be null")
    if operator == "!":
        return boolean(not operand.raw)
    return number(numbers.negate(operand.number))


def short_circuit(operator: str, left: Value, right: Value, *, left_failed: bool) -> Value | None:
    """The result that one operand alone decides, whichever side it is on and even if the other failed; else
    None. A null counts as false here, as it does in the reference."""
    if left.raw is UNKNOWN and right.raw is UNKNOWN:
        return None if left_failed else UNKNOWN_VALUE
    for operand in (left, right):
        if operand.raw is not UNKNOWN and bool(operand.raw) is (operator == "||"):
            return TRUE if operator == "||" else FALSE
    return None
