"""`python -m bakec` and the `bakec` command."""

from __future__ import annotations

import gc
import io
import os
import sys


def entry() -> None:
    """Run the command line and leave at once: interpreter teardown costs more than a small command does."""
    # A compilation makes many objects and no cycles, and looking for some takes half of its time.
    gc.disable()
    _open_standard_streams()
    old = sys.stderr
    if isinstance(old, io.TextIOWrapper):
        like = {name: getattr(old, name) for name in ("encoding", "errors", "line_buffering", "write_through")}
        sys.stderr = _Lossy(old.detach(), **like)
    from bakec.cli.main import main

    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


class _Lossy(io.TextIOWrapper):
    """Standard error. What cannot be said there, since a disk is full or nobody reads, stops nothing: what goes wrong
    shows in the exit code."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            return


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
