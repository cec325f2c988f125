"""What verbs print: diagnostics and JSON."""

from __future__ import annotations

import os
import sys

from bakec.ir.quoting import json_quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, TextIO

    from bakec.ir.diagnostics import Diagnostic

FORMS: Final = {"text": "text", "json": "json", "sarif": "sarif", "github": "annotations"}
"""How diagnostics can be written, and the module of `compiler.render` that writes them so."""

FORM: Final = "BAKEC_DIAGNOSTICS"
"""The variable of the environment that says how; `--diagnostics` sets it for the process."""


def report(diagnostics: Sequence[Diagnostic], form: str = "", stream: TextIO | None = None) -> None:
    """Print diagnostics, on stderr if no other stream is given. An empty `form` is the one that was asked for."""
    if not diagnostics and not form:
        return
    from importlib import import_module

    module = import_module(f"bakec.compiler.render.{FORMS.get(form or os.environ.get(FORM, ''), 'text')}")
    for line in module.render(diagnostics):
        print(line, file=stream or sys.stderr)


def bake_json(data: Any) -> str:
    """JSON as the reference prints it: two spaces, `<`, `>`, `&` and the line separators escaped."""
    return _json(data, "\n")


def _json(data: Any, end: str) -> str:
    """The text of `data`; `end` begins its last line. (The module `json` costs a twentieth of a small `print`.)"""
    inner = end + "  "
    if isinstance(data, str):
        return json_quoted(data)
    if isinstance(data, dict):
        items = [f"{inner}{json_quoted(key)}: {_json(value, inner)}" for key, value in data.items()]
        return f"{{{','.join(items)}{end}}}" if items else "{}"
    if isinstance(data, list | tuple):
        items = [f"{inner}{_json(value, inner)}" for value in data]
        return f"[{','.join(items)}{end}]" if items else "[]"
    return "null" if data is None else str(data).lower()
