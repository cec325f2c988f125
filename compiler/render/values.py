"""Values of a plan as text for a terminal. A plan may come from anywhere: what controls a terminal is escaped."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def shown(value: Any) -> str:
    """A text as it is where that is safe and clear, anything else as JSON."""
    if isinstance(value, str) and value and value.isprintable() and value == value.strip():
        return value
    import json

    return json.dumps(value, ensure_ascii=not _printable(value))


def _printable(value: Any) -> bool:
    if isinstance(value, str):
        return value.replace("\n", "").replace("\t", "").isprintable()
    if isinstance(value, dict):
        return all(_printable(part) for pair in value.items() for part in pair)
    return all(map(_printable, value)) if isinstance(value, list | tuple) else True


_WORDS = (str, bool)


def entry(value: Any) -> str:
    """An entry as the command line writes it (`type=local,dest=out`), any other value as `shown` does."""
    if not isinstance(value, dict) or not all(isinstance(part, _WORDS) for part in value.values()):
        return shown(value)
    first = sorted(value, key=_is_not_first)
    return shown(",".join([f"{key}={_word(value[key])}" for key in first]))


def _is_not_first(key: str) -> bool:
    return key not in ("type", "id")


def _word(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()
