"""Ignore files: their patterns, and whether a path is excluded."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import SPACE, decode, encode
from bakec.ir.codes.dockerfile import IGNORE_FILE
from bakec.ir.paths import clean
from bakec.ir.records import NamedTuple
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

_MAX_LINE: Final = 65536
_SYNTAX: Final = "syntax error in pattern"


def read_patterns(data: bytes, name: str) -> tuple[str, ...]:
    """The patterns of an ignore file. Raises `DockerfileError`."""
    patterns = []
    for line in decode(data).removeprefix("\ufeff").split("\n"):
        if len(encode(line)) >= _MAX_LINE:
            raise DockerfileError(IGNORE_FILE, problem=f"failed parsing {name}: bufio.Scanner: token too long")
        if line.startswith("#"):
            continue
        pattern = line.strip(SPACE)
        if pattern:
            patterns.append(_pattern(pattern))
    return tuple(patterns)


def _pattern(pattern: str) -> str:
    mark = "!" if pattern.startswith("!") else ""
    path = pattern[1:].strip(SPACE) if mark else pattern
    if path:
        path = clean(path)
        path = path[1:] if len(path) > 1 and path.startswith("/") else path
    return mark + path


class Matcher(Protocol):
    def fullmatch(self, text: str, /) -> object: ...


class _Rule(NamedTuple):
    """`expression` is None for a pattern without marks, or of `**` and a fixed end."""

    pattern: str
    expression: Matcher | None


class IgnoreMatcher:
    """Matches paths against patterns. Files with exceptions (`!`) are not judged: `decidable` is false then."""

    def __init__(self, patterns: Sequence[str]) -> None:
        cleaned = [clean(text) for pattern in patterns if (text := pattern.strip(SPACE))]
        self.decidable = not any(pattern.startswith("!") for pattern in cleaned)
        for pattern in cleaned:
            _check(pattern)
        self._rules = [_compile(pattern.removeprefix("!")) for pattern in cleaned] if self.decidable else []

    @property
    def covers_root(self) -> bool:
        return any(rule.pattern in ("*", "**", "**/*") for rule in self._rules)

    def excludes(self, path: str) -> bool:
        """Whether `path` or a directory above it matches."""
        parts = path.split("/")
        above = ["/".join(parts[: at + 1]) for at in range(len(parts) - 1)]
        return any(_matches(rule, item) for rule in self._rules for item in (path, *above))


def _check(pattern: str) -> None:
    if pattern == "!":
        raise DockerfileError(IGNORE_FILE, problem='illegal exclusion pattern: "!"')
    if not _is_glob(pattern.removeprefix("!")):
        raise DockerfileError(IGNORE_FILE, problem=_SYNTAX)


def _is_glob(pattern: str) -> bool:
    """Whether Go's `filepath.Match` takes the pattern: classes are closed and not empty, escapes have a character."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\":
            if at >= len(pattern):
                return False
            at += 1
        elif char == "[":
            at = _class_end(pattern, at)
            if at < 0:
                return False
    return True


def _class_end(pattern: str, at: int) -> int:
    at += pattern.startswith("^", at)
    ranges = 0
    while not (ranges and pattern.startswith("]", at)):
        at = _class_char(pattern, at)
        if at >= 0 and pattern.startswith("-", at):
            at = _class_char(pattern, at + 1)
        if at < 0:
            return -1
        ranges += 1
    return at + 1


def _class_char(pattern: str, at: int) -> int:
    """Behind one character of a class; -1 if there is none or nothing follows it."""
    if at >= len(pattern) or pattern[at] in "-]":
        return -1
    at += pattern[at] == "\\"
    return at + 1 if at + 1 < len(pattern) else -1


def _compile(pattern: str) -> _Rule:
    rest = pattern[2:]
    if not set(pattern) & _MARKS or (pattern.startswith("**") and not set(rest) & _MARKS):
        return _Rule(pattern, None)
    return _Rule(pattern, _regular_expression("".join(_pieces(pattern))))


_MARKS: Final = frozenset("*?[]\\")


def _pieces(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            at += pattern.startswith("/", at)
            yield "(.*/)?" if at < len(pattern) else ".*"
        elif char == "*":
            yield "[^/]*"
        elif char == "?":
            yield "[^/]"
        elif char == "\\":
            yield "\\" + pattern[at : at + 1]
            at += 1
        else:
            yield "\\" + char if char in ".+()|{}$" else char


def _regular_expression(expression: str) -> Matcher | None:
    # Character classes are written out as they stand, so they must mean what RE2 makes of them.
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Matcher = re2.compile(expression, options)
    except re2.error:
        return None
    return compiled


def _matches(rule: _Rule, path: str) -> bool:
    if rule.expression is not None:
        return rule.expression.fullmatch(path) is not None
    if not rule.pattern.startswith("**"):
        return rule.pattern == path
    suffix = rule.pattern[2:]
    return path.endswith(suffix) or (suffix.startswith("/") and path == suffix[1:])
