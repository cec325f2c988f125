"""Regular expressions of RE2, with the reference's explanation of what is wrong with a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bakec.compiler.stdlib.arguments import MAX_ELEMENTS, FunctionError, check_length
from bakec.ir.types import STRING, ObjectType, TupleType
from bakec.ir.values import Value, list_, null, object_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from bakec.ir.types import Type

Pattern: TypeAlias = Any
Match: TypeAlias = Any
"""The RE2 binding has no types."""


class PatternError(Exception):
    """`reason` and `part` of a pattern that is none."""

    def __init__(self, reason: str, part: str) -> None:
        super().__init__(reason, part)
        self.reason = reason
        self.part = part


_REASONS = {
    "bad repetition operator": "invalid nested repetition operator",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "pattern too large - compile failed": "expression too large",
    "trailing \\": "trailing backslash at end of expression",
}
"""What RE2 says, and what the reference's engine says instead."""


@lru_cache(maxsize=64)
def compile_pattern(pattern: str) -> Pattern:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        raise _explained(error.args[0], pattern) from None
    repeated = _repeated_name(pattern, found)
    if repeated:
        raise PatternError("invalid named capture", repeated)
    return found


def _explained(message: bytes, pattern: str) -> PatternError:
    reason, _, part = message.decode(errors="replace").partition(": ")
    if reason == "missing )":
        part = pattern
    elif reason == "invalid repetition size":
        part = part.rstrip("?")
    return PatternError(_REASONS.get(reason, reason), "" if reason == "trailing \\" else part)


_NAME = re.compile(r"\(\?P?<(\w+)>")


def _repeated_name(pattern: str, found: Pattern) -> str:
    """RE2 lets two groups have one name, and then knows of one of them."""
    names: list[str] = _NAME.findall(pattern)
    if len(names) < 2 or len(set(names)) == len(names) or found.groups == len(found.groupindex):
        return ""
    return next(name for at, name in enumerate(names) if name in names[:at])


Result: TypeAlias = Callable[[Match], Value]


def _prepare(pattern: Value) -> tuple[Pattern, Type, Result]:
    """The compiled pattern, the type of its results, and what makes a result of a match."""
    try:
        found = compile_pattern(pattern.text)
    except PatternError as error:
        raise FunctionError(f"invalid regexp pattern: {error.reason} in {error.part}", 0) from None
    names: dict[str, int] = found.groupindex
    if not found.groups:
        return found, STRING, lambda match: string(match.group())
    if not names:
        return found, TupleType((STRING,) * found.groups), lambda match: tuple_(map(_group, match.groups()))
    if len(names) != found.groups:
        raise FunctionError("invalid regexp pattern: cannot mix both named and unnamed capture groups", 0)
    kind = ObjectType(dict.fromkeys(sorted(names), STRING))
    return found, kind, lambda match: object_({name: _group(match.group(at)) for name, at in names.items()})


def _group(text: str | None) -> Value:
    return null(STRING) if text is None else string(text)


def regex(pattern: Value, text: Value) -> Value:
    found, _, result = _prepare(pattern)
    match = found.search(text.text)
    if match is None:
        raise FunctionError("pattern did not match any part of the given string")
    return result(match)


def regexall(pattern: Value, text: Value) -> Value:
    found, kind, result = _prepare(pattern)
    items: list[Value] = []
    for match in _matches(found, text.text):
        if len(items) == MAX_ELEMENTS:
            raise FunctionError(f"the pattern matches more than {MAX_ELEMENTS} times")
        items.append(result(match))
    return list_(kind, items)


def _matches(pattern: Pattern, text: str) -> Iterator[Match]:
    """All matches that do not overlap, without the empty ones right behind another."""
    end = -1
    for match in pattern.finditer(text):
        if match.start() != match.end() or match.start() != end:
            yield match
        end = match.end()


def regex_replace(text: Value, pattern: Value, replacement: Value) -> Value:
    try:
        found = compile_pattern(pattern.text)
    except PatternError as error:
        raise FunctionError(f"error parsing regexp: {error.reason}: `{error.part}`") from None
    expand = _template(replacement.text, found)
    parts: list[str] = []
    size = end = 0
    for match in _matches(found, text.text):
        part = text.text[end : match.start()] + expand(match)
        size += len(part)
        check_length(size)
        parts.append(part)
        end = match.end()
    return string("".join(parts) + text.text[end:])


_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def _template(template: str, pattern: Pattern) -> Callable[[Match], str]:
    """What expands `$1`, `${1}`, `$name` and `$$`; a group that is not there is empty."""
    if "$" not in template:
        return lambda _match: template
    parts: list[str | int] = []
    end = 0
    for found in _REFERENCE.finditer(template):
        parts.append(template[end : found.start()])
        parts.append("$" if found[1] else _group_number(found[2] or found[3], pattern))
        end = found.end()
    parts.append(template[end:])

    def expand(match: Match) -> str:
        return "".join([part if isinstance(part, str) else match.group(part) or "" for part in parts])

    return expand


def _group_number(name: str, pattern: Pattern) -> int | str:
    if re.fullmatch(r"0|[1-9][0-9]{0,7}", name):
        return int(name) if int(name) <= pattern.groups else ""
    number: int | str = pattern.groupindex.get(name, "")
    return number
