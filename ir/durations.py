"""Durations as Go reads and writes them: `1h30m`, `1.5s`, `500ms`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

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
"""Nanoseconds. Both letters for micro are taken, the first is written."""

SECOND: Final = _UNITS["s"]
_TERM: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_LIMIT: Final = 1 << 63


class DurationError(ValueError):
    """The text is no duration; the message is the reference's."""


def parse_duration(text: str) -> int:
    """Nanoseconds. Raises `DurationError`."""
    rest = text[text.startswith(("+", "-")) :]
    if rest == "0":
        return 0
    total = at = 0
    while at < len(rest) or not rest:
        match = _TERM.match(rest, at)
        total += _term(match, text) if match else 0
        if total > _LIMIT:
            raise DurationError(f"time: invalid duration {_quoted(text)}")
        at = match.end() if match else len(rest)
    if text.startswith("-"):
        return -total
    if total == _LIMIT:
        raise DurationError(f"time: invalid duration {_quoted(text)}")
    return total


def _term(match: re.Match[str], text: str) -> int:
    whole, fraction, unit = match.groups(default="")
    # More digits than these cannot matter: the whole is too long then, the fraction below a nanosecond.
    number = int(whole.lstrip("0")[:30] or 0)
    if (not whole and not fraction) or number > _LIMIT:
        raise DurationError(f"time: invalid duration {_quoted(text)}")
    if not unit:
        raise DurationError(f"time: missing unit in duration {_quoted(text)}")
    if unit not in _UNITS:
        raise DurationError(f"time: unknown unit {_quoted(unit)} in duration {_quoted(text)}")
    size = _UNITS[unit]
    fraction = fraction[:18]
    # With doubles, as the reference does it: that can make a nanosecond of a difference.
    return number * size + int(float(int(fraction or 0)) * (size / 10.0 ** len(fraction)))


def _quoted(text: str) -> str:
    """In messages about durations every byte that is not ASCII is escaped by itself."""
    shown = (
        f"\\x{byte:02x}" if not 0x20 <= byte < 0x80 else f"\\{byte:c}" if byte in b'"\\' else f"{byte:c}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f'"{"".join(shown)}"'


def format_duration(nanoseconds: int) -> str:
    """`1m30s`, `500ms`, `0s`."""
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < _UNITS["s"]:
        unit = next((unit for unit in ("ms", "\u00b5s", "ns") if left >= _UNITS[unit]), "")
        return f"{sign}{_decimal(left, _UNITS[unit])}{unit}" if unit else "0s"
    minutes, rest = divmod(left, _UNITS["m"])
    text = f"{_decimal(rest, _UNITS['s'])}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
    return sign + text


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    fraction = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
