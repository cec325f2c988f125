"""JSON as the reference prints it."""

from __future__ import annotations

from bakec.ir.quoting import json_quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def bake_json(data: Any) -> str:
    """Two spaces, and `<`, `>`, `&` and the line separators escaped."""
    return _json(data, "\n")


def _json(data: Any, end: str) -> str:
    """The text of `data`; `end` begins its last line. (The module `json` costs a twentieth of a small `print`.)"""
    inner = end + "  "
    if isinstance(data, str):
        return json_quoted(data)
    if isinstance(data, dict):
        items = [f"{inner}{json_quoted(key)}: {_json(value, inner)}" for key, value in data.items()]
        return f"{{{','.join(items)}{end}}}" if items else "{}"
    if isinstance(data, list | tuple):
        items = [f"{inner}{_json(value, inner)}" for value in data]
        return f"[{','.join(items)}{end}]" if items else "[]"
    return "null" if data is None else str(data).lower()
