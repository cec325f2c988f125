"""Text as Go's standard library sees it: white space, quoting, numbers, durations.

A Dockerfile is decoded with `surrogateescape`, so a lone surrogate stands for a byte that was not UTF-8.
"""

import re
from collections.abc import Iterable
from typing import Final

SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Go's `unicode.IsSpace`."""

_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE: Final = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_INTEGER = re.compile(r"[+-]?[0-9]+")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def valid(text: str) -> str:
    """`text` with each byte that was not UTF-8 as U+FFFD, as ranging over a Go string gives it."""
    return _SURROGATE.sub("\ufffd", text)


def lower(text: str) -> str:
    """Go's `strings.ToLower`, which replaces what is not UTF-8."""
    return valid(text).lower()


def upper(text: str) -> str:
    """Go's `strings.ToUpper`, which replaces what is not UTF-8."""
    return valid(text).upper()


def quote(text: str) -> str:
    """Go's `%q`."""
    return '"' + "".join(map(_quote_char, text)) + '"'


def _quote_char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote_list(items: Iterable[str]) -> str:
    """Go's `%q` of a list."""
    return "[" + " ".join(map(quote, items)) + "]"


def plain_list(items: Iterable[str]) -> str:
    """Go's `%v` of a list."""
    return "[" + " ".join(items) + "]"


def parse_bool(text: str) -> bool | None:
    """Go's `strconv.ParseBool`; None for anything else."""
    return True if text in _TRUE else False if text in _FALSE else None


def parse_int(text: str, bits: int = 64) -> int | None:
    """Go's `strconv.ParseInt` in base 10; None where it fails."""
    if not _INTEGER.fullmatch(text) or len(text) > 40:
        return None
    number = int(text)
    return number if -(1 << bits - 1) <= number < 1 << bits - 1 else None


def parse_uint(text: str, base: int = 10, bits: int = 64) -> int | None:
    """Go's `strconv.ParseUint`, which takes no sign; None where it fails."""
    digits = "0123456789"[:base]
    if not text or text.strip(digits) or len(text.lstrip("0")) > 40:
        return None
    number = int(text, base)
    return number if number < 1 << bits else None


def int_problem(function: str, text: str, bits: int = 64) -> str:
    """The text of the error that `parse_int` or `parse_uint` stands for."""
    del bits
    syntax = not _INTEGER.fullmatch(text) or (function == "ParseUint" and text[0] in "+-")
    reason = "invalid syntax" if syntax else "value out of range"
    return f"strconv.{function}: parsing {quote(text)}: {reason}"


_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_TERM = re.compile(r"([0-9]*)(\.[0-9]*)?([^.0-9]*)")


class DurationError(ValueError):
    """Text that is no Go duration; the message is Go's."""


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration such as `1m30.5s`. Raises `DurationError`."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest:
        raise DurationError(f"time: invalid duration {quote(text)}")
    total = 0
    while rest:
        total += _duration_term(rest, text)
        match = _TERM.match(rest)
        rest = rest[match.end() :] if match else ""
    if total > (1 << 63) - (sign > 0):
        raise DurationError(f"time: invalid duration {quote(text)}")
    return sign * total


def _duration_term(rest: str, text: str) -> int:
    match = _TERM.match(rest)
    if match is None or not (match[1] or (match[2] or "").strip(".")):
        raise DurationError(f"time: invalid duration {quote(text)}")
    if not match[3]:
        raise DurationError(f"time: missing unit in duration {quote(text)}")
    unit = _UNITS.get(match[3])
    if unit is None:
        raise DurationError(f"time: unknown unit {quote(match[3])} in duration {quote(text)}")
    whole = int(match[1] or "0") if len(match[1]) < 30 else 1 << 63
    fraction = (match[2] or "").lstrip(".")[:18]
    return whole * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def format_duration(nanoseconds: int) -> str:
    """Go's text of a duration: `1m30s`, `500ms`, `0s`."""
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < 1_000_000_000:
        for unit, size in (("ms", 1_000_000), ("\u00b5s", 1_000), ("ns", 1)):
            if left >= size:
                return f"{sign}{_decimal(left, size)}{unit}"
        return "0s"
    seconds, minutes, hours = left % _UNITS["m"], left // _UNITS["m"] % 60, left // _UNITS["h"]
    text = f"{_decimal(seconds, _UNITS['s'])}s"
    if left >= _UNITS["m"]:
        text = f"{minutes}m{text}"
    return sign + (f"{hours}h{text}" if hours else text)


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    fraction = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def json_problem(text: str) -> str:
    """Why `text` is not JSON, in Go's words where its first character is to blame."""
    first = text.lstrip(" \t\r\n")[:1]
    if not first:
        return "unexpected end of JSON input"
    if first not in '{["-0123456789tfn':
        return f"invalid character '{first}' looking for beginning of value"
    return "unexpected end of JSON input"
