"""What the functions share: how they fail, what they may ask of the outside world, and how they read
numbers."""

from __future__ import annotations

from math import isinf

from bakec.ir import numbers
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.ir.values import Value

MAX_TEXT = 1 << 24
"""Characters of one string that a function makes."""

MAX_ELEMENTS = 1 << 20
"""Elements of one collection that a function makes."""


class FunctionError(Exception):
    """The call has no result. `argument` is the position of the argument at fault, if it is a single one's
    fault."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class Context(Protocol):
    """What functions that are not pure depend on."""

    def timestamp(self) -> float:
        """Seconds since 1970."""
        ...

    def random_bytes(self, count: int) -> bytes: ...

    @property
    def env(self) -> Mapping[str, str]: ...


def whole(value: Value) -> int:
    """A number as a 64-bit integer."""
    try:
        return numbers.to_int64(value.number)
    except numbers.WholeError as error:
        raise FunctionError(str(error)) from None


def double(value: Value) -> float:
    """A number as the nearest double."""
    found = numbers.to_float(value.number)
    if isinf(found) and not numbers.is_infinite(value.number):
        largest = f"{2**1024 - 2**971}.000000"
        raise FunctionError(f"value must be between -{largest} and {largest} inclusive")
    return found


def check_size(result: Value) -> None:
    """After a value was made of others that are within the limits."""
    raw = result.raw
    if isinstance(raw, str):
        check_length(len(raw))
    elif isinstance(raw, tuple | dict) and len(raw) > MAX_ELEMENTS:
        raise FunctionError(f"the result would have more than {MAX_ELEMENTS} elements")


def check_length(characters: int) -> None:
    """Before a long string is made."""
    if characters > MAX_TEXT:
        raise FunctionError(f"the result would be longer than {MAX_TEXT} characters")
