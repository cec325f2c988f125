"""JSON values with their places: what the parser makes and `lower` reads."""

from __future__ import annotations

from bakec.ir.records import NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.span import Span
    from bakec.ir.values import Value


class Property(NamedTuple):
    """`name_span` includes the quotes."""

    name: str
    value: Node
    name_span: Span


@dataclass(slots=True)
class Object:
    properties: list[Property]
    open: Span
    close: Span

    @property
    def span(self) -> Span:
        return self.open.to(self.close)

    @property
    def start(self) -> Span:
        """What a message points at that is about the value as a whole."""
        return self.open


@dataclass(slots=True)
class Array:
    items: list[Node]
    open: Span
    close: Span

    @property
    def span(self) -> Span:
        return self.open.to(self.close)

    @property
    def start(self) -> Span:
        return self.open


@dataclass(slots=True)
class String:
    text: str
    span: Span

    @property
    def start(self) -> Span:
        return self.span


@dataclass(slots=True)
class Scalar:
    """A number, a bool or null."""

    value: Value
    span: Span

    @property
    def start(self) -> Span:
        return self.span


@dataclass(slots=True)
class Invalid:
    """In place of what was reported."""

    span: Span

    @property
    def start(self) -> Span:
        return self.span


Node: TypeAlias = Object | Array | String | Scalar | Invalid
