"""JSON text byte for byte as Go's `encoding/json` writes it. Its bytes reach op digests and image configs."""

from __future__ import annotations

import json
import re

_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return "\\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


def dumps(value: object, indent: int | None = None) -> str:
    """`value` (plain dicts, lists, strings, numbers) as JSON; dict order is kept, `indent` as `MarshalIndent`.

    Characters that browsers misread are escaped, and what was not valid UTF-8 becomes the escape of U+FFFD.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    return _UNSAFE.sub(_escape, text)


def string_list(items: tuple[str, ...]) -> str:
    """A JSON array of strings, or nothing for an empty one."""
    return dumps(list(items)) if items else ""
