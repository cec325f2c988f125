"""Durations and sizes as the Docker client writes and reads them."""

import re

SECOND = 1_000_000_000
UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?")
POWERS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
STEPS = ((1, "day", 14), (7, "week", 60), (30, "month", 730))
"""Days of a unit, its name, and up to how many days it is used."""


def parse(text: str) -> int:
    """`1h30m` in nanoseconds. Raises `ValueError`."""
    sign = -1 if text.startswith("-") else 1
    digits = text[1:] if text[:1] in "+-" and text else text
    parts = _PART.findall(digits)
    if digits == "0":
        return 0
    if not parts or "".join(number + unit for number, unit in parts) != digits:
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * int(sum(float(number) * UNITS[unit] for number, unit in parts))


def show(nanoseconds: int) -> str:
    """Whole seconds as `48h0m0s`."""
    seconds = nanoseconds // SECOND
    hours, minutes = seconds // 3600, seconds // 60 % 60
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{seconds % 60}s"


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
