"""Comma-separated values as RFC 4180 and the reference have them, with the reference's error texts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BARE_QUOTE = 'bare " in non-quoted-field'
_QUOTE = 'extraneous or missing " in quoted-field'


class CsvError(ValueError):
    """`line` and `column` (in bytes) count from 1; `start` is the line on which the record started."""

    def __init__(self, reason: str, start: int = 0, line: int = 0, column: int = 0) -> None:
        self.reason = reason
        self.line = line
        super().__init__(_message(reason, start, line, column))


def _message(reason: str, start: int, line: int, column: int) -> str:
    if not line:
        return reason
    place = f"parse error on line {line}, column {column}: {reason}"
    return place if start == line else f"record on line {start}; {place}"


def parse_record(text: str, *, comma: str = ",") -> list[str]:
    """The fields of a single record; one line break at its end is no part of it. Raises `CsvError` (`EOF` if empty)."""
    if text.endswith("\n"):
        text = text[:-1].removesuffix("\r")
    if not text:
        raise CsvError("EOF")
    line = _Line(text, comma=comma)
    fields = line.fields()
    if line.open_from >= 0:
        raise line.fault(_QUOTE, line.open_from)
    return fields


def parse_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record and the line it starts on; fields in quotes may hold line breaks, empty lines are skipped."""
    lines = enumerate(_lines(text), 1)
    for start, first in lines:
        if first == "\n":
            continue
        line = _Line(first, start=start, number=start)
        fields = line.fields()
        while line.open_from >= 0:
            number, following = next(lines, (0, ""))
            if not number:
                raise line.fault(_QUOTE, len(line.text))
            line = _Line(following, start=start, number=number)
            rest = line.fields(inside=True)
            fields[-1:] = [fields[-1] + rest[0], *rest[1:]]
        yield start, fields


def _lines(text: str) -> list[str]:
    """The lines with their `\\n`; a `\\r` in front of it, or of the end of the text, is dropped."""
    *lines, last = (line.removesuffix("\r") for line in text.split("\n"))
    return [f"{line}\n" for line in lines] + [last] * bool(last)


class _Line:
    """A line. `open_from` is negative but if its last field has no closing quote: then it is where the text behind
    the last quote starts."""

    def __init__(self, text: str, *, comma: str = ",", start: int = 0, number: int = 0) -> None:
        """`number` is 0 for a record by itself, in which a line break is a character like any other."""
        self.text = text
        self.end = len(text) - (number > 0 and text.endswith("\n"))
        self.comma = comma
        self.start = start or 1
        self.number = number or 1
        self.open_from = -1

    def fault(self, reason: str, at: int) -> CsvError:
        column = len(self.text[:at].encode("utf-8", "surrogateescape")) + 1
        return CsvError(reason, self.start, self.number, column)

    def fields(self, *, inside: bool = False) -> list[str]:
        """`inside`: the line goes on with a field in quotes. Raises `CsvError`."""
        field, at = self._quoted(0) if inside else self._field(0)
        fields = [field]
        while at >= 0:
            field, at = self._field(at)
            fields.append(field)
        return fields

    def _field(self, at: int) -> tuple[str, int]:
        """The field at `at`, and where the next one starts (-1: there is none)."""
        if self.text.startswith('"', at):
            return self._quoted(at + 1)
        comma = self.text.find(self.comma, at, self.end)
        field = self.text[at : self.end if comma < 0 else comma]
        if '"' in field:
            raise self.fault(_BARE_QUOTE, at + field.index('"'))
        return field, comma + 1 if comma >= 0 else -1

    def _quoted(self, at: int) -> tuple[str, int]:
        parts: list[str] = []
        while (close := self.text.find('"', at)) >= 0:
            parts.append(self.text[at:close])
            at = close + 1
            if self.text.startswith('"', at):
                parts.append('"')
                at += 1
            elif self.text.startswith(self.comma, at):
                return "".join(parts), at + 1
            elif at == self.end:
                return "".join(parts), -1
            else:
                raise self.fault(_QUOTE, close)
        self.open_from = at
        return "".join([*parts, self.text[at:]]), -1
