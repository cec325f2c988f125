"""BK9: how the command line was used."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule

PRINT_AND_LIST = Rule(
    "BK901", "--print and --list are mutually exclusive", explain="Each prints something else on standard output.",
    exit=Exit.USAGE,
)  # fmt: skip
LIST_ARGUMENT = Rule(
    "BK902", "{reason}", explain="`--list` reads `targets`, `variables`, or `type=…,format=table|json`.",
    exit=Exit.USAGE,
)  # fmt: skip
CANNOT_WRITE = Rule(
    "BK903", "cannot write {path}: {reason}", explain="The result could not be written; nothing was changed.",
    exit=Exit.USAGE,
)  # fmt: skip
