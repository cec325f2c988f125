"""Positions: a `Source` is one text that was read, a `Span` a range of it."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from bakec.ir.records import NamedTuple


class Source:
    """One definition text. Compared by identity, so that equal texts of two files stay apart.

    `name` is what the user called it (a path as given, `-` for standard input, a URL).
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line; a line ends with `\\n`."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def line(self, offset: int) -> int:
        """The line number, from 1, of the character at `offset`."""
        return bisect_right(self.line_starts, offset)

    def line_text(self, number: int) -> str:
        """The text of line `number` (from 1) without its line feed."""
        starts = self.line_starts
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end]


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive, offsets into `source.text`)."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.line(self.start)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`, which is in the same source."""
        return tuple.__new__(Span, (self[0], self[1], other[2]))
