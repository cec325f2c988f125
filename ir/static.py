"""The names of `typing` that are needed while a program runs, where importing it would cost more than all else a small
verb does. To a type checker they are those of `typing`; all its other names are imported under `TYPE_CHECKING`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType, Protocol, cast, final
else:

    class Protocol:
        pass

    def NewType(_name, kind):  # noqa: N802
        return kind

    def cast(_kind, value):
        return value

    def final(cls):
        return cls


__all__ = ["NewType", "Protocol", "cast", "final"]
