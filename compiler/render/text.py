"""Diagnostics for a terminal: code, message, excerpt with carets, hint."""

from __future__ import annotations

from bakec.compiler.render.ranges import message, messages, position
from bakec.ir.diagnostics import Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.span import Span

_CONTEXT = 2
_WIDTH = 160


def render(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    """The lines to print. Errors end with one `ERROR:` line in the reference's form."""
    for diagnostic in diagnostics:
        yield from _one(diagnostic)
    errors = [item for item in diagnostics if item.rule.severity is Severity.ERROR]
    if errors:
        yield f"ERROR: {messages(errors)}"


def _one(diagnostic: Diagnostic) -> Iterator[str]:
    span = diagnostic.subject
    head = f"{diagnostic.rule.severity.value}[{diagnostic.rule.code}]: {diagnostic.message}"
    if span is None:
        yield head
    else:
        line, column = position(span.source, span.start)
        yield f"{span.source.name}:{line}:{column}: {head}"
        yield from excerpt(span)
    if diagnostic.hint:
        yield f"  hint: {diagnostic.hint}"


def excerpt(span: Span) -> Iterator[str]:
    """The lines around a range, the range underlined with carets."""
    source = span.source
    first = source.line(span.start)
    last = max(first, source.line(max(span.start, span.end - 1)))
    count = len(source.line_starts)
    shown_to = min(count, last + _CONTEXT, first + 2 * _CONTEXT + 4)
    for number in range(max(1, first - _CONTEXT), shown_to + 1):
        text = source.line_text(number).expandtabs(4).rstrip("\r")
        yield f"{number:5} | {text[:_WIDTH]}"
        if first <= number <= last:
            yield from _carets(span, number)


def _carets(span: Span, number: int) -> Iterator[str]:
    raw = span.source.line_text(number).rstrip("\r")
    base = span.source.line_starts[number - 1]
    start = max(0, span.start - base)
    end = min(len(raw), span.end - base)
    if start > len(raw):
        return
    lead = len(raw[:start].expandtabs(4))
    wide = max(1, len(raw[:end].expandtabs(4)) - lead)
    if lead < _WIDTH:
        yield f"      | {' ' * lead}{'^' * min(wide, _WIDTH - lead)}"


def one_line(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """`CODE MESSAGE` lines, without excerpts."""
    for diagnostic in diagnostics:
        yield f"{diagnostic.rule.severity.value.upper()}: {message(diagnostic)}"
