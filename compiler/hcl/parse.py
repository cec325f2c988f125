"""The parser of native HCL: definition files, expressions and templates.

`errors` is imported where something is wrong, which most runs never see.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager

from bakec.compiler.hcl.kinds import INVALID, LINE_BREAK
from bakec.compiler.hcl.lexer import tokenize, tokenize_expression, tokenize_template
from bakec.compiler.hcl.lower import Lower
from bakec.compiler.hcl.machine import Stack, TooDeepError
from bakec.compiler.hcl.tables import STARTS
from bakec.compiler.hcl.templates import assemble, strip
from bakec.ir.codes import syntax as codes
from bakec.ir.span import Span
from bakec.ir.static import cast
from bakec.ir.syntax import Body, ErrorExpr, File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.hcl.lexer import Tokens
    from bakec.compiler.hcl.lower import Items
    from bakec.compiler.hcl.templates import Part
    from bakec.ir.diagnostics import Diagnostics
    from bakec.ir.span import Source
    from bakec.ir.syntax import Expr

_FILE: Final = STARTS["file"]


def parse_hcl(source: Source, sink: Diagnostics) -> File:
    """The tree of a definition file. Items that do not parse are reported and left out.

    Bytes that are not UTF-8 are expected as the lone surrogates of the `surrogateescape` error handler.
    """
    with _collector_paused():
        tokens = tokenize(source, source.text, 0)
        _check(tokens, sink)
        items = _parse_items(tokens, sink, Lower(source, tokens.text, 0, sink))
    whole = Span(source, 0, len(source.text))
    return File(source, Body(items.attributes, tuple(items.blocks), Span(source, 0, 0), whole))


def parse_expression(source: Source, sink: Diagnostics, text: str | None = None, start: int = 0) -> Expr:
    """The one expression that `text` is (by default the whole source), which stands at offset `start`."""
    text = source.text if text is None else text
    tokens = tokenize_expression(source, text, start)
    _check(tokens, sink)
    made = _parse_one(tokens, "expr", source, sink)
    return ErrorExpr((), Span(source, start, start + len(text))) if made is None else cast("Expr", made)


def parse_template(source: Source, text: str, start: int, span: Span, sink: Diagnostics) -> Expr:
    """The template that `text`, which stands at offset `start`, is without quotes. It gets `span` for its own."""
    tokens = tokenize_template(source, text, start)
    _check(tokens, sink)
    parts = _parse_one(tokens, "template", source, sink)
    if parts is None:
        return ErrorExpr((), span)
    strip(cast("list[Part]", parts))
    return assemble(cast("list[Part]", parts), span, tokens.spans[-1], sink)


def _check(tokens: Tokens, sink: Diagnostics) -> None:
    if INVALID in tokens.kinds or LINE_BREAK in tokens.kinds:
        from bakec.compiler.hcl.errors import report_invalid

        report_invalid(tokens, sink)


def _parse_one(tokens: Tokens, what: str, source: Source, sink: Diagnostics) -> object | None:
    """What the whole text is, or None."""
    stack = Stack(STARTS[what], Lower(source, tokens.text, tokens.start, sink).makers())
    try:
        if stack.advance(tokens, tokens.spans, 0) == len(tokens.kinds):
            return cast("object", stack.values[0])
        from bakec.compiler.hcl.errors import explain, locate

        stack.settle()
        sink.add(explain(locate(tokens, STARTS[what])))
    except TooDeepError as error:
        sink.add(codes.NESTED_TOO_DEEP.at(tokens.spans[error.at]))
    return None


def _parse_items(tokens: Tokens, sink: Diagnostics, lower: Lower) -> Items:
    """The items of a file. Behind one that does not parse, the parser starts anew with the next."""
    stack = Stack(_FILE, lower.makers())
    at = begin = 0
    try:
        while (at := stack.advance(tokens, tokens.spans, at)) < len(tokens.kinds):
            from bakec.compiler.hcl.errors import explain, locate

            states, values = stack.states[:2], stack.values[:1]
            stack.settle()  # what came before may be wrong, too
            found = locate(tokens, _FILE, begin)
            if not begin or not found.is_aftermath:
                sink.add(explain(found))
            if at == len(tokens.kinds) - 1:
                break
            at = begin = found.next_item()
            stack.states[:], stack.values[:] = states, values
    except TooDeepError as error:
        sink.add(codes.NESTED_TOO_DEEP.at(tokens.spans[error.at]))
    return cast("Items", stack.values[0]) if stack.values else lower.no_items()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A tree has no cycles, and looking for some in hundreds of thousands of new nodes takes half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
