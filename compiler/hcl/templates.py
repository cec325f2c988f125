"""Templates: what a template's tokens mean once white space is stripped and directives have found their ends."""

from __future__ import annotations

from itertools import pairwise

from bakec.compiler.hcl.lexer import SPACES
from bakec.compiler.render.ranges import range_text
from bakec.ir import syntax
from bakec.ir.codes import syntax as codes
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.records import NamedTuple, dataclass, field
from bakec.ir.span import Span
from bakec.ir.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TypeAlias

    from bakec.ir.diagnostics import Diagnostics
    from bakec.ir.syntax import Expr

MAX_DIRECTIVES: Final = 200
"""How deep directives may nest in one template."""


@dataclass(slots=True)
class Text:
    """Literal text, escapes resolved; stripping shortens it."""

    text: str
    span: Span


class Interpolation(NamedTuple):
    """`${expr}`. A tilde at either end strips the text next to it; so for directives."""

    expr: Expr
    span: Span
    strips_left: bool
    strips_right: bool


class If(NamedTuple):
    condition: Expr
    span: Span
    strips_left: bool
    strips_right: bool


class For(NamedTuple):
    key_var: str
    value_var: str
    collection: Expr
    span: Span
    strips_left: bool
    strips_right: bool


class Ending(NamedTuple):
    """`else`, `endif` or `endfor`."""

    keyword: str
    span: Span
    strips_left: bool
    strips_right: bool


Part: TypeAlias = Text | Interpolation | If | For | Ending


def literal(text: str, span: Span) -> syntax.Literal:
    """`text` as a value that knows its place."""
    return syntax.Literal(string(text, Origin(OriginKind.LITERAL, "", span)), span)


def assemble(parts: Sequence[Part], span: Span, end: Span, sink: Diagnostics) -> Expr:
    """The template made of `parts`. `span` is its own, `end` that of what closes it."""
    merged = _merged(parts)
    if len(merged) == 1 and isinstance(merged[0], Interpolation):
        return syntax.TemplateWrap(merged[0].expr, span)
    if not merged:
        return syntax.Template((literal("", Span(end.source, end.end, end.end)),), span)
    return syntax.Template(tuple(_Nesting(end, sink).run(merged)), span)


def strip(parts: Sequence[Part]) -> None:
    """Strip the text next to each tilde: only the piece that adjoins it, which ends with its line in a heredoc."""
    for left, right in pairwise(parts):
        if isinstance(right, Text) and not isinstance(left, Text) and left.strips_right:
            right.text = right.text.lstrip(SPACES)
        elif isinstance(left, Text) and not isinstance(right, Text) and right.strips_left:
            left.text = left.text.rstrip(SPACES)


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Neighboring texts joined."""
    merged: list[Part] = []
    pending: list[Text] = []
    for part in parts:
        if isinstance(part, Text):
            pending.append(part)
            continue
        _flush(pending, merged)
        merged.append(part)
    _flush(pending, merged)
    return merged


def _flush(pending: list[Text], merged: list[Part]) -> None:
    if pending:
        merged.append(Text("".join([part.text for part in pending]), pending[0].span.to(pending[-1].span)))
        pending.clear()


# --- heredocs -------------------------------------------------------------------------------------------------


def dedent(parts: Sequence[Part]) -> None:
    """What `<<-` does: take from each line as many white-space characters as the least indented one starts with.

    Only literal text is indentation. A blank line has none, and neither adds to nor lowers the count.
    """
    starts = [part for before, part in zip([None, *parts], parts, strict=False) if _ends_line(before)]
    indented = [part for part in starts if isinstance(part, Text) and not _is_blank(part)]
    widths = [len(part.text) - len(part.text.lstrip(SPACES)) for part in indented]
    widths += [0 for part in starts if not isinstance(part, Text)]
    least = min(widths, default=0)
    for part in indented:
        part.text = part.text[least:]
        part.span = part.span._replace(start=part.span.start + least)


def _ends_line(part: Part | None) -> bool:
    return part is None or (isinstance(part, Text) and part.text.endswith("\n"))


def _is_blank(part: Text) -> bool:
    return part.text.endswith("\n") and not part.text.strip(SPACES)


# --- directives -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A directive whose end has not come yet, or the template itself."""

    marker: If | For | None
    parts: list[Expr] = field(default_factory=list)
    otherwise: list[Expr] | None = None  # what follows the `else`

    def add(self, expr: Expr) -> None:
        (self.parts if self.otherwise is None else self.otherwise).append(expr)


