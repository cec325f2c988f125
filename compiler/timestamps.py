"""Points in time as RFC 3339 writes them, of any year, and durations such as `1h30m`.

The standard library's dates begin with the year 1 and end with 9999; those of the language do not.
"""

from __future__ import annotations

import re

from bakec.ir.quoting import quote
from bakec.ir.records import NamedTuple

DAY = 86400


class TimestampError(ValueError):
    """The text is no timestamp; the message is the reference's."""


class Time(NamedTuple):
    """`seconds` since 1970 (UTC), and the distance of local time in seconds."""

    seconds: int
    nanoseconds: int = 0
    offset: int = 0

    @property
    def _days(self) -> int:
        return (self.seconds + self.offset) // DAY

    @property
    def date(self) -> tuple[int, int, int]:
        return _date(self._days)

    @property
    def clock(self) -> tuple[int, int, int]:
        """Hour, minute and second."""
        rest = (self.seconds + self.offset) % DAY
        return rest // 3600, rest // 60 % 60, rest % 60

    @property
    def weekday(self) -> int:
        """0 for Sunday."""
        return (self._days + 4) % 7

    @property
    def year_day(self) -> int:
        return self._days - days_before(self.date[0], 1, 1) + 1

    @property
    def iso_week(self) -> tuple[int, int]:
        """The year and number of the week: that of its Thursday."""
        thursday = self._days + 3 - (self._days + 3) % 7
        year = _date(thursday)[0]
        return year, (thursday - days_before(year, 1, 1)) // 7 + 1

    def zone(self, colon: str) -> str:
        minutes = abs(self.offset) // 60
        return f"{'-' if self.offset < 0 else '+'}{minutes // 60:02d}{colon}{minutes % 60:02d}"

    def rfc3339(self) -> str:
        year, month, day = self.date
        hour, minute, second = self.clock
        zone = self.zone(":") if self.offset else "Z"
        sign = "-" if year < 0 else ""
        return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{zone}"


def days_before(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date. Years begin in March here, so that leap days are at their ends."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month - 3) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _date(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return era * 400 + year + (month <= 2), month, day


def _days_in(month: int, year: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _not(reason: str) -> TimestampError:
    return TimestampError(f"not a valid RFC3339 timestamp{reason}")


class _Reader:
    """Reads a timestamp from left to right, as leniently as the reference's standard library."""

    def __init__(self, text: str) -> None:
        self.text = text

    def skip(self, mark: str) -> None:
        if not self.text.startswith(mark):
            if mark == "T":
                raise _not(": missing required time introducer 'T'")
            what = f"found {quote(self.text)}" if self.text else "end of string"
            raise _not(f": {what} where {quote(mark)} is expected")
        self.text = self.text[1:]

    def number(self, what: str, digits: int, least: int, most: int, *, short: bool = False) -> int:
        """A number of `digits` digits (or one, if `short`)."""
        found = re.match(rf"[0-9]{{{digits}}}" + ("|[0-9]" if short else ""), self.text)
        if not found:
            raise self.cannot_use(what)
        self.text = self.text[found.end() :]
        value = int(found[0])
        if not least <= value <= most:
            raise self.cannot_use(what)
        return value

    def cannot_use(self, what: str) -> TimestampError:
        if not self.text:
            return _not(f": end of string before {what}")
        if what == "hour" and ":" in self.text:
            return _not(": hour must be between 0 and 23 inclusive")
        if what in ("hour", "minute") and len(self.text.encode()) != 2:
            return _not(f": {what} must have exactly two digits")
        return _not(f": cannot use {quote(self.text)} as {what}")

    def fraction(self) -> int:
        """Nanoseconds."""
        found = re.match(r"[.,]([0-9]+)", self.text)
        if not found:
            return 0
        self.text = self.text[found.end() :]
        return int(found[1][:9].ljust(9, "0"))

    def offset(self) -> int:
        """Seconds to UTC."""
        if self.text.startswith("Z"):
            self.text = self.text[1:]
            return 0
        found = re.match(r"([+-])([0-9]{2}):([0-9]{2})", self.text)
        if not found:
            raise self.cannot_use("UTC offset")
        self.text = self.text[6:]
        hours, minutes = int(found[2]), int(found[3])
        if hours > 24 or minutes > 60:
            raise self.cannot_use("UTC offset")
        return (hours * 60 + minutes) * (-60 if found[1] == "-" else 60)


def parse(text: str) -> Time:
    """The time that `text` means; hours of one digit and a comma before fractions are let pass."""
    reader = _Reader(text)
    year = reader.number("year", 4, 0, 9999)
    reader.skip("-")
    month = reader.number("month", 2, 1, 12)
    reader.skip("-")
    day = reader.number("day of month", 2, 0, 99)
    reader.skip("T")
    hour = reader.number("hour", 2, 0, 23, short=True)
    reader.skip(":")
    minute = reader.number("minute", 2, 0, 59)
    reader.skip(":")
    second = reader.number("second", 2, 0, 59)
    nanoseconds = reader.fraction()
    offset = reader.offset()
    if reader.text:
        raise reader.cannot_use("timestamp segment")
    if not 1 <= day <= _days_in(month, year):
        raise _not(": day out of range")
    seconds = days_before(year, month, day) * DAY + hour * 3600 + minute * 60 + second
    return Time(seconds - offset, nanoseconds, offset)


def parse_strict(text: str) -> Time:
    """The time that `text` means, by the letter of RFC 3339."""
    time = parse(text)
    if text[12] == ":":
        raise _not(": hour must have exactly two digits")
    if text[19] == ",":
        raise _not(': cannot use "," as timestamp segment')
    if not text.endswith("Z") and (int(text[-5:-3]) > 23 or int(text[-2:]) > 59):
        raise _not(f": cannot use {quote(text[-6:])} as UTC offset")
    return time
