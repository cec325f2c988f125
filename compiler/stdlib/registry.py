"""Calls of standard functions. The rows are in `table`, the code in the other modules of this package, each
of which is loaded when one of its functions is called for the first time."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.stdlib.arguments import Context, FunctionError, check_size
from bakec.compiler.stdlib.table import FUNCTIONS, Function
from bakec.ir.numbers import TooLargeError, UndefinedError
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bakec.ir.values import Value

__all__ = [
    "FUNCTIONS",
    "ArityError",
    "Context",
    "Function",
    "FunctionError",
    "call",
    "convert_argument",
    "run",
]

_TAKEN = frozenset(("and", "bool", "format", "int", "max", "min", "not", "or", "pow", "range", "slice"))
"""Names that Python has a use for."""


class ArityError(Exception):
    """Too few arguments (`missing` names the first parameter without one) or too many."""

    def __init__(self, function: Function, count: int) -> None:
        missing = function.missing(count)
        self.function = function.name
        self.expected = len(function.params)
        self.at_least = function.variadic is not None
        self.missing = "" if missing is None else missing.name
        super().__init__(f"{function.name} takes {self.expected} argument(s), not {count}")


def call(name: str, args: Sequence[Value], ctx: Context | None = None) -> Value:
    """The result of a function that is not lazy. Its origin is unset unless it is (an element of) an
    argument.

    Raises `ArityError`, or `FunctionError` with the reference's message. A function that is not pure needs
    `ctx`."""
    function = FUNCTIONS[name]
    if function.missing(len(args)) or not function.accepts(len(args)):
        raise ArityError(function, len(args))
    return run(function, [convert_argument(function, *pair) for pair in enumerate(args)], ctx)


def convert_argument(function: Function, position: int, value: Value) -> Value:
    """The argument as a value of its parameter's type. Raises `FunctionError`."""
    try:
        return convert(value, function.parameter(position).type)
    except ConvertError as error:
        raise FunctionError(str(error), position) from None


def run(function: Function, args: Sequence[Value], ctx: Context | None = None) -> Value:
    """Like `call`, for arguments that `convert_argument` gave."""
    known = True
    for position, value in enumerate(args):
        if value.raw is None and not function.parameter(position).null:
            raise FunctionError("argument must not be null", position)
        if value.raw is UNKNOWN:
            known = False
    if not known:
        return UNKNOWN_VALUE
    code = _code(function.name)
    try:
        result: Value = code(*args) if function.pure else code(ctx, *args)
    except (TooLargeError, UndefinedError, ConvertError) as error:
        raise FunctionError(str(error)) from None
    except RecursionError:
        raise FunctionError("the value is nested too deeply") from None
    check_size(result)
    return result


@cache
def _code(name: str) -> Any:
    module = import_module(f"bakec.compiler.stdlib.{FUNCTIONS[name].module}")
    return getattr(module, f"{name}_" if name in _TAKEN else name)