class _Nesting:
    """Directives matched with their ends."""

    def __init__(self, end: Span, sink: Diagnostics) -> None:
        self.end = end
        self.sink = sink
        self.open = [_Open(None)]

    def run(self, parts: Sequence[Part]) -> list[Expr]:
        for part in parts:
            if len(self.open) > MAX_DIRECTIVES:
                self.sink.add(codes.NESTED_TOO_DEEP.at(self.end))
                return []
            match part:
                case Text(text=text, span=span):
                    self.open[-1].add(literal(text, span))
                case Interpolation(expr=expr):
                    self.open[-1].add(expr)
                case If() | For():
                    self.open.append(_Open(part))
                case Ending():
                    self.finish(part)
        while len(self.open) > 1:
            self.give_up(self.end, self.missing_end())
        return self.open[0].parts

    def finish(self, ending: Ending) -> None:
        match self.open[-1], ending.keyword:
            case _Open(marker=None), keyword:
                reason = "The control directives within this template are unbalanced."
                self.sink.add(codes.UNEXPECTED_DIRECTIVE.at(ending.span, keyword=keyword, reason=reason))
                self.open[-1].add(_nothing(ending.span))
            case _Open(marker=If(), otherwise=None) as top, "else":
                top.otherwise = []
            case _Open(marker=If() as marker) as top, "endif":
                self.close(_conditional(marker, top, ending.span))
            case _Open(marker=For() as marker) as top, "endfor":
                self.close(_loop(marker, top, ending.span))
            case top, keyword:
                self.sink.add(codes.UNEXPECTED_DIRECTIVE.at(ending.span, keyword=keyword, reason=_reason(top, keyword)))
                self.close(_nothing(ending.span))

    def close(self, made: Expr) -> None:
        self.open.pop()
        self.open[-1].add(made)

    def missing_end(self) -> str:
        marker = self.open[-1].marker
        name = "if" if isinstance(marker, If) else "for"
        place = range_text(marker.span) if marker else ""
        return f"The {name} directive at {place} is missing its corresponding end{name} directive."

    def give_up(self, span: Span, reason: str) -> None:
        self.sink.add(codes.UNEXPECTED_TEMPLATE_END.at(span, reason=reason))
        self.close(_nothing(span))


def _reason(top: _Open, keyword: str) -> str:
    place = range_text(top.marker.span) if top.marker else ""
    if isinstance(top.marker, For):
        if keyword == "else":
            return "An else clause is not expected for a for directive."
        return f"Expecting an endfor directive corresponding to the for directive at {place}."
    if keyword == "else":
        return f"Already in the else clause for the if started at {place}."
    return f"Expecting an endif directive for the if started at {place}."


def _nothing(span: Span) -> Expr:
    """In place of what was reported."""
    return syntax.ErrorExpr((), span)


def _conditional(marker: If, top: _Open, end: Span) -> Expr:
    true = _branch(top.parts, marker.span._replace(start=marker.span.end))
    false = _branch(top.otherwise or [], end._replace(end=end.start))
    return syntax.Conditional(marker.condition, true, false, marker.span.to(end))


def _loop(marker: For, top: _Open, end: Span) -> Expr:
    span = marker.span
    value = _branch(top.parts, span._replace(start=span.end))
    names = marker.key_var, marker.value_var
    loop = syntax.For(*names, marker.collection, None, value, None, False, span, end, span.to(end))
    return syntax.TemplateJoin(loop, loop.span)


def _branch(parts: list[Expr], empty: Span) -> Expr:
    """What stands between two directives; `empty` is the place if that is nothing."""
    parts = parts or [literal("", empty)]
    return syntax.Template(tuple(parts), parts[0].span.to(parts[-1].span))
