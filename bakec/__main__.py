"""`python -m bakec` and the `bakec` command."""

import gc
import os
import sys


def entry() -> None:
    """Run the command line and leave at once: interpreter teardown costs more than a small command does."""
    # A compilation makes many objects and no cycles, and looking for some takes half of its time.
    gc.disable()
    from bakec.cli.main import main

    try:
        code = main(sys.argv[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)


if __name__ == "__main__":
    entry()
