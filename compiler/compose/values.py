"""Scalars as the values that target definitions are made of."""

from __future__ import annotations

from bakec.compiler.compose.nodes import text_of
from bakec.compiler.entries import EntryError, parse_entries
from bakec.ir.codes.compose import TARGET
from bakec.ir.diagnostics import fail
from bakec.ir.types import STRING
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bakec.compiler.compose.nodes import Node, Scalar
    from bakec.ir.diagnostics import Failed
    from bakec.ir.module import Entry


def target_name(service: str) -> str:
    """Dots may stand in the name of a service, but not in that of a target."""
    return service.replace(".", "_")


def text_value(scalar: Scalar) -> Value:
    return Value(STRING, text_of(scalar), scalar.origin)


def linked_contexts(scalars: Mapping[str, Scalar]) -> dict[str, Value]:
    """Named contexts: a service is the target of its name."""
    found: dict[str, Value] = {}
    for key, scalar in scalars.items():
        kind, colon, name = text_of(scalar).partition(":")
        linked = colon and kind in ("service", "target")
        found[key] = Value(STRING, f"target:{target_name(name)}" if linked else text_of(scalar), scalar.origin)
    return found


def refused(error: Exception | str, scalar: Node) -> Failed:
    return fail(TARGET.at(scalar.span, problem=error))


def entries(name: str, scalars: Iterable[Scalar]) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for scalar in scalars:
        try:
            found += parse_entries(name, [(text_of(scalar), scalar.origin)])
        except EntryError as error:
            raise refused(error, scalar) from error
    return tuple(found)


def sorted_ssh(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (str(entry.attrs.get("id", "")), entry.attrs.get("paths", ()))))
