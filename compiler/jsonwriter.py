"""Values as JSON, as the reference writes it."""

from __future__ import annotations

from bakec.ir import numbers
from bakec.ir.numbers import Float
from bakec.ir.quoting import json_quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.values import Value


class JsonError(ValueError):
    """The text is not JSON, or the value has no text."""


MAX_TEXT = 1 << 24
"""Characters of a text that is written."""


def encode(value: Value) -> str:
    """`value` as compact JSON with sorted keys. Raises `JsonError` for infinity, and beyond `MAX_TEXT`."""
    writer = _Writer()
    writer.value(value)
    return "".join(writer.parts)


def shown(value: Value) -> str:
    """Like `encode`, but nothing for what holds an infinity, which JSON has no word for."""
    try:
        return encode(value)
    except JsonError:
        return ""


class _Writer:
    """Collects the text. Its size is counted, for values may share their parts: a small one can be endless."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = MAX_TEXT

    def write(self, text: str) -> None:
        self.room -= len(text)
        if self.room < 0:
            raise JsonError(f"the result would be longer than {MAX_TEXT} characters")
        self.parts.append(text)

    def value(self, value: Value) -> None:
        raw = value.raw
        if raw is None:
            self.write("null")
        elif isinstance(raw, str):
            self.write(json_quoted(raw))
        elif isinstance(raw, bool):
            self.write("true" if raw else "false")
        elif isinstance(raw, int | Float):
            if numbers.is_infinite(raw):
                raise JsonError("cannot serialize infinity as JSON")
            self.write(numbers.to_text(raw))
        elif isinstance(raw, tuple):
            self.all("[]", [("", item) for item in raw])
        elif isinstance(raw, dict):
            self.all("{}", [(json_quoted(name) + ":", item) for name, item in raw.items()])
        else:
            raise JsonError("value is not known")

    def all(self, brackets: str, items: list[tuple[str, Value]]) -> None:
        self.write(brackets[0])
        for position, (key, item) in enumerate(items):
            self.write(f",{key}" if position else key)
            self.value(item)
        self.write(brackets[1])
