"""Ranges as the reference prints them: `FILE:LINE,COLUMN-COLUMN`, columns in grapheme clusters from 1."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.span import Source, Span


def position(source: Source, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `offset`."""
    line = source.line(offset)
    before = source.text[source.line_starts[line - 1] : offset]
    return line, _clusters(before) + 1


def _clusters(text: str) -> int:
    if text.isascii():
        return len(text)
    from bakec.compiler.graphemes import length

    return length(text)


def range_text(span: Span) -> str:
    """`FILE:L,C1-C2`, or `FILE:L1,C1-L2,C2` over several lines."""
    line, column = position(span.source, span.start)
    end_line, end_column = position(span.source, span.end)
    if span.text == "\n" and span.source.name.endswith(".json"):
        # In JSON, where it cannot end anything, the reference counts a line break as one more column.
        end_line, end_column = line, column + 1
    end = str(end_column) if end_line == line else f"{end_line},{end_column}"
    return f"{span.source.name}:{line},{column}-{end}"


def message(diagnostic: Diagnostic) -> str:
    """The one-line form: `FILE:RANGE: Summary; Detail`."""
    if diagnostic.subject is None or not diagnostic.detail:
        return diagnostic.message
    return f"{range_text(diagnostic.subject)}: {diagnostic.message}"


def messages(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> str:
    """The first one, and how many more there are, as the reference prints a list."""
    more = len(diagnostics) - 1
    return message(diagnostics[0]) + (f", and {more} other diagnostic(s)" if more else "")
