"""Quantities of Kubernetes: `500m`, `1.5Gi`, `2e3`, written as its API server writes them."""

from __future__ import annotations

import re
from fractions import Fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_FORMAT: Final = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_NUMBER: Final = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EXPONENT: Final = re.compile(r"[eE]([-+]?[0-9]+)")
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_LARGEST: Final = (1 << 63) - 1
_EXPONENT_LIMIT: Final = 99


class QuantityError(ValueError):
    """The text is no quantity; the message is the reference's."""


def canonical(text: str) -> str:
    """The same amount with the largest suffix that leaves a whole number: `1024Mi` is `1Gi`. Raises
    `QuantityError`."""
    match = _FORMAT.fullmatch(text)
    if match is None:
        pattern = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
        raise QuantityError(f"quantities must match the regular expression '{pattern}'")
    number = _NUMBER.fullmatch(match[1])
    if number is None:
        raise QuantityError("unable to parse numeric part of quantity")
    sign, size = number[1].replace("+", ""), Fraction(number[2])
    if match[2] in _BINARY[1:]:
        return _with_sign(sign, _binary(size * 1024 ** _BINARY.index(match[2])))
    return _with_sign(sign, _decimal(size, match[2]))


def _with_sign(sign: str, amount: str) -> str:
    return amount if amount == "0" else sign + amount


def _binary(size: Fraction) -> str:
    size = min(size, Fraction(_LARGEST))
    if size < 1024 or size.denominator != 1:
        return _scaled(size, _DECIMAL)
    whole, power = size.numerator, 0
    while whole % 1024 == 0 and power + 1 < len(_BINARY):
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY[power]}"


def _decimal(size: Fraction, suffix: str) -> str:
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is not None:
        power = int(exponent[1][:4])
        if abs(power) > _EXPONENT_LIMIT:
            raise QuantityError("unable to parse quantity's suffix")
        return _scaled(size * Fraction(10) ** power, None)
    powers = [power for power, name in _DECIMAL.items() if name == suffix]
    if not powers:
        raise QuantityError("unable to parse quantity's suffix")
    return _scaled(size * Fraction(10) ** powers[0], _DECIMAL)


def _scaled(size: Fraction, suffixes: dict[int, str] | None) -> str:
    """A whole number and a power of a thousand, by name or, without `suffixes`, as an exponent. What is smaller than a
    billionth is rounded up: who wants some gets some."""
    if not size:
        return "0"
    whole, power = -(-size * 10**9 // 1), -9
    while whole % 1000 == 0 and (suffixes is None or power + 3 in suffixes):
        whole, power = whole // 1000, power + 3
    if suffixes is not None:
        return f"{whole}{suffixes[power]}"
    return f"{whole}e{power}" if power else str(whole)
