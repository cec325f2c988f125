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
        return os.path.join(self.checkout or self.cwd, name)  # noqa: PTH118 - `pathlib` takes a twentieth of the time of a small `print`

    def lookup(self, name: str) -> str | None:
        """The environment variable `name`, None if it is not set."""
        return self.env.get(name)
