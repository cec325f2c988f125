"""Arithmetic. `log` and `pow` work in double precision, as in the reference."""

from __future__ import annotations

from math import copysign, exp, frexp, inf, isinf, isnan, ldexp, modf, sqrt
from math import floor as floor_double

from bakec.compiler.eval.operators import OperatorError, apply_binary
from bakec.compiler.stdlib.arguments import FunctionError, double, whole
from bakec.ir import numbers
from bakec.ir.quoting import quote
from bakec.ir.types import NUMBER, STRING
from bakec.ir.values import integer, list_, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.values import Value


def _operator(spelling: str, left: Value, right: Value) -> Value:
    try:
        return apply_binary(spelling, left, right)
    except OperatorError as error:
        raise FunctionError(str(error)) from None


def absolute(num: Value) -> Value:
    return number(numbers.absolute(num.number))


def add(a: Value, b: Value) -> Value:
    return _operator("+", a, b)


def subtract(a: Value, b: Value) -> Value:
    return _operator("-", a, b)


def multiply(a: Value, b: Value) -> Value:
    return _operator("*", a, b)


def divide(a: Value, b: Value) -> Value:
    return _operator("/", a, b)


def modulo(a: Value, b: Value) -> Value:
    return _operator("%", a, b)


def greaterthan(a: Value, b: Value) -> Value:
    return _operator(">", a, b)


def greaterthanorequalto(a: Value, b: Value) -> Value:
    return _operator(">=", a, b)


def lessthan(a: Value, b: Value) -> Value:
    return _operator("<", a, b)


def lessthanorequalto(a: Value, b: Value) -> Value:
    return _operator("<=", a, b)


def negate(num: Value) -> Value:
    return number(numbers.negate(num.number))


def ceil(num: Value) -> Value:
    return _toward(num, 1)


def floor(num: Value) -> Value:
    return _toward(num, -1)


def _toward(num: Value, direction: int) -> Value:
    """The next whole number up or down, at the precision of `num`."""
    value = num.number
    if numbers.is_infinite(value):
        return num
    fraction = numbers.to_int(value) is None
    step = direction if fraction and numbers.sign(value) == direction else 0
    return number(numbers.from_int(numbers.truncate(value) + step, numbers.precision_of(value)))


def int_(num: Value) -> Value:
    value = num.number
    if numbers.is_infinite(value):
        raise FunctionError("can't truncate infinity to an integer")
    if numbers.to_int(value) is not None:
        return num
    return number(numbers.natural(numbers.truncate(value)))


def min_(*args: Value) -> Value:
    return _extreme(args, -1)


def max_(*args: Value) -> Value:
    return _extreme(args, 1)


def _extreme(args: tuple[Value, ...], direction: int) -> Value:
    if not args:
        raise FunctionError("must pass at least one number")
    found = args[0]
    for one in args[1:]:
        if numbers.compare(one.number, found.number) == direction:
            found = one
    return found


def signum(num: Value) -> Value:
    value = whole(num)
    return integer((value > 0) - (value < 0))


def log(num: Value, base: Value) -> Value:
    top, bottom = _log(double(num)), _log(double(base))
    return _from_double(_quotient(top, bottom))


def _quotient(top: float, bottom: float) -> float:
    if bottom:
        return top / bottom
    return copysign(inf, top) * copysign(1.0, bottom) if top else float("nan")


def pow_(num: Value, power: Value) -> Value:
    return _from_double(_pow(double(num), double(power)))


def _from_double(value: float) -> Value:
    if isnan(value):
        raise FunctionError("the result is not a number")
    return number(numbers.from_float(value))


_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LOG_TERMS = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
"""Coefficients of the series of fdlibm's `log`. The C library's own differs in the last bit, which shows."""


def _log(value: float) -> float:
    if isnan(value) or value < 0:
        return float("nan")
    if not value:
        return -inf
    if isinf(value):
        return inf
    mantissa, power = frexp(value)
    if mantissa < sqrt(2) / 2:
        mantissa, power = mantissa * 2, power - 1
    part = mantissa - 1
    ratio = part / (2 + part)
    square = ratio * ratio
    fourth = square * square
    one, two, three, four, five, six, seven = _LOG_TERMS
    odd = square * (one + fourth * (three + fourth * (five + fourth * seven)))
    even = fourth * (two + fourth * (four + fourth * six))
    half = 0.5 * part * part
    return power * _LN2_HIGH - ((half - (ratio * (half + odd + even) + power * _LN2_LOW)) - part)


