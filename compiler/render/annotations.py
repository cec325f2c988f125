"""Diagnostics as workflow commands of GitHub Actions, which show them beside the lines of a change."""

from __future__ import annotations

from bakec.compiler.render.json import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bakec.ir.diagnostics import Diagnostic


def render(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for diagnostic in diagnostics:
        hint = f"\nhint: {diagnostic.hint}" if diagnostic.hint else ""
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in _properties(diagnostic).items())
        yield f"::{diagnostic.rule.severity.value} {properties}::{_text(diagnostic.message + hint)}"


def _properties(diagnostic: Diagnostic) -> dict[str, str | int]:
    span = diagnostic.subject
    if not span:
        return {"title": diagnostic.rule.code}
    line, column = place(span.source, span.start)
    end_line, end_column = place(span.source, span.end)
    # A column range is only understood on one line.
    end: dict[str, str | int] = {"endColumn": end_column} if end_line == line else {"endLine": end_line}
    return {"file": span.source.name, "line": line, "col": column, **end, "title": diagnostic.rule.code}


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
