"""Shell patterns over names, as Go's `path.Match` reads them."""

from __future__ import annotations

import re
from functools import lru_cache


class PatternError(ValueError):
    """The pattern is malformed."""


def is_pattern(name: str) -> bool:
    return any(char in name for char in "*?[]")


def matches(pattern: str, name: str) -> bool:
    """Whether the whole of `name` matches; raises `PatternError`."""
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[":
            text, at = _bracket(pattern, at)
            parts.append(text)
        elif char == "\\":
            if at == len(pattern):
                raise PatternError(pattern)
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(char))
    return re.compile("".join(parts), re.DOTALL)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """The character class that starts behind a `[`, and where it ends."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[str] = []
    while not (pattern.startswith("]", at) and ranges):
        low, at = _member(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _member(pattern, at + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        elif not ranges:
            ranges.append("")
    inside = "".join(ranges)
    if not inside:
        return ("[^/]" if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    escaped = pattern.startswith("\\", at)
    at += escaped
    if at >= len(pattern) - 1 or (not escaped and pattern[at] in "-]"):
        raise PatternError(pattern)
    return pattern[at], at + 1
