"""Numbers: binary floating point of up to 512 bits, rounded half to even, as the reference has them.

A number is a Python `int` where that says it all (an integer computed at 512 bits, the precision of
literals), else a `Float`: fractions, infinities, the negative zero, and everything of another precision, such
as the 64 bits of a collection's length or the 53 of a number that came through a double. The precision shows:
it decides how many digits a quotient has.
"""

from __future__ import annotations

import re
from math import copysign, inf, isinf, ldexp

from bakec.ir import decimals
from bakec.ir.static import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.decimals import Decimal

PRECISION = 512
INTEGER_PRECISION = 64
DOUBLE_PRECISION = 53

MAX_EXPONENT = 1 << 17
"""Largest binary exponent, either way: about 39,000 decimal digits. The reference goes on to 2**31, where one
number takes more memory than the machine has."""


class UndefinedError(ArithmeticError):
    """0/0, infinity minus infinity and the like."""


class TooLargeError(ArithmeticError):
    """The exponent is beyond `MAX_EXPONENT`."""

    def __init__(self) -> None:
        super().__init__("the number is too large or too small to be handled")


@final
class Float:
    """`mantissa * 2**exponent` at `precision` bits; `special` is infinite or `-0.0` where no mantissa can say
    it.

    The mantissa is odd or zero. Equality is that of the language: integers by value, fractions by their text.
    """

    __slots__ = ("_text", "exponent", "mantissa", "precision", "special")

    def __init__(self, mantissa: int, exponent: int, precision: int, special: float = 0.0) -> None:
        self.mantissa = mantissa
        self.exponent = exponent
        self.precision = precision
        self.special = special
        self._text = ""

    def __repr__(self) -> str:
        return f"Float({self.text}, precision={self.precision})"

    @property
    def text(self) -> str:
        """See `to_text`. Kept, because equality needs it too."""
        if not self._text:
            self._text = _text(self)
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Float | int):
            return NotImplemented
        return equal(self, other)

    def __hash__(self) -> int:
        whole = to_int(self)
        return hash(self.text if whole is None else whole)


Number: TypeAlias = int | Float

_LIMIT = 1 << PRECISION
_NEGATIVE_ZERO = Float(0, 0, PRECISION, -0.0)


def integer(value: int) -> Number:
    """A machine integer (64 bits), as lengths and indexes are."""
    return from_int(value, INTEGER_PRECISION)


def natural(value: int) -> Number:
    """An integer at the precision that it needs, but at least 64 bits."""
    return from_int(value, max(value.bit_length(), INTEGER_PRECISION))


def from_int(value: int, precision: int) -> Number:
    """An integer rounded to `precision` bits."""
    return _rounded(value, 0, precision) if value else _zero(1, precision)


def from_float(value: float) -> Number:
    """A double (53 bits); not NaN."""
    if isinf(value):
        return Float(0, 0, DOUBLE_PRECISION, value)
    if not value:
        return Float(0, 0, DOUBLE_PRECISION, value)
    numerator, denominator = value.as_integer_ratio()
    return _rounded(numerator, 1 - denominator.bit_length(), DOUBLE_PRECISION)


def infinity(sign: int, precision: int = PRECISION) -> Number:
    return Float(0, 0, precision, copysign(inf, sign))


_DECIMAL = r"([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:([eEpP])([+-]?\d+))?"
_INFINITIES = {"Inf": 1, "inf": 1, "+Inf": 1, "+inf": 1, "-Inf": -1, "-inf": -1}


def parse(text: str, precision: int = PRECISION) -> Number | None:
    """The number that `text` spells, or None. An exponent after `p` is one of two. Raises `TooLargeError`."""
    if len(text) <= 150 and text.isdigit() and text.isascii() and precision == PRECISION:
        return int(text)
    if sign := _INFINITIES.get(text):
        return infinity(sign, precision)
    found = re.fullmatch(_DECIMAL, text, re.ASCII)
    if not found:
        return None
    minus, whole, fraction, bare_fraction, mark, power = found.groups()
    fraction = fraction or bare_fraction or ""
    digits = ((whole or "") + fraction).lstrip("0")
    if not digits:
        return _zero(-1 if minus == "-" else 1, precision)
    if len(power or "") > 10 or len(digits) > MAX_EXPONENT:
        raise TooLargeError
    exponent = int(power or 0)
    fives = -len(fraction) if mark in ("p", "P") else exponent - len(fraction)
    value = _scaled(decimals.digits_to_int(digits), exponent - len(fraction), fives, precision)
    return negate(value) if minus == "-" else value


