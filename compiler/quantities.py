"""Sizes and limits in the notation of the docker command line."""

from __future__ import annotations

from bakec.ir.strconv import NumberError, parse_float, parse_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_UNITS: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_LIMITS: Final = frozenset(
    ("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio")
    + ("rttime", "sigpending", "stack")
)


class QuantityError(ValueError):
    """The text is no quantity; the message is the reference's."""


def parse_size(text: str) -> int:
    """Bytes from `128m`, `1.5GiB`, `64 kb`, `4096`."""
    at = max((position for position, char in enumerate(text) if char in "0123456789. "), default=-1)
    if at < 0:
        raise QuantityError(f"invalid size: '{text}'")
    number, suffix = text[: at + (text[at] != " ")], text[at + 1 :]
    try:
        size = parse_float(number)
    except NumberError as error:
        raise QuantityError(str(error)) from error
    if size < 0:
        raise QuantityError(f"invalid size: '{text}'")
    return int(size * _factor(suffix))


def _factor(suffix: str) -> int:
    unit = suffix.lower()
    if unit in ("", "b"):
        return 1
    if unit[1:] in ("", "b", "ib") and unit[0] in _UNITS:
        return _UNITS[unit[0]]
    raise QuantityError(f"invalid suffix: '{unit if len(suffix) <= 3 else suffix}'")


def parse_swap(text: str) -> int:
    """Like `parse_size`; -1 is unlimited."""
    return -1 if text == "-1" else parse_size(text)


def parse_ulimit(text: str) -> tuple[str, str]:
    """Name and `soft:hard` from `name=soft[:hard]`."""
    name, equals, values = text.partition("=")
    if not equals:
        raise QuantityError(f"invalid ulimit argument: {text}")
    if name not in _LIMITS:
        raise QuantityError(f"invalid ulimit type: {name}")
    parts = values.split(":")
    if len(parts) > 2:
        raise QuantityError(f"too many limit value arguments - {values}, can only have up to two, `soft[:hard]`")
    try:
        hard = parse_int(parts[-1])
        soft = parse_int(parts[0])
    except NumberError as error:
        raise QuantityError(str(error)) from error
    if hard != -1 and (soft == -1 or soft > hard):
        what = f"soft: -1 (unlimited), hard: {hard}" if soft == -1 else f"{soft} > {hard}"
        raise QuantityError(f"ulimit soft limit must be less than or equal to hard limit: {what}")
    return name, f"{soft}:{hard}"
