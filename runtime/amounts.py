"""Sizes and ages as the Docker client writes and reads them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?")
POWERS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
STEPS = ((1, "day", 14), (7, "week", 60), (30, "month", 730))
"""Days of a unit, its name, and up to how many days it is used."""


def roughly(seconds: float) -> str:
    """For a person: `About an hour`, `3 days`."""
    minutes, hours = int(seconds / 60), int(seconds / 3600 + 0.5)
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if int(seconds) == 1 else f"{int(seconds)} seconds"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    for days, name, limit in STEPS:
        if hours < 24 * limit:
            return f"{hours // 24 // days} {name}s"
    return f"{int(seconds / 3600) // 24 // 365} years"


def parse_size(text: str) -> int:
    """`1.5g` in bytes; the units are powers of 1024. Raises `ValueError`."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"invalid size: '{text}'")
    return int(float(match[1]) * (1 << POWERS[match[2]]))


def decimal_size(count: float) -> str:
    """`154.3MB`."""
    return _sized(count, 1000, DECIMAL)


def binary_size(count: float) -> str:
    """`3.346GiB`."""
    return _sized(count, 1024, BINARY)


def _sized(count: float, base: int, units: tuple[str, ...]) -> str:
    power = 0
    while count >= base and power < len(units) - 1:
        count, power = count / base, power + 1
    return f"{count:.4g}{units[power]}"
