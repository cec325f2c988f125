"""What a run must not leave behind: files, sockets, threads, processes."""

import contextlib
import gc
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOON = 5
"""Seconds in which a process that was told to end does."""
POOL = 4
"""Threads that the interpreter keeps for itself."""


@contextmanager
def nothing_left() -> Iterator[Path]:
    """Gives the folder for temporary files while the block runs; afterwards it is empty, no process uses it, and this
    one has neither sockets nor children that it did not have before."""
    folder = Path(tempfile.mkdtemp(prefix="bkt-", dir="/tmp"))  # short: the paths of sockets are
    sockets, threads, children = open_sockets(), threading.active_count(), children_of(os.getpid())
    yield folder
    left = [str(path) for path in folder.rglob("*")]
    assert left == [], left
    folder.rmdir()
    gc.collect()
    assert open_sockets() <= sockets
    assert threading.active_count() <= threads + POOL
    assert children_of(os.getpid()) <= children
    end = time.monotonic() + SOON
    while left := processes_with(str(folder)):
        assert time.monotonic() < end, left


def open_sockets() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the handle of this very look
            found.add(str(link.readlink()))
    return {name for name in found if name.startswith("socket:")}


def children_of(pid: int) -> set[str]:
    """Those that run: a daemon that was left running on purpose, and has been stopped since, waits to be noticed."""
    done = subprocess.run(("ps", "-o", "pid=,args=", "--ppid", str(pid)), capture_output=True, text=True, check=False)
    return {line for line in done.stdout.splitlines() if "ps -o" not in line and "<defunct>" not in line}


def processes_with(text: str) -> list[str]:
    """The command lines that name `text`, such as that of an agent on a socket there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if text in line]
