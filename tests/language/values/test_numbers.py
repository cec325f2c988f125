"""Numbers: how they are read, computed and printed."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakec.ir import numbers
from bakec.ir.numbers import Float, Number, TooLargeError, UndefinedError


def read(text: str) -> Number:
    value = numbers.parse(text)
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0"),
        ("-0", "-0"),
        ("+5", "5"),
        ("007", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E-7", "0.0000001"),
        ("3p4", "48"),
        ("1e100", "1" + "0" * 100),
        ("Inf", "+Inf"),
        ("-inf", "-Inf"),
        ("12345678901234567890123456789012345678901234567890", "12345678901234567890123456789012345678901234567890"),
    ],
)
def test_reading_and_printing(text: str, shown: str) -> None:
    assert numbers.to_text(read(text)) == shown


@pytest.mark.parametrize("text", ["", " 1", "1 ", "0x10", "1_000", "1e", "e1", ".", "--1", "NaN", "infinity", "١"])
def test_what_is_no_number(text: str) -> None:
    assert numbers.parse(text) is None


@pytest.mark.parametrize("text", ["1e1000000000", "1e-99999999999999", "1" + "0" * 200_000])
def test_absurd_sizes_are_refused(text: str) -> None:
    with pytest.raises(TooLargeError):
        numbers.parse(text)


def test_products_cannot_grow_beyond_all_bounds() -> None:
    value = read("1e30000")
    with pytest.raises(TooLargeError):
        numbers.multiply(value, value)


def test_doubles_show_their_origin_in_later_arithmetic() -> None:
    value = numbers.multiply(numbers.from_float(0.1), 3)

    assert numbers.to_text(value) == "0.3000000000000000166533453693773481063544750213623046875"
    assert numbers.to_text(numbers.from_float(12345678901234567890.0)) == "12345678901234567000"


def test_integers_beyond_512_bits_are_rounded() -> None:
    value = numbers.multiply(10**100, 10**100 + 1)

    assert type(value) is int
    assert numbers.to_text(value).startswith("1" + "0" * 99 + "1")
    assert len(numbers.to_text(value)) == 201


def test_fractions_are_equal_if_they_print_equal() -> None:
    assert numbers.equal(read("0.1"), numbers.from_float(0.1))
    assert numbers.compare(read("0.1"), numbers.from_float(0.1)) == -1
    assert numbers.less_or_equal(numbers.from_float(0.1), read("0.1"))
    assert hash(read("0.1")) == hash(numbers.from_float(0.1))
    assert {numbers.integer(3): "x"}[3] == "x"


@pytest.mark.parametrize(
    ("operation", "left", "right"),
    [
        (numbers.divide, "0", "0"),
        (numbers.divide, "Inf", "Inf"),
        (numbers.add, "Inf", "-Inf"),
        (numbers.subtract, "Inf", "Inf"),
        (numbers.multiply, "0", "Inf"),
        (numbers.modulo, "Inf", "2"),
    ],
)
def test_undefined_results(operation: Callable[[Number, Number], Number], left: str, right: str) -> None:
    with pytest.raises(UndefinedError):
        operation(read(left), read(right))


WHOLE = st.integers(-(10**40), 10**40)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=12).map(str)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(DECIMALS)
def test_decimals_survive(text: str) -> None:
    shown = numbers.to_text(read(text))

    assert "e" not in shown
    assert Fraction(shown) == Fraction(text)


@given(FLOATS)
def test_doubles_read_back(value: float) -> None:
    shown = float(numbers.to_text(numbers.from_float(value)))

    # The digits of a power of two may belong to its neighbor, as in the reference.
    assert shown == value or (math.frexp(value)[0] in (0.5, -0.5) and abs(shown - value) <= math.ulp(value))
    assert math.copysign(1, shown) == math.copysign(1, value)


@given(DECIMALS, DECIMALS)
def test_sums_are_as_exact_as_512_bits_allow(one: str, other: str) -> None:
    left, right = read(one), read(other)
    total = numbers.add(left, right)

    assert numbers.equal(total, numbers.add(right, left))
    error = abs(Fraction(numbers.to_text(total)) - (Fraction(one) + Fraction(other)))
    assert error <= max(abs(Fraction(one)), abs(Fraction(other))) * Fraction(1, 2**500)


@given(WHOLE, WHOLE)
def test_integers_are_those_of_arithmetic(one: int, other: int) -> None:
    assert numbers.to_int(numbers.add(one, other)) == one + other
    assert numbers.to_int(numbers.multiply(one, other)) == one * other
    assert numbers.compare(one, other) == (one > other) - (one < other)


@given(WHOLE, WHOLE.filter(bool))
def test_remainders_have_the_sign_of_the_dividend(one: int, other: int) -> None:
    quotient = abs(one) // abs(other)

    expected = abs(one) - quotient * abs(other)
    assert numbers.to_int(numbers.modulo(one, other)) == (expected if one >= 0 else -expected)


@given(WHOLE, WHOLE.filter(bool))
def test_quotients_are_correctly_rounded(one: int, other: int) -> None:
    quotient = numbers.divide(one, other)
    mantissa, exponent = (quotient, 0) if isinstance(quotient, int) else (quotient.mantissa, quotient.exponent)

    exact = Fraction(one, other)
    error = abs(Fraction(mantissa) * Fraction(2) ** exponent - exact)
    assert error <= abs(exact) * Fraction(1, 2**512)


@given(FLOATS)
def test_to_float_gives_the_nearest_double(value: float) -> None:
    assert numbers.to_float(read(format(value, "f"))) == float(format(value, "f"))


def test_halves_round_to_even() -> None:
    assert numbers.to_int(numbers.from_int(2**64 + 1, 64)) == 2**64
    assert numbers.to_int(numbers.from_int(2**64 + 3, 64)) == 2**64 + 4


def test_a_number_is_an_int_where_that_says_it_all() -> None:
    assert type(read("3")) is int
    assert type(numbers.divide(6, 3)) is int
    assert isinstance(numbers.integer(3), Float)
    assert isinstance(read("0.5"), Float)
