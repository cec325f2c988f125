"""What is tried again when it has failed, how often, and how long after.

What fails a build is one of the faults below. Some lie in what is built, or in what one may do: these would fail again,
and are never tried again, least of all a step of a Dockerfile. The others pass.
"""

from __future__ import annotations

import math
import re

from bakec.ir.codes.run import BAD_LIMIT
from bakec.ir.diagnostics import fail
from bakec.ir.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from bakec.ir.diagnostics import Failed

FIRST_SECONDS: Final = 1.0
"""Before the first retry; doubled each time."""
MOST_SECONDS: Final = 30.0
OTHER: Final = "other"


class Fault(NamedTuple):
    """`pattern` finds it in the words of a daemon or a registry. The first that does counts."""

    name: str
    passes: bool
    pattern: str


FAULTS: Final = (
    Fault("step", False, r"did not complete successfully"),
    Fault("definition", False, r"dockerfile parse error|failed to compute cache key|could not be found"),
    Fault("limit", True, r"\b429\b|too many requests|toomanyrequests"),
    Fault("server", True, r"\b50[0234]\b|internal server error|bad gateway|service unavailable"),
    Fault("denied", False, r"\b40[13]\b|unauthorized|denied|authorization failed|no basic auth|forbidden"),
    Fault(
        "network",
        True,
        r"connection (refused|reset|closed)|broken pipe|time(d )?-?out|deadline exceeded|no such host|unexpected EOF|"
        r": EOF|name resolution|unreachable",
    ),
    Fault("disk", False, r"no space left on device|disk quota exceeded"),
    Fault("missing", False, r"\b404\b|not found|manifest unknown"),
)
PASSING: Final = (*(fault.name for fault in FAULTS if fault.passes), OTHER)
"""The faults that `--retries` may name."""


def fault_of(message: str) -> str:
    """The name of the fault; `OTHER` for one that nobody knows."""
    return next((fault.name for fault in FAULTS if re.search(fault.pattern, message, re.IGNORECASE)), OTHER)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often: `usual`, but for the faults that have a number of their own."""

    usual: int = 0
    own: Mapping[str, int] = field(default_factory=dict)

    def after(self, message: str) -> int:
        """How often a job may be tried again that `message` has failed."""
        fault = fault_of(message)
        return self.own.get(fault, self.usual) if fault in PASSING else 0


def parse(texts: Iterable[str]) -> Retries:
    """`N` or `FAULT=N`, each later one over the earlier. Raises `Failed`."""
    usual, own = 0, {}
    for text in texts:
        name, has_name, count = text.rpartition("=")
        if not (count.isascii() and count.isdecimal()) or int(count) > 1000:
            raise _bad(text, "it is not N or FAULT=N")
        if has_name and name not in PASSING:
            raise _bad(text, f"only these may pass: {', '.join(PASSING)}")
        if has_name:
            own[name] = int(count)
        else:
            usual = int(count)
    return Retries(usual, own)


def wait(retry: int) -> float:
    """Seconds before the `retry`-th try, counted from 1. Not the same for all jobs that one registry has failed."""
    import random

    longest = min(MOST_SECONDS, FIRST_SECONDS * math.pow(2, retry - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 no secret


def _bad(text: str, reason: str) -> Failed:
    return fail(BAD_LIMIT.at(None, flag="--retries", value=text, reason=reason))
