"""Provenance: where a value came from, as a small graph that values carry along."""

from __future__ import annotations

from bakec.ir.records import Enum, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.span import Span


class OriginKind(Enum):
    """The symbols are those that `bakec explain` prints."""

    LITERAL = "literal"
    DEFAULT = "variable default"
    ENVIRONMENT = "environment"
    FLAG = "--var"
    DOTENV = ".env"
    SET = "--set"
    BUILTIN = "built-in"
    VARIABLE = "variable"
    GLOBAL = "global attribute"
    MATRIX = "matrix item"
    TEMPLATE = "template"
    OPERATOR = "operator"
    CONDITION = "condition"
    CALL = "call"
    REFERENCE = "reference"
    INHERITED = "inherited"
    IMPLICIT = "default"


class Origin(NamedTuple):
    """One step of the making of a value: `name` is the variable, function, flag or target; `inputs` the origins
    of what went in, in source order. Shared freely: a graph, not a tree."""

    kind: OriginKind
    name: str
    span: Span | None
    inputs: tuple[Origin, ...] = ()