def _scaled(mantissa: int, twos: int, fives: int, precision: int) -> Number:
    """`mantissa * 2**twos * 5**fives`."""
    if abs(twos) > MAX_EXPONENT or abs(fives) > MAX_EXPONENT:
        raise TooLargeError
    power: int = 5 ** abs(fives)
    if fives >= 0:
        return _rounded(mantissa * power, twos, precision)
    return _quotient(mantissa, power, twos, precision)


def _rounded(mantissa: int, exponent: int, precision: int) -> Number:
    """`mantissa * 2**exponent`, the mantissa not zero, rounded half to even to `precision` bits."""
    excess = abs(mantissa).bit_length() - precision
    if excess > 0:
        mantissa = _shift_right(mantissa, excess)
        exponent += excess
    return _normal(mantissa, exponent, precision)


def _shift_right(mantissa: int, bits: int) -> int:
    """`mantissa / 2**bits` to the nearest integer, halves to even."""
    half = 1 << (bits - 1)
    low = abs(mantissa) & ((half << 1) - 1)
    high = abs(mantissa) >> bits
    if low > half or (low == half and high & 1):
        high += 1
    return high if mantissa > 0 else -high


def _normal(mantissa: int, exponent: int, precision: int) -> Number:
    if precision == PRECISION and 0 <= exponent <= PRECISION:
        return mantissa << exponent
    zeros = (mantissa & -mantissa).bit_length() - 1
    mantissa >>= zeros
    exponent += zeros
    if abs(exponent + mantissa.bit_length()) > MAX_EXPONENT:
        raise TooLargeError
    if precision == PRECISION and exponent >= 0:
        return mantissa << exponent
    return Float(mantissa, exponent, precision)


def _zero(sign: int, precision: int) -> Number:
    if precision == PRECISION:
        return 0 if sign > 0 else _NEGATIVE_ZERO
    return Float(0, 0, precision, copysign(0.0, sign))


def _quotient(dividend: int, divisor: int, exponent: int, precision: int) -> Number:
    """`dividend / divisor * 2**exponent`, neither zero."""
    shift = max(precision + 2 + abs(divisor).bit_length() - abs(dividend).bit_length(), 0)
    whole, rest = divmod(abs(dividend) << shift, abs(divisor))
    # One more bit that says whether anything was cut off is all that rounding needs to know.
    mantissa = whole << 1 | (1 if rest else 0)
    if (dividend < 0) != (divisor < 0):
        mantissa = -mantissa
    return _rounded(mantissa, exponent - shift - 1, precision)


def _parts(value: Number) -> tuple[int, int]:
    """Mantissa and exponent of a finite number."""
    return (value, 0) if isinstance(value, int) else (value.mantissa, value.exponent)


def precision_of(value: Number) -> int:
    return PRECISION if isinstance(value, int) else value.precision


def sign(value: Number) -> int:
    """-1, 0 or 1; both zeros give 0."""
    if isinstance(value, int):
        return (value > 0) - (value < 0)
    if isinf(value.special):
        return 1 if value.special > 0 else -1
    return (value.mantissa > 0) - (value.mantissa < 0)


def _sign_bit(value: Number) -> int:
    """-1 for what prints with a minus (the negative zero too), else 1."""
    if isinstance(value, int):
        return -1 if value < 0 else 1
    if value.mantissa:
        return -1 if value.mantissa < 0 else 1
    return -1 if copysign(1.0, value.special) < 0 else 1


def is_negative(value: Number) -> bool:
    """Whether `value` prints with a minus: also true of the negative zero."""
    return _sign_bit(value) < 0


def is_infinite(value: Number) -> bool:
    return isinstance(value, Float) and isinf(value.special)


