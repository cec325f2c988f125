"""Which part of an expression a message points at."""

from __future__ import annotations

from bakec.ir import syntax
from bakec.ir.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.syntax import Expr


def start_span(expr: Expr) -> Span:
    """The first part of `expr`: a bracket, an operand, a function's name. The reference underlines it where the
    whole expression would be too much."""
    match expr:
        case syntax.TupleCons(open=span) | syntax.ObjectCons(open=span) | syntax.For(open=span):
            return span
        case syntax.Call(name_span=name, open=bracket):
            return name.to(bracket)
        case syntax.Template(parts=(first, *_)):
            return start_span(first)
        case syntax.Conditional(condition=first) | syntax.Binary(left=first):
            return start_span(first)
        case syntax.TemplateJoin(tuple=first) | syntax.ObjectKey(wrapped=first) | syntax.Parentheses(inner=first):
            return start_span(first)
        case syntax.Unary(symbol=span) | syntax.Splat(marker=span):
            return span
        case syntax.Index(bracket=bracket):
            return Span(bracket.source, bracket.start, bracket.start + 1)
        case _:
            return expr.span


def static_list(expr: Expr) -> tuple[Expr, ...] | None:
    """The items of a tuple written out, or None."""
    return expr.items if isinstance(expr, syntax.TupleCons) else None
