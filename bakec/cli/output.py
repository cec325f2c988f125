"""How verbs tell diagnostics."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

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
