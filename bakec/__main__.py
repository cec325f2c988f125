"""`python -m bakec` and the `bakec` command."""

import os
import sys


def entry() -> None:
    """Run the command line and leave at once: interpreter teardown costs more than a small command does."""
    from bakec.cli.main import main

    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)


if __name__ == "__main__":
    entry()
