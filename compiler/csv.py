"""Comma-separated values as RFC 4180 and the reference have them, with the reference's error texts."""

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
    """The fields of a single record without line breaks but one at its end. Raises `CsvError` (`EOF` if empty)."""
    line = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    if not line:
        raise CsvError("EOF")
    fields, rest = _fields(line, comma, 1, 1)
    if rest is not None:
        raise CsvError(_QUOTE, 1, 1, len(line.encode()) + 1)
    return fields


def parse_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record and the line it starts on; fields in quotes may hold line breaks, empty lines are skipped."""
    lines = _lines(text)
    number = 0
    while number < len(lines):
        line = _end_of_line(lines[number])
        number += 1
        if line == "\n":
            continue
        start = number
        fields, rest = _fields(line, ",", start, number)
        while rest is not None:
            if number == len(lines):
                width = len(line.encode()) + 1
                raise CsvError(_QUOTE, start, number, width)
            line = _end_of_line(lines[number])
            number += 1
            more, rest_after = _fields(line, ",", start, number, open_field=True)
            fields[-1] += more[0]
            fields += more[1:]
            rest = rest_after
        yield start, fields


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _end_of_line(line: str) -> str:
    return line[:-2] + "\n" if line.endswith("\r\n") else line


def _fields(
    line: str, comma: str, start: int, number: int, *, open_field: bool = False
) -> tuple[list[str], str | None]:
    """The fields of a line, and what the last one has if its quote is still open at the end, else None.
    `open_field`: the line goes on with a field in quotes."""
    fields: list[str] = []
    at = 0
    while True:
        if open_field or line[at : at + 1] == '"':
            field, at, closed = _quoted(line, at if open_field else at + 1, comma, start, number)
            open_field = False
            fields.append(field)
            if not closed:
                return fields, field
        else:
            end = line.find(comma, at)
            field = line[at:end] if end >= 0 else line[at:].removesuffix("\n")
            if '"' in field:
                column = len(line[: at + field.index('"')].encode()) + 1
                raise CsvError(_BARE_QUOTE, start, number, column)
            fields.append(field)
            at = end if end >= 0 else len(line)
        if line[at : at + 1] != comma:
            return fields, None
        at += 1


def _quoted(line: str, at: int, comma: str, start: int, number: int) -> tuple[str, int, bool]:
    """A field in quotes from behind its first quote: its text, where it ends, and whether its quote was closed."""
    parts: list[str] = []
    while True:
        end = line.find('"', at)
        if end < 0:
            parts.append(line[at:])
            return "".join(parts), len(line), False
        parts.append(line[at:end])
        at = end + 1
        if line[at : at + 1] == '"':
            parts.append('"')
            at += 1
        elif line[at : at + 1] in (comma, "") or line[at:] == "\n":
            return "".join(parts), at, True
        else:
            raise CsvError(_QUOTE, start, number, len(line[:end].encode()) + 1)
