"""`$NAME` and `${NAME:-default}` in the strings of Compose files and of `.env` files."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from bakec.ir.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

Lookup: TypeAlias = Callable[[str], str | None]

MAX_NESTING: Final = 100
"""Deepest `${A:-${B:-…}}`."""

_TOKEN: Final = re.compile(
    r"\$(?:(\$)|([_a-z][_a-z0-9]*)|\{([_a-z][_a-z0-9]*)(\}|:?[-+?])|(\{))", re.IGNORECASE | re.ASCII
)
_BRACE: Final = re.compile("[{}]")


class TemplateError(Exception):
    """Something is wrong with a template; the message is the reference's."""


class InvalidTemplateError(TemplateError):
    """The text at `template` is not a template."""

    def __init__(self, template: str) -> None:
        super().__init__(f"Invalid template: {quote(template)}")
        self.template = template


class MissingError(TemplateError):
    """`${NAME:?reason}`, and there is no such variable."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"required variable {name} is missing a value{reason and ': ' + reason}")
        self.name = name


def substitute(text: str, lookup: Lookup, unset: Callable[[str], None], depth: int = 0) -> str:
    """`text` with its variables replaced. `unset` hears of each plain variable that has no value and becomes
    empty. Raises `TemplateError`."""
    if "$" not in text:
        return text
    if depth > MAX_NESTING:
        raise InvalidTemplateError(text)
    parts: list[str] = []
    at = 0
    inner = (0, len(text))
    while found := _TOKEN.search(text, at):
        parts.append(text[at : found.start()])
        if found.start() >= inner[1]:
            inner = (0, len(text))
        at = found.end()
        escaped, named, braced, follow, _ = found.groups()
        if escaped:
            parts.append("$")
        elif named or follow == "}":
            parts.append(_plain(named or braced, lookup, unset))
        else:
            close, last = _closing(text, found) if braced else (-1, -1)
            if close < 0:
                raise InvalidTemplateError(text[slice(*inner)])
            argument = partial(substitute, text[at:close], lookup, unset, depth + 1)
            parts.append(_expanded(braced, follow, lookup, argument))
            at = close + 1
            # The reference takes all up to the line's last brace for one match, and names only what is left of it.
            inner = (at, last + 1)
    parts.append(text[at:])
    return "".join(parts)


def _plain(name: str, lookup: Lookup, unset: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        unset(name)
    return value or ""


def _closing(text: str, found: re.Match[str]) -> tuple[int, int]:
    """Where the brace closes that `found` opened, and where the last one of the line is. If the braces do not
    balance the last one closes; -1 if there is none."""
    line_end = text.find("\n", found.end())
    last = text.rfind("}", found.end(), line_end if line_end >= 0 else len(text))
    depth, at = 0, found.start()
    while brace := _BRACE.search(text, at, last + 1):
        depth += 1 if brace.group() == "{" else -1
        if not depth:
            return brace.start(), last
        # The reference skips the character behind an opening brace, so `{}` does not balance.
        at = brace.end() + (brace.group() == "{")
    return last, last


def _expanded(name: str, operator: str, lookup: Lookup, argument: Callable[[], str]) -> str:
    """`${name operator argument}`; `argument` is only worked out where it is used."""
    value = lookup(name)
    present = bool(value) if operator.startswith(":") else value is not None
    match operator[-1]:
        case "-":
            return value or "" if present else argument()
        case "+":
            return argument() if present else value or ""
        case _:
            if not present:
                raise MissingError(name, argument())
            return value or ""
