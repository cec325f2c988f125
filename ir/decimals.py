"""Exact decimal digits of binary numbers, and the notations they are written in.

A number here is `mantissa * 2**exponent` with a mantissa that is not negative: signs, signed zeros and
infinities are the business of `ir.numbers`.
"""

from __future__ import annotations

from math import log10

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

Decimal: TypeAlias = tuple[str, int]
"""Digits without trailing zeros and the place of the decimal point: `0.digits * 10**point`."""

_CHUNK = 4000
"""Digits converted at a time: below the interpreter's limit for one conversion, which is quadratic."""


def digits_to_int(digits: str) -> int:
    """`int(digits)` for any number of digits."""
    if len(digits) <= _CHUNK:
        return int(digits)
    half = len(digits) // 2
    scale: int = 10**half
    return digits_to_int(digits[:-half]) * scale + digits_to_int(digits[-half:])


def _int_to_digits(value: int) -> str:
    if value.bit_length() <= 3 * _CHUNK:
        return str(value)
    half = int(value.bit_length() * log10(2)) // 2
    high, low = divmod(value, 10**half)
    return _int_to_digits(high) + _int_to_digits(low).zfill(half)


def decimal(mantissa: int, exponent: int) -> Decimal:
    """Every digit of `mantissa * 2**exponent`."""
    if not mantissa:
        return "", 0
    zeros = (mantissa & -mantissa).bit_length() - 1
    mantissa, exponent = mantissa >> zeros, exponent + zeros
    if exponent >= 0:
        digits = _int_to_digits(mantissa << exponent)
        return digits.rstrip("0"), len(digits)
    digits = _int_to_digits(mantissa * 5**-exponent)
    return digits.rstrip("0"), len(digits) + exponent


def rounded(number: Decimal, count: int) -> Decimal:
    """`number` rounded to `count` digits, halves to even."""
    digits, _ = number
    if count < 0:
        return "", 0
    if count >= len(digits):
        return number
    up = digits[count] > "5" or (digits[count] == "5" and (count + 1 < len(digits) or _odd(digits, count)))
    return _round_up(number, count) if up else _round_down(number, count)


def _odd(digits: str, count: int) -> bool:
    return count > 0 and digits[count - 1] in "13579"


def _round_down(number: Decimal, count: int) -> Decimal:
    digits = number[0][:count].rstrip("0")
    return (digits, number[1]) if digits else ("", 0)


def _round_up(number: Decimal, count: int) -> Decimal:
    kept = number[0][:count].rstrip("9")
    if not kept:
        return "1", number[1] + 1
    return kept[:-1] + chr(ord(kept[-1]) + 1), number[1]


def shortest(mantissa: int, exponent: int, precision: int) -> Decimal:
    """The fewest digits that read back as the same number at `precision` bits: the shortest between the two
    numbers that lie half a unit of the last bit away. (Below a power of two the next number is nearer than that,
    which the reference overlooks: 2**-24 as a double comes out one unit too small.)"""
    if not mantissa:
        return "", 0
    shift = precision + 1 - mantissa.bit_length()
    wide = mantissa << shift if shift >= 0 else mantissa >> -shift
    lower, _ = decimal(wide - 1, exponent - shift)
    upper, _ = decimal(wide + 1, exponent - shift)
    return _between(decimal(mantissa, exponent), lower, upper, inclusive=not wide & 2)


def _between(number: Decimal, lower: str, upper: str, *, inclusive: bool) -> Decimal:
    for at, digit in enumerate(number[0]):
        low = lower[at] if at < len(lower) else "0"
        high = upper[at] if at < len(upper) else "0"
        down = low != digit or (inclusive and at + 1 == len(lower))
        ends = at + 1 < len(upper) or (at >= len(upper) and digit < "9")
        up = digit != high and (inclusive or chr(ord(digit) + 1) < high or ends)
        if down and up:
            return rounded(number, at + 1)
        if down:
            return _round_down(number, at + 1)
        if up:
            return _round_up(number, at + 1)
    return number


def general(number: Decimal, count: int) -> str:
    """`number` to `count` digits, at least one, in the shorter of the two notations, without trailing zeros."""
    count = count or 1
    digits, point = rounded(number, count)
    limit = len(digits) if count > len(digits) >= point else count
    if not -4 <= point - 1 < limit:
        return scientific(digits, point, min(count, len(digits)) - 1)
    return fixed(digits, point, max((len(digits) if count > point else count) - point, 0))


def general_shortest(digits: str, point: int) -> str:
    """All digits, with an exponent below a ten-thousandth and from a million on."""
    if not -4 <= point - 1 < 6:
        return scientific(digits, point, len(digits) - 1)
    return fixed(digits, point, max(len(digits) - point, 0))


def scientific(digits: str, point: int, places: int) -> str:
    """`d.ddde±dd` with `places` digits behind the decimal point."""
    power = point - 1 if digits else 0
    behind = f".{digits[1 : places + 1].ljust(places, '0')}" if places > 0 else ""
    return f"{digits[:1] or '0'}{behind}e{'-' if power < 0 else '+'}{abs(power):02d}"


def fixed(digits: str, point: int, places: int) -> str:
    """`0.digits * 10**point` written with `places` digits behind the decimal point."""
    whole = digits[:point].ljust(point, "0") if point > 0 else "0"
    if not places:
        return whole
    behind = digits[point:] if point > 0 else "0" * -point + digits
    return f"{whole}.{behind[:places].ljust(places, '0')}"
