"""Strings as the reference quotes them in messages and in JSON.

A lone surrogate stands for a byte that was not UTF-8, as `surrogateescape` decodes it.
"""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quote(text: str) -> str:
    """`text` in double quotes, with escapes for what does not print (`\\n`, `\\x00`, `\\u200b`)."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_quoted, text))}"'


def _quoted(char: str) -> str:
    if escape := _ESCAPES.get(char):
        return escape
    return char if char.isprintable() else _escaped(ord(char))


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote_list(items: Iterable[str]) -> str:
    """Quoted strings in brackets, a space between two."""
    return f"[{' '.join(map(quote, items))}]"


def quote_char(char: str) -> str:
    """One character in single quotes, escaped like a string."""
    if char in "'\\":
        return f"'\\{char}'"
    return "'\"'" if char == '"' else f"'{_quoted(char)}'"


_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def json_quoted(text: str) -> str:
    """`text` as a JSON string; safe inside of HTML."""
    return f'"{_unsafe().sub(_json_escape, text)}"'


@cache
def _unsafe() -> re.Pattern[str]:
    import re

    return re.compile(r'[\x00-\x1f"\\<>&\u2028\u2029]')


def _json_escape(found: re.Match[str]) -> str:
    char = found[0]
    return _JSON_ESCAPES.get(char) or f"\\u{ord(char):04x}"
