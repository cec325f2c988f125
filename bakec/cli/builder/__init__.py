"""`bakec builder`: make, list and remove builders, in the store that buildx uses too. One module a verb."""

from __future__ import annotations

import sys
from importlib import import_module

from bakec.ir.diagnostics import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

VERBS: Final = {
    "create": "make a builder, or change the nodes of one",
    "ls": "list builders and their nodes",
    "inspect": "tell all about a builder",
    "use": "make a builder the current one",
    "bootstrap": "make the daemons of a builder ready",
    "stop": "let the daemons of a builder end",
    "rm": "remove builders",
    "du": "tell how much a builder's cache takes",
    "prune": "throw a builder's cache away",
}
"""Every verb, with its line in the help text. The module of verb `x` is `bakec.cli.builder.x`."""


def main(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        _help()
        return Exit.OK if argv else Exit.USAGE
    if argv[0] not in VERBS:
        print(f"ERROR: unknown verb 'builder {argv[0]}'", file=sys.stderr)
        print("  hint: 'bakec builder --help' lists them", file=sys.stderr)
        return Exit.USAGE
    code: int = import_module(f"bakec.cli.builder.{argv[0]}").main(argv[1:])
    return code


def _help() -> None:
    print("Make, list and remove builders.\n\nusage: bakec builder VERB [options]\n")
    for verb, line in VERBS.items():
        print(f"  {verb:<12}{line}")
    print("\n'bakec builder VERB --help' tells the options of a verb.")
