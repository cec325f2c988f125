"""Finding the verb. Nothing of a verb is imported before it is known which one is meant."""

from __future__ import annotations

import os
import sys
from errno import ENOSPC

from bakec.ir.diagnostics import Exit, Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

VERBS: Final = {
    "compile": "compile definition files into a plan",
    "run": "perform a plan on a builder",
    "bake": "compile and run in one, with the flags of docker buildx bake",
    "builder": "make, list and remove builders",
    "report": "what came of a run, from its journal",
    "diff": "what changes between two plans, and why",
    "affected": "the targets that a change touches, and why",
    "matrix": "targets as the matrix of a CI service",
    "show": "print a plan for a person to read",
    "graph": "the graph of groups and targets",
    "explain": "where a value comes from",
    "why": "what brings a target into the run",
    "print": "print the resolved definitions as JSON",
    "list": "list targets or variables",
    "lock": "pin the images and repositories that targets read",
    "llb": "the build graph of lowered targets",
    "lint": "look for mistakes in definitions that are valid",
    "completion": "completion of verbs, flags and targets for a shell",
}
"""Every verb, with its line in the help text. The module of verb `x` is `bakec.cli.x`, `print` in `print_`."""


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit code. Never raises for what a user did: failures become messages on stderr."""
    try:
        try:
            return _dispatch(argv)
        finally:
            sys.stdout.flush()  # what is lost is a failure as well
    except Failed as error:
        from bakec.cli.output import report

        report(error.diagnostics)
        return error.exit
    except BrokenPipeError:
        # The reader of our output has gone (`bakec show plan | head`): nothing is left to say to anybody.
        _give_up_output()
        return 141
    except KeyboardInterrupt:
        print("ERROR: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except OSError as error:
        if error.errno != ENOSPC:
            return _internal(error)
        _give_up_output()
        print(f"ERROR: cannot write what was asked for: {error.strerror}", file=sys.stderr)
        return Exit.USAGE
    except Exception as error:  # noqa: BLE001 - a user is told, and never shown a traceback
        return _internal(error)


def _dispatch(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        _help()
        return Exit.OK if argv else Exit.USAGE
    if argv[0] in ("-V", "--version", "version"):
        from bakec import __version__

        print(f"bakec {__version__}")
        return Exit.OK
    verb = argv[0]
    if verb not in VERBS:
        return _unknown(verb)
    try:
        return int(load(verb).main(argv[1:]))
    except SystemExit as end:  # the help of a verb, or a flag that it does not have
        return int(end.code or 0)


def load(verb: str) -> Any:
    """The module of a verb. Raises `ImportError`."""
    # What `importlib` does, which costs more to import than it does here.
    return __import__(f"bakec.cli.{verb}_" if verb == "print" else f"bakec.cli.{verb}", fromlist=["main"])


def _give_up_output() -> None:
    """Nothing can be written any more, not even what is waiting to be."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the rest of the process


def _internal(error: Exception) -> int:
    if os.environ.get("BAKEC_DEBUG"):
        raise error
    print(f"ERROR: internal error: {type(error).__name__}: {error}", file=sys.stderr)
    print("  hint: this is a mistake of bakec; BAKEC_DEBUG=1 shows where it happened", file=sys.stderr)
    return Exit.INTERNAL


def _help() -> None:
    print("Compile Docker Bake files into one reviewable plan, diff plans, and run them on BuildKit.\n")
    print("usage: bakec VERB [options]\n")
    for verb, line in VERBS.items():
        print(f"  {verb:<12}{line}")
    print("\n'bakec VERB --help' tells the options of a verb.")


def _unknown(verb: str) -> int:
    from bakec.compiler.suggest import nearest

    close = nearest(verb, VERBS)
    hint = f"\n  hint: did you mean '{close}'?" if close else ""
    print(f"ERROR: unknown verb '{verb}'{hint}", file=sys.stderr)
    return Exit.USAGE