def add(left: Number, right: Number) -> Number:
    if type(left) is int and type(right) is int:
        total = left + right
        if -_LIMIT < total < _LIMIT:
            return total
    precision = max(precision_of(left), precision_of(right))
    if is_infinite(left) or is_infinite(right):
        return _add_infinite(left, right, precision)
    (mantissa, exponent), (other, other_exponent) = _parts(left), _parts(right)
    low = min(exponent, other_exponent) if mantissa and other else (exponent if mantissa else other_exponent)
    total = _shifted(mantissa, exponent, low) + _shifted(other, other_exponent, low)
    if total:
        return _rounded(total, low, precision)
    both_negative = not mantissa and not other and _sign_bit(left) < 0 and _sign_bit(right) < 0
    return _zero(-1 if both_negative else 1, precision)


def _shifted(mantissa: int, exponent: int, low: int) -> int:
    return mantissa << (exponent - low) if mantissa else 0


def _add_infinite(left: Number, right: Number, precision: int) -> Number:
    if is_infinite(left) and is_infinite(right) and sign(left) != sign(right):
        raise UndefinedError("addition of infinities with opposite signs")
    return infinity(sign(left if is_infinite(left) else right), precision)


def negate(value: Number) -> Number:
    if isinstance(value, int):
        return -value if value else _NEGATIVE_ZERO
    if isinf(value.special):
        return Float(0, 0, value.precision, -value.special)
    if value.mantissa:
        return Float(-value.mantissa, value.exponent, value.precision)
    return _zero(-_sign_bit(value), value.precision)


def absolute(value: Number) -> Number:
    return negate(value) if _sign_bit(value) < 0 else value


def subtract(left: Number, right: Number) -> Number:
    if type(left) is int and type(right) is int:
        return add(left, -right)
    return add(left, negate(right))


def multiply(left: Number, right: Number) -> Number:
    """The product keeps the bits it needs, up to 512, even where both factors have fewer."""
    signs = _sign_bit(left) * _sign_bit(right)
    precision = max(precision_of(left), precision_of(right))
    if is_infinite(left) or is_infinite(right):
        if not sign(left) or not sign(right):
            raise UndefinedError("multiplication of zero with infinity")
        return infinity(signs, precision)
    (mantissa, exponent), (other, other_exponent) = _parts(left), _parts(right)
    product = mantissa * other
    if not product:
        return _zero(signs, precision)
    needed = product.bit_length() - ((product & -product).bit_length() - 1)
    return _rounded(product, exponent + other_exponent, min(max(needed, precision), PRECISION))


def divide(left: Number, right: Number) -> Number:
    """Raises `UndefinedError` for 0/0 and ∞/∞; any other number divided by zero is infinite."""
    signs = _sign_bit(left) * _sign_bit(right)
    precision = max(precision_of(left), precision_of(right))
    if (not sign(left) and not sign(right)) or (is_infinite(left) and is_infinite(right)):
        raise UndefinedError("division of zero by zero or infinity by infinity")
    if is_infinite(left) or not sign(right):
        return infinity(signs, precision)
    if is_infinite(right) or not sign(left):
        return _zero(signs, precision)
    (mantissa, exponent), (other, other_exponent) = _parts(left), _parts(right)
    return _quotient(mantissa, other, exponent - other_exponent, precision)


def modulo(left: Number, right: Number) -> Number:
    """The remainder with the sign of `left`; `left` itself where `right` is zero."""
    if is_infinite(left) or is_infinite(right):
        raise UndefinedError("remainder of a division with infinity")
    if not sign(right):
        return left
    precision = precision_of(left)
    whole = truncate(divide(left, right))
    back = multiply(_rounded(whole, 0, precision), right) if whole else 0
    back_mantissa, back_exponent = _parts(back)
    if not back_mantissa:
        return left if sign(left) else _zero(-1 if is_negative(left) and sign(right) > 0 else 1, precision)
    return at_precision(subtract(left, _rounded(back_mantissa, back_exponent, precision)), precision)


def at_precision(value: Number, precision: int) -> Number:
    """`value` rounded to, or given, `precision` bits."""
    if is_infinite(value):
        return infinity(sign(value), precision)
    mantissa, exponent = _parts(value)
    return _rounded(mantissa, exponent, precision) if mantissa else _zero(_sign_bit(value), precision)


