"""What definition files declare, before anything is evaluated."""

from __future__ import annotations

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.ir.span import Span
    from bakec.ir.syntax import Attribute, Block, Body, Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    condition: Expr | None
    error_message: Expr | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDecl:
    """A `variable` block. `missing` is where the reference reports what its body lacks."""

    name: str
    type: Expr | None
    default: Attribute | None
    description: Expr | None
    validations: tuple[Validation, ...]
    missing: Span
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDecl:
    """A `function` block, checked: names of parameters, the last one variadic or empty, and the result."""

    name: str
    parameters: tuple[str, ...]
    variadic: str
    result: Expr
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """All files together. Of variables, functions and attributes of one name the last counts; `blocks` are the
    targets and groups in source order."""

    variables: Mapping[str, VariableDecl] = field(default_factory=dict)
    functions: Mapping[str, FunctionDecl] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


def missing_span(body: Body) -> Span:
    """Where the reference reports what a body lacks."""
    return body.end
