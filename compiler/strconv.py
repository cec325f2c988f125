"""Booleans and floating-point numbers as Go reads them from environment variables and flags, and says it cannot."""

import re
from math import isinf

from bakec.ir.quoting import quote

__all__ = ["NumberError", "parse_bool", "parse_float", "parse_int", "quote"]

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


_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SEPARATOR = re.compile(r"(?<=[0-9])_(?=[0-9])")
_HEX_SEPARATOR = re.compile(r"(?<=[0-9a-fxA-FX])_(?=[0-9a-fA-F])")
_SPECIAL = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)


def parse_float(text: str) -> float:
    """A double; infinite or not a number only where the text says so."""
    digits = (_HEX_SEPARATOR if "x" in text.lower() else _SEPARATOR).sub("", text)
    if _DECIMAL.fullmatch(digits) or _SPECIAL.fullmatch(text):
        value = float(digits)
    elif _HEXADECIMAL.fullmatch(digits):
        value = _from_hex(digits)
    else:
        raise NumberError("ParseFloat", text)
    if isinf(value) and not _SPECIAL.fullmatch(text):
        raise NumberError("ParseFloat", text, "value out of range")
    return value


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")


def parse_int(text: str, base: int = 10, bits: int = 64) -> int:
    """An integer that fits into `bits` bits; its digits may be any of the base."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isalnum():
        raise NumberError("ParseInt", text)
    try:
        value = int(text, base) if len(digits) < 4000 else 1 << bits
    except ValueError:
        raise NumberError("ParseInt", text) from None
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise NumberError("ParseInt", text, "value out of range")
    return value
