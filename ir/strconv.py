"""Booleans and numbers as Go reads them from environment variables and flags, and says it cannot."""

from __future__ import annotations

import re
from math import isinf

from bakec.ir.quoting import quote

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


class NumberError(ValueError):
    """`strconv.ParseX: parsing "…": invalid syntax`."""

    def __init__(self, function: str, text: str, reason: str = "invalid syntax") -> None:
        super().__init__(f"strconv.{function}: parsing {quote(text)}: {reason}")


def parse_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise NumberError("ParseBool", text)


_DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_HEXADECIMAL = r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+"
_SEPARATOR = r"(?<=[0-9])_(?=[0-9])"
_HEX_SEPARATOR = r"(?<=[0-9a-fxA-FX])_(?=[0-9a-fA-F])"
_SPECIAL = r"[+-]?(?:inf|infinity)|nan"


def parse_float(text: str) -> float:
    """A double; infinite or not a number only where the text says so."""
    digits = re.sub(_HEX_SEPARATOR if "x" in text.lower() else _SEPARATOR, "", text)
    if re.fullmatch(_DECIMAL, digits) or re.fullmatch(_SPECIAL, text, re.IGNORECASE):
        value = float(digits)
    elif re.fullmatch(_HEXADECIMAL, digits):
        value = _from_hex(digits)
    else:
        raise NumberError("ParseFloat", text)
    if isinf(value) and not re.fullmatch(_SPECIAL, text, re.IGNORECASE):
        raise NumberError("ParseFloat", text, "value out of range")
    return value


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")


def parse_int(text: str, bits: int = 64) -> int:
    """A decimal integer that fits into `bits` bits, with or without a sign."""
    negative = text.startswith("-")
    size = _unsigned("ParseInt", text, text[text.startswith(("+", "-")) :], 10, bits)
    if size >= (1 << (bits - 1)) + negative:
        raise NumberError("ParseInt", text, "value out of range")
    return -size if negative else size


def parse_uint(text: str, base: int = 10, bits: int = 64) -> int:
    """An integer without a sign, of a base of at most 10, that fits into `bits` bits."""
    return _unsigned("ParseUint", text, text, base, bits)


def _unsigned(function: str, text: str, digits: str, base: int, bits: int) -> int:
    """Whichever comes first in the text, a wrong digit or one too many, is what is wrong with it."""
    good = digits[: len(digits) - len(digits.lstrip("0123456789"[:base]))]
    # More digits than any number of 64 bits has need not be read; a long text would take long.
    size = int(good.lstrip("0")[:80] or "0", base)
    if size >= 1 << bits:
        raise NumberError(function, text, "value out of range")
    if not good or good != digits:
        raise NumberError(function, text)
    return size


def int_or_none(text: str) -> int | None:
    """What `parse_int` gives, None where it fails."""
    try:
        return parse_int(text)
    except NumberError:
        return None


def is_true(text: str) -> bool:
    """Whether the text is a word for true; what cannot be read is not."""
    return text in _TRUE