def compare(left: Number, right: Number) -> int:
    """-1, 0 or 1, by exact value."""
    if type(left) is int and type(right) is int:
        return (left > right) - (left < right)
    if is_infinite(left) or is_infinite(right):
        one, two = _extent(left), _extent(right)
        return (one > two) - (one < two)
    (mantissa, exponent), (other, other_exponent) = _parts(left), _parts(right)
    low = min(exponent, other_exponent)
    one, two = mantissa << (exponent - low), other << (other_exponent - low)
    return (one > two) - (one < two)


def _extent(value: Number) -> int:
    return 2 * sign(value) if is_infinite(value) else sign(value)


def equal(left: Number, right: Number) -> bool:
    """Integers by value; fractions by their text, so that rounding noise does not tell two numbers apart."""
    if sign(left) != sign(right):
        return False
    whole, other = to_int(left), to_int(right)
    if whole is not None or other is not None:
        return whole == other
    return to_text(left) == to_text(right)


def less_or_equal(left: Number, right: Number) -> bool:
    """Less by exact value, or equal by `equal`."""
    return compare(left, right) < 0 or equal(left, right)


def to_int(value: Number) -> int | None:
    """The integer that `value` is, or None for fractions and infinities."""
    if isinstance(value, int):
        return value
    if isinf(value.special) or value.exponent < 0:
        return None
    return value.mantissa << value.exponent


class WholeError(ValueError):
    """The number is no integer of 64 bits; the message is the reference's."""


def to_int64(value: Number) -> int:
    """The integer of 64 bits that `value` is. Raises `WholeError`."""
    found = to_int(value)
    if found is None or not -(1 << 63) <= found < 1 << 63:
        raise WholeError("value must be a whole number, between -9223372036854775808 and 9223372036854775807")
    return found


def truncate(value: Number) -> int:
    """The integer part of a finite number, rounded toward zero."""
    mantissa, exponent = _parts(value)
    whole = abs(mantissa) << exponent if exponent >= 0 else abs(mantissa) >> -exponent
    return whole if mantissa > 0 else -whole


def to_float(value: Number) -> float:
    """The nearest double; infinite beyond the largest."""
    if isinstance(value, Float) and not value.mantissa:
        return value.special
    mantissa, exponent = _parts(value)
    return _to_double(mantissa, exponent)


def _to_double(mantissa: int, exponent: int) -> float:
    # Rounded to what the result can hold first: ldexp would round a second time among the subnormal numbers.
    top = exponent + mantissa.bit_length()
    room = min(DOUBLE_PRECISION, top + 1074)
    if not mantissa or room < 0:
        return copysign(0.0, mantissa)
    excess = mantissa.bit_length() - room
    if excess > 0:
        mantissa, exponent = _shift_right(mantissa, excess), exponent + excess
    try:
        return ldexp(mantissa, exponent)
    except OverflowError:
        return copysign(inf, mantissa)


def to_text(value: Number) -> str:
    """The shortest decimal that reads back as this number at its precision, never with an exponent."""
    if isinstance(value, Float):
        return value.text
    if -_LIMIT < value < _LIMIT:
        return str(value)
    return _text(Float(value, 0, PRECISION))


def shortest(value: Number) -> Decimal:
    """The fewest digits that read back as a finite number at its precision, without its sign."""
    mantissa, exponent = _parts(value)
    return decimals.shortest(abs(mantissa), exponent, precision_of(value))


def _text(value: Float) -> str:
    if isinf(value.special):
        return "+Inf" if value.special > 0 else "-Inf"
    minus = "-" if is_negative(value) else ""
    digits, point = shortest(value)
    return minus + decimals.fixed(digits, point, max(len(digits) - point, 0))


def exact(value: Number) -> Decimal:
    """Every digit of a finite number, without its sign."""
    mantissa, exponent = _parts(value)
    return decimals.decimal(abs(mantissa), exponent)


def brief(value: Number) -> str:
    """At most ten digits, with an exponent if large or small: what orders numbers within the items of
    sets."""
    if is_infinite(value):
        return to_text(value)
    minus = "-" if is_negative(value) else ""
    return minus + decimals.general(exact(value), 10)
