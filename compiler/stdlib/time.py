"""Timestamps."""

from __future__ import annotations

import re

from bakec.compiler.stdlib.arguments import FunctionError
from bakec.compiler.timestamps import Time, TimestampError, parse, parse_strict
from bakec.ir import numbers
from bakec.ir.durations import DurationError, parse_duration
from bakec.ir.quoting import quote
from bakec.ir.types import NUMBER, STRING
from bakec.ir.values import integer, object_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.compiler.stdlib.arguments import Context
    from bakec.ir.values import Value

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def timestamp(ctx: Context) -> Value:
    return string(Time(int(ctx.timestamp())).rfc3339())


def timeadd(start: Value, duration: Value) -> Value:
    try:
        time = parse_strict(start.text)
        nanoseconds = time.nanoseconds + parse_duration(duration.text)
    except (TimestampError, DurationError) as error:
        raise FunctionError(str(error)) from None
    seconds, nanoseconds = divmod(nanoseconds, 1_000_000_000)
    return string(Time(time.seconds + seconds, nanoseconds, time.offset).rfc3339())


def unixtimestampparse(seconds: Value) -> Value:
    time = _unix(seconds, 0)
    year, month, day = time.date
    hour, minute, second = time.clock
    iso_year, iso_week = time.iso_week
    parts = {
        "year": year,
        "year_day": time.year_day,
        "day": day,
        "month": month,
        "weekday": time.weekday,
        "hour": hour,
        "minute": minute,
        "second": second,
        "iso_year": iso_year,
        "iso_week": iso_week,
    }
    texts = {
        "month_name": _MONTHS[month - 1],
        "weekday_name": _DAYS[time.weekday],
        "rfc3339": time.rfc3339(),
    }
    items = {name: integer(part) for name, part in parts.items()}
    return object_(items | {name: string(text) for name, text in texts.items()})


def _unix(value: Value, argument: int) -> Time:
    seconds = numbers.to_int(value.number)
    if seconds is None or not -(1 << 63) <= seconds < 1 << 63:
        raise FunctionError("unix timestamp must be an integer", argument)
    return Time(seconds)


def formattimestamp(template: Value, time: Value) -> Value:
    if time.type is NUMBER:
        unix = _unix(time, 1)
        if template.text == "X":
            return string(str(unix.seconds))
        return formatdate(template, string(unix.rfc3339()))
    if time.type is not STRING:
        raise FunctionError("must be a string timestamp or a unix timestamp number", 1)
    if template.text != "X":
        return formatdate(template, time)
    try:
        return string(str(parse(time.text).seconds))
    except TimestampError:
        raise FunctionError("timestamp string must be RFC3339", 1) from None


_TOKEN = re.compile(r"'(?:'|(?:[^']|'')*(?:'(?!')|$))|([a-zA-Z])\1*|[^'a-zA-Z]+")


def formatdate(template: Value, time: Value) -> Value:
    try:
        moment = parse_strict(time.text)
    except TimestampError as error:
        raise FunctionError(str(error), 1) from None
    parts = []
    for found in _TOKEN.finditer(template.text):
        token = found[0]
        if token[0] == "'":
            parts.append(_literal(token))
        else:
            parts.append(_verb(token, moment) if found[1] else token)
    return string("".join(parts))


def _literal(token: str) -> str:
    if len(token) == 1 or token[-1] != "'":
        raise FunctionError("unterminated literal '", 0)
    return "'" if len(token) == 2 else token[1:-1].replace("''", "'")


def _verb(token: str, time: Time) -> str:
    known = _VERBS.get(token[0])
    if known is None:
        raise FunctionError(f"invalid date format verb {quote(token)}", 0)
    lengths, problem, write = known
    if len(token) not in lengths:
        raise FunctionError(f"invalid date format verb {quote(token)}: {problem}", 0)
    return write(time, len(token))


def _padded(value: int, width: int) -> str:
    return f"{value:0{width}d}"


def _year(time: Time, width: int) -> str:
    year = time.date[0]
    return _padded(year % 100 if width == 2 else year, width)


def _month(time: Time, width: int) -> str:
    month = time.date[1]
    if width < 3:
        return _padded(month, width)
    return _MONTHS[month - 1][:3] if width == 3 else _MONTHS[month - 1]


def _day(time: Time, width: int) -> str:
    return _padded(time.date[2], width)


def _weekday(time: Time, width: int) -> str:
    name = _DAYS[time.weekday]
    return name[:3] if width == 3 else name


def _hour(time: Time, width: int) -> str:
    return _padded(time.clock[0], width)


def _hour_of_half(time: Time, width: int) -> str:
    return _padded(time.clock[0] % 12 or 12, width)


def _half(time: Time, _width: int) -> str:
    return "PM" if time.clock[0] >= 12 else "AM"


def _minute(time: Time, width: int) -> str:
    return _padded(time.clock[1], width)


def _second(time: Time, width: int) -> str:
    return _padded(time.clock[2], width)


def _zone(time: Time, width: int) -> str:
    if not time.offset and width in (1, 3):
        return "Z" if width == 1 else "UTC"
    return time.zone(":" if width in (1, 5) else "")


_VERBS: dict[str, tuple[tuple[int, ...], str, Callable[[Time, int], str]]] = {
    "Y": ((2, 4), 'year must either be "YY" or "YYYY"', _year),
    "M": ((1, 2, 3, 4), 'month must be "M", "MM", "MMM", or "MMMM"', _month),
    "D": ((1, 2), 'day of month must either be "D" or "DD"', _day),
    "E": ((3, 4), 'day of week must either be "EEE" or "EEEE"', _weekday),
    "h": ((1, 2), '24-hour must either be "h" or "hh"', _hour),
    "H": ((1, 2), '12-hour must either be "H" or "HH"', _hour_of_half),
    "A": ((2,), 'must be "AA"', _half),
    "a": ((2,), 'must be "aa"', lambda time, width: _half(time, width).lower()),
    "m": ((1, 2), 'minute must either be "m" or "mm"', _minute),
    "s": ((1, 2), 'second must either be "s" or "ss"', _second),
    "Z": ((1, 3, 4, 5), "timezone must be Z, ZZZZ, or ZZZZZ", _zone),
}
"""For each letter: how often it may be repeated, what to say otherwise, and what it stands for."""
