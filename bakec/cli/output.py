"""What verbs print: diagnostics and JSON."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from bakec.ir.diagnostics import Diagnostic


def report(diagnostics: Sequence[Diagnostic]) -> None:
    """Print diagnostics on stderr."""
    from bakec.compiler.render.text import render

    for line in render(diagnostics):
        print(line, file=sys.stderr)


def bake_json(data: Any) -> str:
    """JSON as the reference prints it: two spaces, `<`, `>`, `&` and the line separators escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        if char in text:
            text = text.replace(char, f"\\u{ord(char):04x}")
    return text
