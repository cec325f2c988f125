"""Private folders for the time of a run.

A program that is killed cannot remove its folder, so the next one does. A folder in use is locked, which ends with
the process that holds it however that ends, and which is seen from other containers too, unlike a process id.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from bakec.ir.codes.run import SCRATCH
from bakec.ir.diagnostics import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "bakec-run-"
GRACE_SECONDS = 60.0
"""A folder that is younger may be about to be locked."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder that only this user may enter; removed at the end of the block, with those left by the dead. Raises
    `Failed`."""
    place = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - nobody can guess the name below it
    _sweep(place)
    path = place / (PREFIX + os.urandom(8).hex())
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        raise fail(SCRATCH.at(None, place=place, reason=error.strerror)) from error
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield path
    finally:
        with contextlib.suppress(OSError):  # somebody has tidied up: what is left goes with a later run
            _remove(path)
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
        _remove(path)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    """The folder and all in it. `shutil`, and `tempfile` above, take longer to import than a small build to do."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in files:
            os.unlink(f"{folder}/{name}")  # noqa: PTH108
        for name in folders:
            os.rmdir(f"{folder}/{name}")  # noqa: PTH106
    path.rmdir()
