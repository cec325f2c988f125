"""The one object through which the compiler sees the machine: environment, folder, clock, randomness, input."""

from __future__ import annotations

import os
import sys
import time

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

Folder: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """`now` gives seconds since 1970 in UTC, `random_bytes` that many of them, `stdin` all of standard input. Files
    with relative names are read in `checkout`, where it is given: what `cwd` was at another revision."""

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Folder = field(default_factory=os.getcwd)
    checkout: Folder | None = None
    now: Callable[[], float] = time.time
    random_bytes: Callable[[int], bytes] = os.urandom
    stdin: Callable[[], bytes] = field(default=lambda: sys.stdin.buffer.read())  # noqa: PLW0108 - the stream of then

    def path(self, name: str) -> str:
        """Where a file is that is named relative to the working folder, or absolutely."""
        if self.checkout is not None and os.path.isabs(name):  # noqa: PTH117
            name = self._in_checkout(name, os.path.realpath(self.cwd), os.path.realpath(self.checkout))
        return os.path.join(self.checkout or self.cwd, name)  # noqa: PTH118 - `pathlib` takes a twentieth of the time of a small `print`

    @staticmethod
    def _in_checkout(name: str, cwd: str, checkout: str) -> str:
        """An absolute path below the top of what was checked out, as it is from the working folder."""
        top = cwd
        while top != "/" and os.path.basename(top) == os.path.basename(checkout):  # noqa: PTH119
            top, checkout = os.path.dirname(top), os.path.dirname(checkout)  # noqa: PTH120
        is_inside = os.path.realpath(name).startswith(f"{top.rstrip('/')}/")
        return os.path.relpath(os.path.realpath(name), cwd) if is_inside else name

    def lookup(self, name: str) -> str | None:
        """The environment variable `name`, None if it is not set."""
        return self.env.get(name)
