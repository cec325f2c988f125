"""Private folders for the time of a run.

A program that is killed cannot remove its folder, so the next one does. A folder in use is locked, which ends with
the process that holds it however that ends, and which is seen from other containers too, unlike a process id.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "bakec-run-"
GRACE_SECONDS = 60.0
"""A folder that is younger may be about to be locked."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder that only this user may enter; removed at the end of the block, with those left by the dead."""
    _sweep(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def _sweep(place: Path) -> None:
    for path in place.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # somebody else's, or removed in between
            found = path.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > GRACE_SECONDS:
                _remove_unless_locked(path)


def _remove_unless_locked(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(handle)
