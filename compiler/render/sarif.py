"""Diagnostics as one SARIF 2.1.0 log, which code scanning services read."""

from __future__ import annotations

import json
from urllib.parse import quote

from bakec.compiler.render.json import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from bakec.ir.diagnostics import Diagnostic, Rule
    from bakec.ir.span import Span

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    rules = {diagnostic.rule.code: diagnostic.rule for diagnostic in diagnostics}
    driver = {"name": "bakec", "rules": [_rule(rules[code]) for code in sorted(rules)]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic) for diagnostic in diagnostics],
    }
    yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explain},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(diagnostic: Diagnostic) -> dict[str, object]:
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    found: dict[str, object] = {
        "ruleId": diagnostic.rule.code,
        "level": diagnostic.rule.severity.value,
        "message": {"text": diagnostic.message + hint},
    }
    if diagnostic.subject:
        found["locations"] = [{"physicalLocation": _location(diagnostic.subject)}]
    return found


def _location(span: Span) -> dict[str, object]:
    start_line, start_column = place(span.source, span.start)
    end_line, end_column = place(span.source, span.end)
    return {
        "artifactLocation": {"uri": quote(span.source.name)},
        "region": {
            "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column,
        },
    }  # fmt: skip