def _pow(base: float, power: float) -> float:
    """By repeated squaring, with the fraction of the power by logarithm: the last bits depend on the
    method."""
    if not power or base == 1:
        return 1.0
    if isnan(base) or isnan(power):
        return float("nan")
    if not base or isinf(base) or isinf(power) or power in (0.5, -0.5):
        return _pow_special(base, power)
    fraction, steps = modf(abs(power))
    if fraction and base < 0:
        return float("nan")
    if steps >= 1 << 63:
        return 1.0 if base == -1 else 0.0 if (abs(base) < 1) == (power > 0) else inf
    result = 1.0
    if fraction:
        if fraction > 0.5:
            fraction, steps = fraction - 1, steps + 1
        result = exp(fraction * _log(base))
    result, shift = _squared(base, int(steps), result)
    if power < 0:
        result, shift = 1 / result, -shift
    return _scaled(result, shift)


def _pow_special(base: float, power: float) -> float:
    """The cases that IEEE 754 settles, and square roots."""
    if power == 0.5 and base and not isinf(base):
        return sqrt(base) if base >= 0 else float("nan")
    if power == -0.5 and base and not isinf(base):
        return 1 / sqrt(base) if base > 0 else float("nan")
    odd = not isinf(power) and power == floor_double(power) and abs(power) < 2**53 and int(power) % 2 == 1
    if isinf(power):
        if base == -1:
            return 1.0
        return 0.0 if (abs(base) < 1) == (power > 0) else inf
    size = inf if (not base) == (power < 0) else 0.0
    return copysign(size, base) if odd else size


def _squared(base: float, steps: int, result: float) -> tuple[float, int]:
    """`result * base**steps` as a fraction and a power of two."""
    fraction, power = frexp(base)
    shift = 0
    while steps:
        if not -(1 << 12) <= power <= 1 << 12:
            shift += power
            break
        if steps & 1:
            result *= fraction
            shift += power
        fraction *= fraction
        power <<= 1
        if fraction < 0.5:
            fraction += fraction
            power -= 1
        steps >>= 1
    return result, shift


def _scaled(fraction: float, shift: int) -> float:
    try:
        return ldexp(fraction, shift)
    except OverflowError:
        return copysign(inf, fraction)


def parseint(text: Value, base: Value) -> Value:
    if text.type is not STRING:
        raise FunctionError(f"first argument must be a string, not {text.type.friendly_name()}", 0)
    try:
        radix = whole(base)
    except FunctionError as error:
        raise FunctionError(error.message, 1) from None
    if not 2 <= radix <= 62:
        raise FunctionError("base must be a whole number between 2 and 62 inclusive", 1)
    value = _digits(text.text, radix)
    if value is None:
        raise FunctionError(f"cannot parse {quote(text.text)} as a base {radix} integer", 0)
    return number(numbers.natural(value))


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_DIGITS = 10_000


def _digits(text: str, radix: int) -> int | None:
    """The integer spelled by `text`; letters of both cases are the same digits up to base 36."""
    minus, digits = text[:1] == "-", text[1:] if text[:1] in ("+", "-") else text
    if len(digits) > _MAX_DIGITS:
        raise FunctionError(f"cannot parse an integer of more than {_MAX_DIGITS} digits", 0)
    value = 0
    for char in digits if radix > 36 else digits.lower():
        digit = _DIGITS.find(char)
        if not 0 <= digit < radix:
            return None
        value = value * radix + digit
    if not digits:
        return None
    return -value if minus else value


_MAX_RANGE = 1024


def range_(*args: Value) -> Value:
    start, end, step = _bounds([arg.number for arg in args])
    down = numbers.sign(step) < 0
    order = numbers.compare(end, start)
    if down and order > 0:
        raise FunctionError("end must be less than start when step is negative", 1)
    if not down and order < 0:
        raise FunctionError("end must be greater than start when step is positive", 1)
    items: list[Value] = []
    current = start
    while not numbers.less_or_equal(*((current, end) if down else (end, current))):
        if len(items) == _MAX_RANGE:
            raise FunctionError(
                "more than 1024 values were generated; either decrease the difference between start and end or "
                "use a smaller step"
            )
        items.append(number(current))
        current = numbers.add(current, step)
    return list_(NUMBER, items)


def _bounds(args: list[numbers.Number]) -> tuple[numbers.Number, numbers.Number, numbers.Number]:
    """Start, end and step."""
    if len(args) == 3:
        return args[0], args[1], args[2]
    if len(args) not in (1, 2):
        raise FunctionError("must have one, two, or three arguments")
    start = args[0] if len(args) == 2 else numbers.from_float(0.0)
    return start, args[-1], numbers.integer(-1 if numbers.compare(args[-1], start) < 0 else 1)
