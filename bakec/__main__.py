"""`python -m bakec` and the `bakec` command."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def entry() -> None:
    """Run the command line and leave at once: interpreter teardown costs more than a small command does."""
    # A compilation makes many objects and no cycles, and looking for some takes half of its time.
    gc.disable()
    _open_standard_streams()
    from bakec.cli.main import main

    try:
        code = main(sys.argv[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    lost = _flush(sys.stdout)
    _flush(sys.stderr)  # what goes wrong shows in the code
    if lost is not None:
        code = code or (141 if isinstance(lost, BrokenPipeError) else 1)
    os._exit(code)


def _flush(stream: TextIO) -> OSError | None:
    """The error if it cannot be done: the reader has gone, the disk is full."""
    try:
        stream.flush()
    except OSError as error:
        return error
    return None


def _open_standard_streams() -> None:
    """One that is closed (`2>&-`) leaves its number to the next file, which may be the socket of a builder."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the rest of the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the rest of the process


if __name__ == "__main__":
    entry()
