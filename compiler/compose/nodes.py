"""The nodes of a Compose document: YAML values that know where they stand.

Nodes are never changed: an anchor's node is shared by all of its aliases, so each stage builds new ones.
"""

from __future__ import annotations

from math import copysign, isfinite, isnan

from bakec.ir.decimals import fixed, scientific
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    from bakec.ir.span import Span


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A YAML timestamp; `text` is its form as an argument, `2001-12-14 00:00:00 +0000 UTC`."""

    text: str


Plain: TypeAlias = str | bool | int | float | Timestamp | None


class Scalar(NamedTuple):
    """A value; `inputs` are the origins of the variables that were interpolated into it."""

    value: Plain
    span: Span
    inputs: tuple[Origin, ...] = ()

    @property
    def origin(self) -> Origin:
        kind = OriginKind.TEMPLATE if self.inputs else OriginKind.LITERAL
        return Origin(kind, "", self.span, self.inputs)


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping: `keys` are the ranges of its keys. `cleared` are those tagged `!reset` or `!override`, whose
    values of earlier files go before this one is merged."""

    items: dict[str, Node]
    span: Span
    keys: dict[str, Span] = field(default_factory=dict)
    cleared: tuple[str, ...] = ()

    def key_span(self, key: str) -> Span:
        return self.keys.get(key, self.span)

    def having(self, items: dict[str, Node]) -> Table:
        """This mapping with other items."""
        return Table(items, self.span, self.keys, self.cleared)


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence."""

    items: tuple[Node, ...]
    span: Span


Node: TypeAlias = Scalar | Table | Listing

_TYPES: Final[dict[type, str]] = {
    str: "string",
    bool: "bool",
    int: "int",
    float: "float64",
    Timestamp: "time.Time",
    type(None): "<nil>",
    Table: "map[string]interface {}",
    Listing: "[]interface {}",
}


def type_name(node: Node) -> str:
    """The type as messages name it."""
    return _TYPES[type(node.value) if isinstance(node, Scalar) else type(node)]


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def plain_text(value: Plain) -> str:
    """A scalar as text, the way an argument or a label gets it: `1.10` is `1.1`, null is `<nil>`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case Timestamp():
            return value.text
        case None:
            return "<nil>"
        case _:
            return str(value)


def _float_text(value: float) -> str:
    """The fewest digits that read back as `value`; in scientific notation from 1e6 up and below 1e-4."""
    if not isfinite(value):
        return "NaN" if isnan(value) else ("+Inf" if value > 0 else "-Inf")
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = f"{whole}{fraction}".lstrip("0")
    point = len(whole) + int(power or 0) - len(whole + fraction) + len(written)
    digits = written.rstrip("0")
    if not value:
        text = "0"
    elif -4 <= point - 1 < 6:
        text = fixed(digits, point, max(len(digits) - point, 0))
    else:
        text = scientific(digits, point, len(digits) - 1)
    return "-" + text if copysign(1, value) < 0 else text


def text_of(node: Node) -> str:
    """Any node as text: `map[k:v]` and `[a b]` for collections."""
    match node:
        case Scalar(value=value):
            return plain_text(value)
        case Table(items=items):
            return f"map[{' '.join(f'{key}:{text_of(items[key])}' for key in sorted(items))}]"
        case Listing(items=elements):
            return f"[{' '.join(map(text_of, elements))}]"
