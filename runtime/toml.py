"""TOML text from plain values, laid out as buildx lays out the configuration of its builders."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def dumps(document: Mapping[str, Any]) -> str:
    """Keys in order, values before tables, tables indented by their depth. Raises `TypeError` for what TOML has not."""
    return "".join(_table(document, (), ""))


def _table(table: Mapping[str, Any], path: tuple[str, ...], indent: str) -> Iterator[str]:
    inner = {key: value for key, value in sorted(table.items()) if _is_table(value)}
    for key, value in sorted(table.items()):
        if key not in inner:
            yield f"{indent}{_key(key)} = {_value(value)}\n"
    for key, value in inner.items():
        name = ".".join(map(_key, (*path, key)))
        deeper = "  " * len(path)
        for found in [value] if isinstance(value, Mapping) else value:
            yield f"\n{deeper}[{name}]\n" if isinstance(value, Mapping) else f"\n{deeper}[[{name}]]\n"
            yield from _table(found, (*path, key), deeper + "  ")


def _is_table(value: object) -> bool:
    is_list = isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping) or is_list


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return _string(value)
        case datetime() | date() | time():
            return value.isoformat().replace("+00:00", "Z")
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            pairs = (f"{_key(key)} = {_value(item)}" for key, item in sorted(value.items()))
            return f"{{ {', '.join(pairs)} }}"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _float(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:.1f}" if value.is_integer() else format(Decimal(repr(value)), "f")


def _string(text: str) -> str:
    return '"' + "".join(_SHORT.get(char) or _char(char) for char in text) + '"'


def _char(char: str) -> str:
    return f"\\u{ord(char):04X}" if char < " " else char
