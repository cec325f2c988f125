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


def entry(value: Any) -> str:
    """An entry as the command line writes it (`type=local,dest=out`), any other value as `shown` does."""
    if not isinstance(value, dict):
        return shown(value)
    first: list[str] = []
    rest: list[str] = []
    for key, part in value.items():
        if isinstance(part, bool):
            part = str(part).lower()
        elif not isinstance(part, str):
            return shown(value)
        (first if key in ("type", "id") else rest).append(f"{key}={part}")
    return shown(",".join(first + rest))
