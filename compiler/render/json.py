"""Diagnostics for programs: one JSON object a line.

    {"code", "severity", "summary", "detail"?, "hint"?, "file"?, "start"?: {"line", "column"}, "end"?: {…}}

Lines and columns count from 1, columns in characters; the end is behind the last one.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.span import Source


def render(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for diagnostic in diagnostics:
        yield json.dumps(record(diagnostic), ensure_ascii=False)


def record(diagnostic: Diagnostic) -> dict[str, object]:
    found: dict[str, object] = {"code": diagnostic.rule.code, "severity": diagnostic.rule.severity.value}
    texts = {"summary": diagnostic.summary, "detail": diagnostic.detail, "hint": diagnostic.hint}
    found.update((name, text) for name, text in texts.items() if text)
    span = diagnostic.subject
    if span:
        found["file"] = span.source.name
        for name, offset in (("start", span.start), ("end", span.end)):
            line, column = place(span.source, offset)
            found[name] = {"line": line, "column": column}
    return found


def place(source: Source, offset: int) -> tuple[int, int]:
    """Line and column, in characters from 1."""
    line = source.line(offset)
    return line, offset - source.line_starts[line - 1] + 1
